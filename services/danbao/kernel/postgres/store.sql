-- name: claim_offset
-- A partition changes hands: the epoch rises and earlier owners are fenced.
INSERT INTO danbao.consumer_offsets AS o
    (service, topic, partition, epoch, next_offset, last_sequence)
VALUES ($1, $2, $3, 1, $4, 0)
ON CONFLICT (service, topic, partition) DO UPDATE SET epoch = o.epoch + 1
RETURNING epoch, next_offset, last_sequence, anchor_offset, anchor;

-- name: lock
-- What a batch needs first, in one round trip: how far the service is, which commands have their
-- answer and to which body, and states.  Offsets are locked before streams: those wait for them.
-- A stream that is not there cannot be locked: `write` finds out whether somebody has begun it.
WITH offsets AS MATERIALIZED (
    SELECT topic, partition, epoch, next_offset, last_sequence, anchor_offset, anchor,
        clock_timestamp() AS told, danbao.clock_moved() AS moved
    FROM danbao.consumer_offsets AS o
    JOIN unnest($2::text[], $3::int[]) AS wanted (topic, partition) USING (topic, partition)
    WHERE o.service = $1 AND o.topic = ANY ($2::text[])
    ORDER BY o.topic, o.partition
    FOR UPDATE OF o
), streams AS MATERIALIZED (
    SELECT stream, version, fold_version, state
    FROM danbao.stream_states
    WHERE shard = 0 AND stream = ANY ($5::text[]) AND (SELECT count(*) FROM offsets) >= 0
    ORDER BY stream
    FOR UPDATE
)
SELECT 'offset' AS kind, topic AS name, anchor AS hash, NULL::json AS state,
    partition AS n1, epoch AS n2, next_offset AS n3, last_sequence AS n4, anchor_offset AS n5,
    told, moved
FROM offsets
UNION ALL
SELECT 'answer', message_id::text, body_sha256, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM danbao.inbox
WHERE message_id = ANY ($4::uuid[]) AND (SELECT count(*) FROM offsets) >= 0
UNION ALL
SELECT 'stream', stream, NULL, state, version, fold_version, NULL, NULL, NULL, NULL, NULL
FROM streams;

-- name: lock_streams
-- Streams, whether they are there or not: FOR UPDATE does not lock what does not exist, so those
-- that are not get a row, after the others.
WITH streams AS MATERIALIZED (
    SELECT stream, version, fold_version, state
    FROM danbao.stream_states
    WHERE shard = 0 AND stream = ANY ($1::text[])
    ORDER BY stream
    FOR UPDATE
), begun AS (
    INSERT INTO danbao.stream_states (shard, stream, version, fold_version, state)
    SELECT 0, stream, 0, 0, NULL
    FROM unnest($1::text[]) AS wanted (stream)
    WHERE NOT EXISTS (SELECT FROM streams WHERE streams.stream = wanted.stream)
    ORDER BY stream
    ON CONFLICT DO NOTHING
    RETURNING stream
)
SELECT stream, version, fold_version, state FROM streams
UNION ALL
SELECT stream, 0, 0, NULL FROM begun;

-- name: find_streams
-- Which of these streams the log has.
SELECT stream FROM danbao.event_log
WHERE shard = 0 AND version = 1 AND stream = ANY ($1::text[]);

-- name: read_stream
-- All events of one stream.
SELECT shard, position, stream, version, type, schema_version, partition_key, event_id::text,
    causation_id::text, correlation_id, actor, traceparent, recorded_at, data, postings
FROM danbao.event_log
WHERE shard = 0 AND stream = $1
ORDER BY version;

-- name: share_facts
-- Facts, locked against change until the decision is committed.  One that nobody shared gets a row
-- first, so that its absence can be locked too; $2 are those that may have none.
WITH begun AS (
    INSERT INTO danbao.shared_facts (shard, key, data)
    SELECT 0, key, NULL FROM unnest($2::text[]) AS key ORDER BY key
    ON CONFLICT DO NOTHING
    RETURNING key
), shared AS MATERIALIZED (
    SELECT key, data FROM danbao.shared_facts
    WHERE shard = 0 AND key = ANY ($1::text[]) AND (SELECT count(*) FROM begun) >= 0
    ORDER BY key
    FOR SHARE
)
SELECT key, data FROM shared UNION ALL SELECT key, NULL FROM begun;

