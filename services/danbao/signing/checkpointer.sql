-- name: head
-- Which log this is, and where it ends.
SELECT position, incarnation FROM danbao.log_heads WHERE shard = 0;

-- name: take_lease
-- Be or stay the one that signs, when nobody else is; says who it was before.
WITH before AS (
    SELECT owner FROM danbao.signers WHERE shard = 0 FOR UPDATE
), taken AS (
    UPDATE danbao.signers
    SET owner = $1, lease_until = clock_timestamp() + make_interval(secs => $2)
    WHERE shard = 0 AND (owner = $1 OR lease_until < clock_timestamp())
    RETURNING owner
)
SELECT before.owner AS before, taken.owner FROM before LEFT JOIN taken ON true;

-- name: leaves
-- The next leaves of the log, in order.
SELECT position, leaf_hash FROM danbao.event_log
WHERE shard = 0 AND position > $1 AND position <= $2
ORDER BY position;

-- name: last_checkpoint
-- The newest checkpoint under a name.
SELECT note FROM danbao.log_checkpoints
WHERE shard = 0 AND starts_with(note, $1 || E'\n')
ORDER BY size DESC LIMIT 1;

-- name: keep
-- A signed head, unless the lease is another's by now, or this size has one.
WITH mine AS (
    SELECT owner FROM danbao.signers WHERE shard = 0 AND owner = $1
), kept AS (
    INSERT INTO danbao.log_checkpoints (shard, size, root, note)
    SELECT 0, $2, $3, $4 FROM mine
    ON CONFLICT (shard, size) DO NOTHING
)
SELECT count(*) FROM mine;
