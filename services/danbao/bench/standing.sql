-- name: standing
-- How far the log, its publication and the read models have come, and the WAL written so far.
SELECT h.position,
    (SELECT confirmed_position FROM danbao.relays WHERE shard = 0) AS published,
    (SELECT min(checkpoint) FROM danbao.projections WHERE state = 'live') AS projected,
    (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint AS wal_bytes
FROM danbao.log_heads AS h WHERE h.shard = 0;

-- name: backends
-- Which backend works for which of our processes.
SELECT pid, split_part(application_name, ' ', 2) AS client FROM pg_stat_activity
WHERE application_name LIKE 'danbao %' AND pid <> pg_backend_pid();

-- name: sizes
-- Bytes on disk of each table with its indexes, and of the whole database.
SELECT c.relname AS name, pg_total_relation_size(c.oid) AS bytes
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN ('danbao', 'danbao_models', 'danbao_read') AND c.relkind = 'r'
UNION ALL
SELECT 'database', pg_database_size(current_database());

-- name: counts
-- What must agree at the end of a run, or it is void.
SELECT
    (SELECT position FROM danbao.log_heads WHERE shard = 0) AS head,
    (SELECT count(*) FROM danbao.event_log) AS events,
    (SELECT max(position) FROM danbao.event_log) AS last,
    (SELECT count(*) FROM danbao.inbox) AS answered,
    (SELECT count(*) FROM danbao.event_log WHERE type LIKE '%.command\_rejected.%') AS refused,
    (SELECT count(*) FROM danbao.event_log
     WHERE type = 'authorization.payment_declined.v1') AS declined,
    (SELECT count(*) FROM danbao.dead_letters) AS dead_letters,
    (SELECT count(*) FROM danbao_read.trades WHERE state = 'TRADE_SUCCESS') AS released,
    (SELECT coalesce(sum(count), 0) FROM danbao_read.merchant_statement) AS credited;

-- name: publish_again
-- Nothing counts as published, and nobody is the relay: only for a log made to be measured.
UPDATE danbao.relays SET confirmed_position = 0, owner = '', lease_until = 'epoch';

-- name: read_models
-- Every table of the read models, to be emptied: only for a log made to be measured.
SELECT string_agg(format('%I.%I', n.nspname, c.relname), ', ')
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname IN ('danbao_models', 'danbao_read') AND c.relkind = 'r';

-- name: project_again
-- The read models begin at the first event.
UPDATE danbao.projections SET checkpoint = 0 WHERE state = 'live';
