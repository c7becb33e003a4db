-- name: entries
-- A stretch of the log, with when each event was decided and the command that it answers.
SELECT log.shard, log.position, log.stream, log.version, log.type, log.schema_version,
    log.partition_key, log.event_id::text, log.causation_id::text, log.correlation_id, log.actor,
    log.traceparent, log.recorded_at, log.data, log.postings,
    coalesce(times.decided_at, log.recorded_at) AS decided_at,
    inbox.type AS command_type, inbox.body, inbox.body_sha256, inbox.first_position,
    inbox.last_position
FROM danbao.event_log AS log
LEFT JOIN danbao.inbox AS inbox
    ON inbox.message_id = log.causation_id
        AND log.position BETWEEN inbox.first_position AND inbox.last_position
LEFT JOIN LATERAL (
    SELECT t.first_position, t.decided_at FROM danbao.decision_times AS t
    WHERE t.shard = 0 AND t.last_position >= log.position
    ORDER BY t.last_position LIMIT 1
) AS times ON times.first_position <= log.position
WHERE log.shard = 0 AND log.position > $1 AND log.position <= $2
ORDER BY log.position;

-- name: rows_of_streams
-- The next rows of streams, versions above $2, as of position $3, at most $4 of each.
SELECT wanted.stream, log.version, log.type, log.data
FROM unnest($1::text[], $2::int[]) AS wanted (stream, version), LATERAL (
    SELECT l.version, l.type, l.data FROM danbao.event_log AS l
    WHERE l.shard = 0 AND l.stream = wanted.stream AND l.version > wanted.version
        AND l.position <= $3
    ORDER BY l.version LIMIT $4
) AS log
ORDER BY wanted.stream, log.version;

-- name: sources
-- Events of flows by their ids.
SELECT shard, position, stream, version, type, schema_version, partition_key, event_id::text,
    causation_id::text, correlation_id, actor, traceparent, recorded_at, data, postings
FROM danbao.event_log
WHERE partition_key = ANY ($1::text[]) AND shard = 0 AND position <= $3
    AND event_id = ANY ($2::uuid[]);

-- name: incarnation
SELECT incarnation FROM danbao.log_heads WHERE shard = 0;