-- name: lock_balances
-- Accounts that may be debited, locked in one order.
SELECT account, currency, balance_minor
FROM danbao.guarded_balances AS b
JOIN unnest($1::text[], $2::text[]) AS wanted (account, currency) USING (account, currency)
WHERE b.shard = 0 AND b.account = ANY ($1::text[])
ORDER BY b.account, b.currency
FOR UPDATE OF b;

-- name: begin_balances
-- An account that was never credited gets a row, so that it can be locked.
INSERT INTO danbao.guarded_balances (shard, account, currency, balance_minor)
SELECT 0, account, currency, 0 FROM unnest($1::text[], $2::text[]) AS n (account, currency)
ORDER BY account, currency
ON CONFLICT DO NOTHING;

-- name: due_timers
-- What time it is, and deadlines that have come, if any; read without locks, as sending one twice does no harm.
SELECT clock.told, clock.moved, due.*
FROM (SELECT clock_timestamp() AS told, danbao.clock_moved() AS moved) AS clock
LEFT JOIN LATERAL (
    SELECT timer_id, stream, due_at, type, partition_key, correlation_id, data
    FROM danbao.timers
    WHERE due_at <= $1 AND timer_id <> ALL ($2::uuid[])
    ORDER BY due_at LIMIT $3
) AS due ON true
ORDER BY due.due_at;

