-- name: relay
-- How far the log goes and is published, how old its oldest unpublished event is, and its size.
SELECT h.position, r.confirmed_position,
    coalesce(extract(epoch FROM (SELECT danbao.clock_now()) - e.recorded_at), 0)::float8 AS delay_s,
    pg_total_relation_size('danbao.event_log') AS log_bytes
FROM danbao.log_heads AS h
JOIN danbao.relays AS r USING (shard)
LEFT JOIN danbao.event_log AS e ON e.shard = 0 AND e.position = r.confirmed_position + 1
WHERE h.shard = 0;

-- name: projections
-- How far each read model is behind the log, and how old the first event is that it lacks.
SELECT p.name, h.position - p.checkpoint AS lag,
    coalesce(extract(epoch FROM (SELECT danbao.clock_now()) - e.recorded_at), 0)::float8 AS delay_s
FROM danbao.projections AS p
JOIN danbao.log_heads AS h ON h.shard = 0
LEFT JOIN danbao.event_log AS e ON e.shard = 0 AND e.position = p.checkpoint + 1
WHERE p.state = 'live'
ORDER BY p.name;

-- name: timers
-- Deadlines that have come, and for how long the oldest waits.
SELECT count(*) AS overdue,
    coalesce(extract(epoch FROM (SELECT danbao.clock_now()) - min(due_at)), 0)::float8 AS delay_s
FROM danbao.timers WHERE due_at <= (SELECT danbao.clock_now());

-- name: letters
-- Dead letters that wait for somebody, by service.
SELECT service, count(*) AS waiting
FROM danbao.dead_letters
WHERE state IN ('waiting', 'requested')
GROUP BY service;

-- name: closing
-- Where the books were closed last, and how far the log went on.
SELECT c.upto, h.position - c.upto AS lag
FROM danbao.log_heads AS h,
    LATERAL (SELECT coalesce(max(upto), 0) AS upto FROM danbao.closings WHERE shard = 0) AS c
WHERE h.shard = 0;

-- name: trial_balance
-- The trial balance of a closing.
SELECT class, currency, accounts, net_minor
FROM danbao.trial_balances
WHERE shard = 0 AND upto = $1;
