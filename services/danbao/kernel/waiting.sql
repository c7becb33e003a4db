-- name: offsets
-- How far a service has read.
SELECT topic, partition, next_offset FROM danbao.consumer_offsets WHERE service = $1;

-- name: signer
-- Who signs, how far it got, and where the log ends.
SELECT s.owner, h.position,
    coalesce((SELECT max(size) FROM danbao.log_checkpoints WHERE shard = 0), 0) AS signed
FROM danbao.signers AS s, danbao.log_heads AS h WHERE s.shard = 0 AND h.shard = 0;

-- name: relay
-- What is published, of what there is, and by whom.
SELECT h.position, r.confirmed_position, r.owner
FROM danbao.log_heads AS h JOIN danbao.relays AS r USING (shard) WHERE h.shard = 0;

-- name: projections
-- The read models that are behind the log.
SELECT p.name, p.checkpoint, h.position
FROM danbao.projections AS p, danbao.log_heads AS h
WHERE h.shard = 0 AND p.state = 'live' AND p.checkpoint < h.position;

-- name: timers
-- Deadlines that have come, and whether this machine's clock, $1, is within $2 s of Postgres'.
SELECT count(*) AS count,
    abs(extract(epoch FROM clock_timestamp() - $1::timestamptz)) <= $2::integer AS is_sure
FROM danbao.timers WHERE due_at <= (SELECT danbao.clock_now());
