-- name: processes
-- Which of the engine's processes are connected.
SELECT application_name FROM pg_stat_activity
WHERE datname = current_database() AND application_name = ANY ($1::text[]);

-- name: head
SELECT h.position, h.recorded_at, h.incarnation,
    (SELECT confirmed_position FROM danbao.relays WHERE shard = 0) AS confirmed
FROM danbao.log_heads AS h WHERE h.shard = 0;

-- name: topics
SELECT topic, partitions FROM danbao.topics;

-- name: rows_at
-- Rows of the log by position.
SELECT shard, position, stream, version, type, schema_version, partition_key, event_id::text,
    causation_id::text, correlation_id, actor, traceparent, recorded_at, data, postings
FROM danbao.event_log
WHERE shard = 0 AND position = ANY ($1::bigint[]);

-- name: last_of_flows
-- Where each flow's last event of each service is, among those that were published.
SELECT split_part(type, '.', 1) AS service, partition_key, max(position) AS position
FROM danbao.event_log
WHERE shard = 0 AND position <= $1
GROUP BY 1, 2;

-- name: offsets
SELECT service, topic, partition, epoch, next_offset, last_sequence, anchor_offset, anchor
FROM danbao.consumer_offsets
ORDER BY service, topic, partition;

-- name: reset_offsets
-- Partitions go on elsewhere; the epoch fences whoever held them, even a frozen one.
UPDATE danbao.consumer_offsets AS o
SET epoch = o.epoch + $1, next_offset = n.next_offset, anchor_offset = n.anchor_offset,
    anchor = n.anchor, last_sequence = coalesce(n.last_sequence, o.last_sequence)
FROM unnest($2::text[], $3::text[], $4::int[], $5::bigint[], $6::bigint[], $7::bytea[],
            $8::bigint[])
    AS n (service, topic, partition, next_offset, anchor_offset, anchor, last_sequence)
WHERE o.service = n.service AND o.topic = n.topic AND o.partition = n.partition;

-- name: drop_offsets
-- Partitions that the topic has no more.
DELETE FROM danbao.consumer_offsets WHERE topic = ANY ($1::text[]) AND partition >= $2;

-- name: letters_outlive_topics
-- Letters of a topic that is gone keep their bytes; their offsets mean nothing any more.
UPDATE danbao.dead_letters SET topic_lost_at = clock_timestamp()
WHERE topic = ANY ($1::text[]) AND topic_lost_at IS NULL;

-- name: publish_from_the_start
-- The next relay compares everything with what the topics hold.
UPDATE danbao.relays SET confirmed_position = 0, owner = '', lease_until = 'epoch'
WHERE shard = 0;

-- name: free_lease
-- The next relay need not wait for ours to run out.
UPDATE danbao.relays SET owner = '', lease_until = 'epoch' WHERE shard = 0;

-- name: last_answers
-- When each service answered last, and how many commands it ever answered.
SELECT i.service, count(*) AS answered, max(l.recorded_at) AS last_at
FROM danbao.inbox AS i
JOIN danbao.event_log AS l ON l.shard = 0 AND l.position = i.last_position
GROUP BY i.service ORDER BY i.service;

-- name: raise_epochs
-- Whoever held a partition before the restore is fenced, however long it was frozen.
UPDATE danbao.consumer_offsets SET epoch = epoch + $1;

-- name: unsettled_events
-- Event letters that waited when the backup was made.
SELECT id, service, headers FROM danbao.dead_letters
WHERE state IN ('waiting', 'requested') AND topic LIKE '%.events';

-- name: settle_letters
-- Letters that were retried after the backup: the log has what they caused.
UPDATE danbao.dead_letters
SET state = 'retried', settled_at = clock_timestamp(), tries = tries + 1
WHERE id = ANY ($1::bigint[]) AND state IN ('waiting', 'requested');

-- name: request_again
-- Events of which nobody knows whether they were set aside: their worker finds out.
INSERT INTO danbao.dead_letters
    (service, topic, partition, record_offset, partition_key, reason, detail, key, value,
     headers, received_at, state, requested_at, requested_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, clock_timestamp(), 'requested',
        clock_timestamp(), 'danbao recover')
ON CONFLICT (service, topic, partition, record_offset) WHERE topic_lost_at IS NULL DO NOTHING;

-- name: waiting_commands
-- Bodies of commands that waited as letters when the backup was made.
SELECT service, topic, partition, record_offset, reason, key, value, headers,
    false AS is_requested, id
FROM danbao.dead_letters
WHERE state IN ('waiting', 'requested') AND topic LIKE '%.commands';

-- name: import_rows
-- The tail of the log as it was, each row at its position and time, and the answers in it.
WITH head AS (
    UPDATE danbao.log_heads SET position = position + $1::int, recorded_at = $2::timestamptz
    WHERE shard = 0 AND position = $3 AND incarnation = $4::uuid
    RETURNING position
), answered AS (
    INSERT INTO danbao.inbox
        (message_id, body_sha256, service, type, partition_key, actor, body,
         first_position, last_position)
    SELECT a.* FROM head, unnest($5::uuid[], $6::bytea[], $7::text[], $8::text[], $9::text[],
                                 $10::text[], $11::text[], $12::bigint[], $13::bigint[]) AS a
), imported AS (
    INSERT INTO danbao.event_log
        (shard, position, stream, version, type, schema_version, partition_key, event_id,
         causation_id, correlation_id, actor, traceparent, recorded_at, data, postings,
         row_hash, leaf_hash)
    SELECT 0, e.position, e.stream, e.version, e.type, e.schema_version, e.partition_key,
        e.event_id, e.causation_id, e.correlation_id, e.actor, e.traceparent, e.recorded_at,
        e.data::json, e.postings::json, e.row_hash,
        sha256('\x00'::bytea || int8send(0) || int8send(e.position)
               || int8send((extract(epoch FROM e.recorded_at) * 1000000)::bigint) || e.row_hash)
    FROM head, unnest($14::bigint[], $15::text[], $16::int[], $17::text[], $18::smallint[],
                      $19::text[], $20::uuid[], $21::uuid[], $22::text[], $23::text[],
                      $24::text[], $25::timestamptz[], $26::text[], $27::text[], $28::bytea[])
        AS e (position, stream, version, type, schema_version, partition_key, event_id,
              causation_id, correlation_id, actor, traceparent, recorded_at, data, postings,
              row_hash)
)
SELECT position FROM head;

-- name: events_among
-- Which of these ids are events of the log; only ids of its own streams can be.
SELECT event_id FROM danbao.event_log WHERE shard = 0 AND event_id = ANY ($1::uuid[]);
