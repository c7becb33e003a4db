-- name: state
-- What time it is for all that expires; no row of sandbox_clock means: this is no sandbox.
SELECT clock_timestamp() AS real, danbao.clock_now() AS now,
    extract(epoch FROM danbao.clock_moved())::float8 AS moved_s,
    (SELECT count(*) FROM danbao.sandbox_clock) > 0 AS is_sandbox,
    (SELECT count(*) FROM danbao.timers) AS deadlines,
    (SELECT min(due_at) FROM danbao.timers) AS next_at;

-- name: begin_sandbox
-- The first start of a sandbox; a trigger refuses it once the log has events.
INSERT INTO danbao.sandbox_clock (shard, moved) VALUES (0, interval '0')
ON CONFLICT (shard) DO NOTHING;

-- name: move_to
-- Forward to a moment, never back.
UPDATE danbao.sandbox_clock
SET moved = greatest(moved, make_interval(secs => extract(epoch FROM $1::timestamptz - clock_timestamp())))
WHERE shard = 0;
