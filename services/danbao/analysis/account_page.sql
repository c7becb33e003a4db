-- name: currencies
-- In which currencies an account moved, as far as the books are closed.
SELECT DISTINCT currency FROM danbao.account_turnovers
WHERE shard = 0 AND account = $1 AND upto <= $2;

-- name: currencies_between
-- In which currencies an account moved in a stretch of the log.
SELECT DISTINCT entry.currency
FROM danbao.event_log AS log,
    json_to_recordset(log.postings) AS entry (debit text, credit text, currency text)
WHERE log.shard = 0 AND log.position > $2 AND log.position <= $3 AND log.postings IS NOT NULL
    AND (entry.debit = $1 OR entry.credit = $1);

-- name: net_at
-- What an account came to at a closing: debits - credits.
SELECT net_minor FROM danbao.account_turnovers
WHERE shard = 0 AND account = $1 AND currency = $2 AND upto <= $3
ORDER BY upto DESC LIMIT 1;

-- name: net_between
-- What an account moved in a stretch of the log.
SELECT coalesce(sum(
    CASE WHEN entry.debit = $1 THEN entry.minor ELSE 0 END
    - CASE WHEN entry.credit = $1 THEN entry.minor ELSE 0 END), 0)::bigint
FROM danbao.event_log AS log,
    json_to_recordset(log.postings)
        AS entry (debit text, credit text, minor bigint, currency text)
WHERE log.shard = 0 AND log.position > $3 AND log.position <= $4 AND log.postings IS NOT NULL
    AND entry.currency = $2;

-- name: turnovers
-- Where an account moved, closing by closing.
SELECT upto, positions FROM danbao.account_turnovers
WHERE shard = 0 AND account = $1 AND currency = $2 AND upto > $3
ORDER BY upto LIMIT 20;

-- name: entries_at
-- The entries of an account in events of known positions.
SELECT log.position, log.recorded_at, log.type, log.partition_key,
    entry ->> 'debit' AS debit, entry ->> 'credit' AS credit, (entry ->> 'minor')::bigint AS minor
FROM danbao.event_log AS log, json_array_elements(log.postings) WITH ORDINALITY AS e (entry, number)
WHERE log.shard = 0 AND log.position = ANY ($3::bigint[]) AND log.postings IS NOT NULL
    AND entry ->> 'currency' = $2 AND $1 IN (entry ->> 'debit', entry ->> 'credit')
ORDER BY log.position, number;

-- name: entries_between
-- The entries of an account in a stretch of the log.
SELECT log.position, log.recorded_at, log.type, log.partition_key,
    entry ->> 'debit' AS debit, entry ->> 'credit' AS credit, (entry ->> 'minor')::bigint AS minor
FROM danbao.event_log AS log, json_array_elements(log.postings) WITH ORDINALITY AS e (entry, number)
WHERE log.shard = 0 AND log.position > $3 AND log.position <= $4 AND log.postings IS NOT NULL
    AND entry ->> 'currency' = $2 AND $1 IN (entry ->> 'debit', entry ->> 'credit')
ORDER BY log.position, number;
