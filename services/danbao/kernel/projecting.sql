-- name: slice
-- The events of some types in a stretch of the log.
SELECT position, recorded_at, type, data, NULL AS postings
FROM danbao.event_log
WHERE shard = 0 AND position > $1 AND position <= $2 AND type = ANY ($3::text[])
ORDER BY position;

-- name: slice_with_postings
-- The same, and every event that moves money.
SELECT position, recorded_at, type, data, postings
FROM danbao.event_log
WHERE shard = 0 AND position > $1 AND position <= $2
    AND (postings IS NOT NULL OR type = ANY ($3::text[]))
ORDER BY position;