-- name: set_aside
-- A record that holds nothing back.
INSERT INTO danbao.dead_letters
    (service, topic, partition, record_offset, partition_key, reason, detail, key, value,
     headers, received_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (service, topic, partition, record_offset) WHERE topic_lost_at IS NULL DO NOTHING;

-- name: parked_flows
-- Flows with an event that could not be handled: their later events wait with it.
SELECT DISTINCT partition_key FROM danbao.dead_letters
WHERE service = $1 AND topic = $2 AND partition = $3 AND topic LIKE '%.events'
    AND state IN ('waiting', 'requested') AND partition_key IS NOT NULL;

-- name: retries
-- Where letters can be tried again: a flow goes on from its first event that is not settled.
SELECT topic, partition, partition_key FROM (
    SELECT DISTINCT ON (topic, partition, partition_key)
        topic, partition, partition_key, reason, state
    FROM danbao.dead_letters
    WHERE service = $1 AND topic LIKE '%.events' AND state IN ('waiting', 'requested')
        AND partition_key IS NOT NULL
    ORDER BY topic, partition, partition_key, id
) AS first WHERE state = 'requested' OR reason = 'flow_parked'
UNION ALL
SELECT DISTINCT topic, partition, NULL FROM danbao.dead_letters
WHERE service = $1 AND state = 'requested' AND topic NOT LIKE '%.events';

-- name: lock_letters
-- A flow's letters that are not settled, or the commands that somebody wants retried.
SELECT id, record_offset, reason, key, value, headers, state = 'requested' AS is_requested
FROM danbao.dead_letters
WHERE service = $1 AND topic = $2 AND partition = $3 AND state IN ('waiting', 'requested')
    AND CASE WHEN $4::text IS NULL THEN state = 'requested' ELSE partition_key = $4 END
ORDER BY id LIMIT $5
FOR UPDATE;

-- name: settle_letters
-- Letters that were handled after all; their bytes stay.
UPDATE danbao.dead_letters SET state = 'retried', settled_at = $2, tries = tries + 1
WHERE id = ANY ($1::bigint[]) AND state IN ('waiting', 'requested');

-- name: fail_letters
-- Letters that were tried again in vain.
UPDATE danbao.dead_letters AS d
SET state = 'waiting', reason = n.reason, detail = n.detail, tries = tries + 1
FROM unnest($1::bigint[], $2::text[], $3::text[]) AS n (id, reason, detail)
WHERE d.id = n.id AND d.state IN ('waiting', 'requested');

-- name: write
-- All that a batch changes, in one round trip, the log last.  What is beside the log was locked
-- before, but for the accounts that are only credited and for streams that begin; those are taken
-- in one order.  Each count must be as asked: a row that somebody else moved is not updated, and
-- then nothing is appended.  A stream that somebody else has begun ends it all by its key.
-- Debits are plain updates, as an upsert would try the table's CHECK on the bare change.
-- What is joined is asked for by key as well: see `BY_KEY` of connection.py.
-- Arrays are taken apart side by side, row by row; in FROM each would be stored as a whole first.
-- The head row is updated when all counts are known, so it is held no longer than the append takes.
-- It numbers the rows, gives the transaction its one time (never falling, so that "as of a time" is
-- a prefix) and finishes the leaves.  Where that time is not the one that was decided by, $36, both
-- are kept.
WITH offsets AS (
    UPDATE danbao.consumer_offsets AS o
    SET next_offset = n.next_offset, last_sequence = n.last_sequence,
        anchor_offset = n.anchor_offset, anchor = n.anchor
    FROM unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bytea[],
                $8::bigint[])
        AS n (topic, partition, next_offset, last_sequence, anchor_offset, anchor, epoch)
    WHERE o.service = $1 AND o.topic = ANY ($2::text[])
        AND o.topic = n.topic AND o.partition = n.partition AND o.epoch = n.epoch
    RETURNING 1
), unused AS (
    DELETE FROM danbao.stream_states
    WHERE shard = 0 AND stream = ANY ($9::text[]) AND version = 0
    RETURNING 1
), begun_streams AS (
    INSERT INTO danbao.stream_states (shard, stream, version, fold_version, state)
    SELECT 0, stream, version, fold_version, state::json
    FROM (SELECT unnest($10::text[]) AS stream, unnest($11::int[]) AS version,
                 unnest($12::smallint[]) AS fold_version, unnest($13::text[]) AS state) AS n
    ORDER BY stream
    RETURNING 1
), states AS (
    UPDATE danbao.stream_states AS s
    SET version = n.version, fold_version = n.fold_version, state = n.state::json
    FROM (SELECT unnest($14::text[]) AS stream, unnest($15::int[]) AS expected,
                 unnest($16::int[]) AS version, unnest($17::smallint[]) AS fold_version,
                 unnest($18::text[]) AS state) AS n
    WHERE s.shard = 0 AND s.stream = ANY ($14::text[])
        AND s.stream = n.stream AND s.version = n.expected
    RETURNING 1
), facts AS (
    INSERT INTO danbao.shared_facts (shard, key, data)
    SELECT 0, key, data::json FROM unnest($19::text[], $20::text[]) AS n (key, data) ORDER BY key
    ON CONFLICT (shard, key) DO UPDATE SET data = excluded.data
    RETURNING 1
), debits AS (
    UPDATE danbao.guarded_balances AS b
    SET balance_minor = b.balance_minor + n.change
    FROM unnest($21::text[], $22::text[], $23::bigint[]) AS n (account, currency, change)
    WHERE b.shard = 0 AND b.account = ANY ($21::text[])
        AND b.account = n.account AND b.currency = n.currency
    RETURNING 1
), credits AS (
    INSERT INTO danbao.guarded_balances AS b (shard, account, currency, balance_minor)
    SELECT 0, account, currency, change
    FROM unnest($24::text[], $25::text[], $26::bigint[]) AS n (account, currency, change)
    ORDER BY account, currency
    ON CONFLICT (shard, account, currency)
    DO UPDATE SET balance_minor = b.balance_minor + excluded.balance_minor
    RETURNING 1
), ended AS (
    DELETE FROM danbao.timers WHERE timer_id = ANY ($27::uuid[])
    RETURNING 1
), begun AS (
    INSERT INTO danbao.timers
        (timer_id, stream, due_at, type, partition_key, correlation_id, data)
    SELECT unnest($28::uuid[]), unnest($29::text[]), unnest($30::timestamptz[]),
        unnest($31::text[]), unnest($32::text[]), unnest($33::text[]), unnest($34::text[])
    ON CONFLICT (timer_id) DO NOTHING
    RETURNING 1
), head AS (
    UPDATE danbao.log_heads
    SET position = position + $35::int, recorded_at = greatest(recorded_at, $36::timestamptz)
    WHERE shard = 0 AND incarnation = $37::uuid AND $35::int > 0
        AND (SELECT count(*) FROM offsets) = cardinality($2::text[])
        AND (SELECT count(*) FROM begun_streams) = cardinality($10::text[])
        AND (SELECT count(*) FROM states) = cardinality($14::text[])
        AND (SELECT count(*) FROM debits) = cardinality($21::text[])
        AND (SELECT count(*) FROM unused) + (SELECT count(*) FROM facts)
            + (SELECT count(*) FROM credits) + (SELECT count(*) FROM ended)
            + (SELECT count(*) FROM begun) >= 0
    RETURNING position - $35::int AS base, recorded_at,
        (extract(epoch FROM recorded_at) * 1000000)::bigint AS micros
), answered AS (
    INSERT INTO danbao.inbox
        (message_id, body_sha256, service, type, partition_key, actor, body,
         first_position, last_position)
    SELECT a.message_id, a.body_sha256, $1, a.type, a.partition_key, a.actor, a.body,
        head.base + a.first_row, head.base + a.last_row
    FROM head,
        (SELECT unnest($38::uuid[]) AS message_id, unnest($39::bytea[]) AS body_sha256,
                unnest($40::text[]) AS type, unnest($41::text[]) AS partition_key,
                unnest($42::text[]) AS actor, unnest($43::text[]) AS body,
                unnest($44::int[]) AS first_row, unnest($45::int[]) AS last_row) AS a
), appended AS (
    INSERT INTO danbao.event_log
        (shard, position, stream, version, type, schema_version, partition_key, event_id,
         causation_id, correlation_id, actor, traceparent, recorded_at, data, postings,
         row_hash, leaf_hash)
    SELECT 0, head.base + e.row_number, e.stream, e.version, e.type, e.schema_version,
        e.partition_key, e.event_id, e.causation_id, e.correlation_id, e.actor, e.traceparent,
        head.recorded_at, e.data::json, e.postings::json, e.row_hash,
        sha256('\x00'::bytea || int8send(0) || int8send(head.base + e.row_number)
               || int8send(head.micros) || e.row_hash)
    FROM head,
        (SELECT generate_series(1, $35::int) AS row_number, unnest($46::text[]) AS stream,
                unnest($47::int[]) AS version, unnest($48::text[]) AS type,
                unnest($49::smallint[]) AS schema_version, unnest($50::text[]) AS partition_key,
                unnest($51::uuid[]) AS event_id, unnest($52::uuid[]) AS causation_id,
                unnest($53::text[]) AS correlation_id, unnest($54::text[]) AS actor,
                unnest($55::text[]) AS traceparent, unnest($56::text[]) AS data,
                unnest($57::text[]) AS postings, unnest($58::bytea[]) AS row_hash) AS e
), timed AS (
    INSERT INTO danbao.decision_times (shard, first_position, last_position, decided_at)
    SELECT 0, base + 1, base + $35::int, $36::timestamptz
    FROM head WHERE recorded_at <> $36::timestamptz
)
SELECT (SELECT count(*) FROM offsets) AS offsets,
    (SELECT count(*) FROM begun_streams) + (SELECT count(*) FROM states) AS states,
    (SELECT count(*) FROM debits) AS debits, (SELECT base + $35::int FROM head) AS position;

