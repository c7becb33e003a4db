-- name: head
-- Which log this is, where it says it ends, and the outermost rows that it has.
SELECT h.position, h.incarnation, (extract(epoch FROM h.recorded_at) * 1000000)::bigint AS micros,
    (SELECT max(position) FROM danbao.event_log WHERE shard = 0) AS last,
    (SELECT min(position) FROM danbao.event_log WHERE shard = 0) AS first,
    (SELECT count(*) FROM (SELECT FROM danbao.event_log WHERE shard < 0 LIMIT 1) AS below)
    + (SELECT count(*) FROM (SELECT FROM danbao.event_log WHERE shard > 0 LIMIT 1) AS above)
        AS strangers
FROM danbao.log_heads AS h WHERE h.shard = 0;

-- name: rows
-- A slice of the log with its hashes.
SELECT position, stream, version, type, schema_version, partition_key, event_id::text,
    causation_id::text, correlation_id, actor, data, postings,
    (extract(epoch FROM recorded_at) * 1000000)::bigint, row_hash, leaf_hash
FROM danbao.event_log
WHERE shard = 0 AND position > $1 AND position <= $2
ORDER BY position;

-- name: streams_at
-- Streams of some positions: where to cut the streams into parts of about one length.
SELECT DISTINCT stream FROM danbao.event_log
WHERE shard = 0 AND position = ANY ($1::bigint[]) ORDER BY stream;

-- name: events_by_stream
-- The next events in the order of streams and versions; no upper end where $3 is null.
SELECT stream, version, type, data, position
FROM danbao.event_log
WHERE shard = 0 AND (stream, version) > ($1, $2) AND ($3::text IS NULL OR stream < $3)
ORDER BY stream, version LIMIT $4;

-- name: states
-- Cached states of a stretch of streams, with its beginning if $3; no upper end where $2 is null.
SELECT stream, version, fold_version, state FROM danbao.stream_states
WHERE shard = 0 AND (stream > $1 OR $3 AND stream = $1) AND ($2::text IS NULL OR stream <= $2)
ORDER BY stream;

-- name: guarded
-- Balances that must not fall below their floor.
SELECT account, currency, balance_minor FROM danbao.guarded_balances WHERE shard = 0;

-- name: postings
-- What was posted after a position.
SELECT position, postings FROM danbao.event_log
WHERE shard = 0 AND position > $1 AND postings IS NOT NULL
ORDER BY position;

-- name: checkpoints
-- The next checkpoints, by size.
SELECT size, root, note FROM danbao.log_checkpoints
WHERE shard = 0 AND size > $1 ORDER BY size LIMIT $2;
