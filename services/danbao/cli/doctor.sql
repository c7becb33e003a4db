-- name: settings
-- Whether Postgres keeps what it has committed.
SELECT name, setting FROM pg_settings WHERE name = ANY ($1::text[]);

-- name: has_migrations
-- Whether anything was ever set up here.
SELECT to_regclass('public.danbao_migrations') IS NOT NULL;

-- name: migrations
-- What was applied.
SELECT name FROM public.danbao_migrations;

-- name: topics
-- The topics as they were made.
SELECT topic, partitions FROM danbao.topics;
