-- name: page
-- The next events of a merchant's stream; versions rise with positions.
SELECT version, position, recorded_at, type, data
FROM danbao.event_log
WHERE shard = 0 AND stream = 'merchant/' || $1::text AND version > $2 AND position <= $3
ORDER BY version LIMIT 2000;
