-- name: reasons
-- How many records each service set aside, and why.
SELECT service, reason, count(*) AS count
FROM danbao.dead_letters
GROUP BY service, reason
ORDER BY count DESC, service, reason;

-- name: newest
-- The records set aside last.
SELECT id, service, topic, partition, record_offset, partition_key, reason, detail, received_at
FROM danbao.dead_letters
ORDER BY id DESC LIMIT $1;

-- name: one
-- One record, byte for byte.
SELECT id, service, topic, partition, record_offset, partition_key, reason, detail, key, value,
    headers, received_at
FROM danbao.dead_letters
WHERE id = $1;
