-- Read models that are only another view of log and inbox.

-- The journal: each posting of each event, one line.
CREATE VIEW danbao_read.journal AS
SELECT
    log.position,
    entry.number                    AS entry,
    log.recorded_at,
    left(entry.posting ->> 'debit', 1) AS book,
    entry.posting ->> 'debit'       AS debit,
    entry.posting ->> 'credit'      AS credit,
    (entry.posting ->> 'minor')::bigint AS amount_minor,
    entry.posting ->> 'currency'    AS currency,
    log.stream,
    log.type,
    log.partition_key
FROM danbao.event_log AS log,
    json_array_elements(log.postings) WITH ORDINALITY AS entry (posting, number)
WHERE log.postings IS NOT NULL;

-- What became of each command: done, or rejected with a code.
CREATE VIEW danbao_read.command_outcomes AS
SELECT
    inbox.message_id AS command_id,
    CASE WHEN log.type LIKE '%.command\_rejected.v1' THEN 'rejected' ELSE 'done' END AS outcome,
    CASE WHEN log.type LIKE '%.command\_rejected.v1' THEN log.data ->> 'code' END AS code,
    inbox.first_position,
    inbox.last_position
FROM danbao.inbox AS inbox
JOIN danbao.event_log AS log ON log.shard = 0 AND log.position = inbox.first_position;

GRANT SELECT ON danbao_read.journal, danbao_read.command_outcomes TO danbao_engine, danbao_reader;
