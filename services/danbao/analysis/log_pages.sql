-- name: head
-- The position of the last event.
SELECT position FROM danbao.log_heads WHERE shard = 0;

-- name: slice
-- The events of a stretch of the log, by position and perhaps by type.
SELECT shard, position, stream, version, type, schema_version, partition_key, event_id::text,
    causation_id::text, correlation_id, actor, traceparent, recorded_at, data, postings
FROM danbao.event_log
WHERE shard = 0 AND position > $1 AND position <= $2 AND ($3::text IS NULL OR type LIKE $3)
ORDER BY position;

-- name: flow
-- The next events of one flow.
SELECT shard, position, stream, version, type, schema_version, partition_key, event_id::text,
    causation_id::text, correlation_id, actor, traceparent, recorded_at, data, postings
FROM danbao.event_log
WHERE partition_key = $1 AND shard = 0 AND position > $2
ORDER BY position LIMIT $3;

-- name: stream
-- The next events of one stream; versions rise with positions.
SELECT shard, position, stream, version, type, schema_version, partition_key, event_id::text,
    causation_id::text, correlation_id, actor, traceparent, recorded_at, data, postings
FROM danbao.event_log
WHERE shard = 0 AND stream = $1 AND version > $2
ORDER BY version LIMIT $3;

-- name: count
-- How many events of a stretch have a type.
SELECT count(*) FROM danbao.event_log
WHERE shard = 0 AND position > $1 AND position <= $2 AND type LIKE $3;

-- name: count_few
-- How many events of a stretch belong to a flow or a stream.
SELECT count(*) FROM danbao.event_log
WHERE shard = 0 AND position > $1 AND position <= $2
    AND ($3::text IS NULL OR partition_key = $3)
    AND ($4::text IS NULL OR stream = $4)
    AND ($5::text IS NULL OR type LIKE $5);
