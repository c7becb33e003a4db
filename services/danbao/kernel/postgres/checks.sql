-- name: settings
-- What Postgres is, whether it keeps what it has committed, and how full it is.
SELECT current_setting('server_version') AS version,
    current_setting('server_version_num')::integer AS version_number,
    current_setting('fsync') AS fsync,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('full_page_writes') AS full_page_writes,
    current_setting('data_checksums') AS data_checksums,
    current_setting('max_connections')::integer
        - current_setting('superuser_reserved_connections')::integer
        - (SELECT count(*)::integer FROM pg_stat_activity WHERE backend_type = 'client backend')
        AS connections_free,
    ARRAY(SELECT slot_name::text FROM pg_replication_slots WHERE NOT active ORDER BY 1)
        AS slots_unused,
    clock_timestamp() AS now;

-- name: has_migrations
-- Whether anything was ever set up here.
SELECT to_regclass('public.danbao_migrations') IS NOT NULL;

-- name: migrations
-- What was applied.
SELECT name FROM public.danbao_migrations;

-- name: topics
-- The topics as they were made.
SELECT topic, partitions FROM danbao.topics;

-- name: mark
-- Leaves a mark in the session.
SELECT set_config('danbao.session', $1, false);

-- name: read_mark
-- Reads it again.
SELECT current_setting('danbao.session', true);

-- name: is_sandbox
-- Whether the log is one of play money.
SELECT EXISTS (SELECT FROM danbao.sandbox_clock);

-- name: login
-- Who came, whatever role was taken on.
SELECT session_user::text;
