-- name: standing
-- What is left to do, as far as Postgres knows.
SELECT
    h.position,
    h.position - (SELECT confirmed_position FROM danbao.relays WHERE shard = 0) AS relay,
    (SELECT count(*) FROM danbao.projections AS p
     WHERE p.state = 'live' AND p.checkpoint < h.position) AS projections,
    (SELECT count(*) FROM danbao.timers WHERE due_at <= (SELECT danbao.clock_now())) AS timers
FROM danbao.log_heads AS h WHERE h.shard = 0;

-- name: offsets
SELECT service, topic, partition, next_offset FROM danbao.consumer_offsets;

-- name: claims
SELECT service, topic, partition, epoch FROM danbao.consumer_offsets;

-- name: helpers_at_work
SELECT (SELECT lease_until > clock_timestamp() FROM danbao.relays WHERE shard = 0)
    AND EXISTS (SELECT FROM danbao.projections WHERE state = 'live');
