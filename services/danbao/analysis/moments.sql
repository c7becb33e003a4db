-- name: head
-- The last event's position, and the times of the first and the last.
SELECT h.position, h.recorded_at,
    (SELECT recorded_at FROM danbao.event_log WHERE shard = 0 AND position = 1) AS first_at
FROM danbao.log_heads AS h WHERE h.shard = 0;

-- name: recorded_at
-- When the event of a position was recorded.
SELECT recorded_at FROM danbao.event_log WHERE shard = 0 AND position = $1;

-- name: last_before
-- The last position recorded before a time, 0 if none: times never fall, so halving finds it.
WITH RECURSIVE search (low, high) AS (
    SELECT 0::bigint, position FROM danbao.log_heads WHERE shard = 0
    UNION ALL
    SELECT
        CASE WHEN middle.is_before THEN middle.position ELSE low END,
        CASE WHEN middle.is_before THEN high ELSE middle.position - 1 END
    FROM search CROSS JOIN LATERAL (
        SELECT position, recorded_at < $1 AS is_before
        FROM danbao.event_log
        WHERE shard = 0 AND position = (low + high + 1) / 2
    ) AS middle
    WHERE low < high
)
SELECT low FROM search WHERE low = high;
