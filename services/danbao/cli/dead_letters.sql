-- name: reasons
-- How many records each service set aside, and why.
SELECT service, reason, count(*) AS count
FROM danbao.dead_letters
WHERE ($1 OR state IN ('waiting', 'requested'))
    AND service = coalesce($2::text, service) AND reason = coalesce($3::text, reason)
    AND ($4::text IS NULL OR partition_key = $4)
GROUP BY service, reason
ORDER BY count DESC, service, reason;

-- name: newest
-- The records set aside last.
SELECT id, service, topic, partition, record_offset, partition_key, reason, detail, received_at,
    state, tries, discarded_by, discarded_why
FROM danbao.dead_letters
WHERE ($1 OR state IN ('waiting', 'requested'))
    AND service = coalesce($2::text, service) AND reason = coalesce($3::text, reason)
    AND ($4::text IS NULL OR partition_key = $4)
ORDER BY id DESC LIMIT $5;

-- name: one
-- One record, byte for byte.
SELECT id, service, topic, partition, record_offset, partition_key, reason, detail, key, value,
    headers, received_at, state, tries, settled_at, discarded_by, discarded_why
FROM danbao.dead_letters
WHERE id = $1;

-- name: chosen
-- Letters that an operator names and that wait.
SELECT id, service, topic, partition_key, reason
FROM danbao.dead_letters
WHERE state IN ('waiting', 'requested')
    AND ($1::bigint[] IS NULL OR id = ANY ($1))
    AND service = coalesce($2::text, service) AND reason = coalesce($3::text, reason)
    AND ($4::text IS NULL OR partition_key = $4)
ORDER BY id;

-- name: flows
-- The flows that letters hold back: the first letter of each, and how many wait behind it.
SELECT d.service, d.topic, d.partition, d.partition_key, min(d.id) AS first,
    array_agg(d.id ORDER BY d.id) AS letters
FROM danbao.dead_letters AS d
WHERE d.state IN ('waiting', 'requested') AND d.topic LIKE '%.events'
    AND (d.service, d.topic, d.partition, d.partition_key) IN (
        SELECT service, topic, partition, partition_key
        FROM danbao.dead_letters WHERE id = ANY ($1::bigint[]))
GROUP BY d.service, d.topic, d.partition, d.partition_key
ORDER BY first;

-- name: request
-- Letters to be tried again, by the worker that owns their partition.
UPDATE danbao.dead_letters
SET state = 'requested', requested_at = clock_timestamp(), requested_by = $2
WHERE id = ANY ($1::bigint[]) AND state IN ('waiting', 'requested');

-- name: discard
-- Letters that somebody gave up; their bytes stay.
UPDATE danbao.dead_letters
SET state = 'discarded', settled_at = clock_timestamp(), discarded_by = $2, discarded_why = $3
WHERE id = ANY ($1::bigint[]) AND state IN ('waiting', 'requested');

-- name: states
-- What became of letters.
SELECT id, state, reason, detail FROM danbao.dead_letters WHERE id = ANY ($1::bigint[])
ORDER BY id;