-- name: head
SELECT position, recorded_at, incarnation FROM danbao.log_heads WHERE shard = 0;

-- name: time
-- What time it is, and by how much a sandbox has moved it.
SELECT clock_timestamp() AS told, danbao.clock_moved() AS moved;

-- name: recorded_topics
SELECT topic, partitions FROM danbao.topics;

-- name: last_published
-- The last event of each service among those that were certainly published.
SELECT wanted.service, last.position
FROM unnest($1::text[]) AS wanted (service), danbao.relays AS r, LATERAL (
    SELECT position FROM danbao.event_log
    WHERE shard = 0 AND position <= r.confirmed_position
        AND starts_with(type, wanted.service || '.')
    ORDER BY position DESC LIMIT 1
) AS last
WHERE r.shard = 0;

-- name: read_log
-- A slice of the log: at most $2 rows, and about $3 bytes of them, but at least one.
SELECT shard, position, stream, version, type, schema_version, partition_key,
    event_id::text, causation_id::text, correlation_id, actor, traceparent, recorded_at, data, postings
FROM (
    SELECT *, sum(octet_length(data::text)::bigint + coalesce(octet_length(postings::text), 0))
        OVER (ORDER BY position) AS bytes
    FROM danbao.event_log
    WHERE shard = 0 AND position > $1 AND position <= $1 + $2
) AS slice
WHERE bytes <= $3 OR position = $1 + 1
ORDER BY position;

-- name: take_lease
-- Be or stay the relay: when the lease is mine, or nobody's any more.
WITH taken AS (
    UPDATE danbao.relays
    SET owner = $1, lease_until = $2::timestamptz + make_interval(secs => $3)
    WHERE shard = 0 AND (owner = $1 OR lease_until < $2)
    RETURNING confirmed_position
)
SELECT clock.told, clock.moved, taken.confirmed_position
FROM (SELECT clock_timestamp() AS told, danbao.clock_moved() AS moved) AS clock
LEFT JOIN taken ON true;

-- name: confirm
-- Everything up to here is certainly published.
UPDATE danbao.relays SET confirmed_position = greatest(confirmed_position, $2)
WHERE shard = 0 AND owner = $1;
