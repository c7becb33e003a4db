-- name: head
-- Where the log ends, and the leaf there.
SELECT h.position, h.recorded_at, h.incarnation, r.confirmed_position AS confirmed,
    (SELECT leaf_hash FROM danbao.event_log AS l
     WHERE l.shard = h.shard AND l.position = h.position) AS leaf_hash
FROM danbao.log_heads AS h JOIN danbao.relays AS r USING (shard)
WHERE h.shard = 0;

-- name: tables
-- All tables of ours, quoted.
SELECT format('%I.%I', n.nspname, c.relname)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN ('danbao', 'danbao_models', 'danbao_read') AND c.relkind = 'r'
ORDER BY 1;

-- name: migrations
SELECT name FROM public.danbao_migrations ORDER BY name;

-- name: owned_by
-- What a role of the engine's made for itself, and must be able to remake.
SELECT format('%I.%I', n.nspname, c.relname)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN ('danbao', 'danbao_models', 'danbao_read') AND c.relkind IN ('r', 'v', 'm')
    AND pg_get_userbyid(c.relowner) = $1
ORDER BY 1;

-- name: remains
-- What of ours is in a database already.
SELECT nspname FROM pg_namespace WHERE nspname IN ('danbao', 'danbao_models', 'danbao_read')
UNION ALL
SELECT relname FROM pg_class WHERE oid = to_regclass('public.danbao_migrations');

-- name: wrong_leaves
-- Rows whose leaf is not the hash of its row, position and time.
SELECT min(position) FROM danbao.event_log
WHERE leaf_hash <> sha256('\x00'::bytea || int8send(shard) || int8send(position)
    || int8send((extract(epoch FROM recorded_at) * 1000000)::bigint) || row_hash);
