-- name: closing
-- The last closing up to a position.
SELECT coalesce(max(upto), 0) FROM danbao.closings WHERE shard = 0 AND upto <= $1;

-- name: trial_balance
-- The trial balance of a closing.
SELECT class, currency, accounts, net_minor
FROM danbao.trial_balances
WHERE shard = 0 AND upto = $1;

-- name: moved
-- What each account moved in a stretch of the log: debits - credits.
SELECT side.account, entry.currency, sum(side.net)::bigint AS net_minor
FROM danbao.event_log AS log,
    json_to_recordset(log.postings)
        AS entry (debit text, credit text, minor bigint, currency text),
    LATERAL (VALUES (entry.debit, entry.minor), (entry.credit, -entry.minor)) AS side (account, net)
WHERE log.shard = 0 AND log.position > $1 AND log.position <= $2 AND log.postings IS NOT NULL
GROUP BY side.account, entry.currency;

-- name: before
-- What accounts came to at a closing, $1; those that never moved until then are missing.
SELECT wanted.account, wanted.currency, found.net_minor
FROM unnest($2::text[], $3::text[]) AS wanted (account, currency), LATERAL (
    SELECT net_minor FROM danbao.account_turnovers AS t
    WHERE t.shard = 0 AND t.account = wanted.account AND t.currency = wanted.currency
        AND t.upto <= $1
    ORDER BY t.upto DESC LIMIT 1
) AS found;
