-- name: slice
-- A stretch of the log as CSV; hashes are hexadecimal.  Without a filter $3, $4, $5 are null.
SELECT shard, position, stream, version, type, schema_version, partition_key, event_id,
    causation_id, correlation_id, actor, traceparent, recorded_at, data, postings,
    encode(row_hash, 'hex'), encode(leaf_hash, 'hex')
FROM danbao.event_log
WHERE shard = 0 AND position > $1 AND position <= $2
    AND ($3::text IS NULL OR partition_key = $3)
    AND ($4::text IS NULL OR stream = $4)
    AND ($5::text IS NULL OR type LIKE $5)
ORDER BY position;

-- name: head
-- Which log this is, and where it ends.
SELECT position, incarnation FROM danbao.log_heads WHERE shard = 0;

-- name: leaf
-- The leaf of one event.
SELECT leaf_hash FROM danbao.event_log WHERE shard = 0 AND position = $1;
