-- name: newest
-- The newest checkpoint, if it covers a position.
SELECT size, note FROM danbao.log_checkpoints
WHERE shard = 0 AND size >= $1 ORDER BY size DESC LIMIT 1;

-- name: of_size
-- The checkpoint of so many events.
SELECT note FROM danbao.log_checkpoints WHERE shard = 0 AND size = $1;

-- name: nearest
-- Sizes of the checkpoints around a size.
(SELECT size FROM danbao.log_checkpoints WHERE shard = 0 AND size < $1 ORDER BY size DESC LIMIT 1)
UNION ALL
(SELECT size FROM danbao.log_checkpoints WHERE shard = 0 AND size > $1 ORDER BY size LIMIT 1);

-- name: head
SELECT position FROM danbao.log_heads WHERE shard = 0;

-- name: leaves
-- The next leaves of the log, in order.
SELECT leaf_hash FROM danbao.event_log
WHERE shard = 0 AND position > $1 AND position <= $2
ORDER BY position;
