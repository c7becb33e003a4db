-- name: closings
-- Where the books were closed, in order.
SELECT upto FROM danbao.closings WHERE shard = 0 ORDER BY upto;

-- name: turnovers
-- What a closing says of each account.
SELECT account, currency, debit_minor, credit_minor, net_minor, positions
FROM danbao.account_turnovers
WHERE shard = 0 AND upto = $1;

-- name: folded
-- What the log says of each account between two closings.
SELECT side.account, entry.currency, sum(side.debit)::bigint AS debit_minor,
    sum(side.credit)::bigint AS credit_minor,
    array_agg(DISTINCT log.position ORDER BY log.position) AS positions
FROM danbao.event_log AS log,
    json_to_recordset(log.postings)
        AS entry (debit text, credit text, minor bigint, currency text),
    LATERAL (VALUES (entry.debit, entry.minor, 0::bigint), (entry.credit, 0, entry.minor))
        AS side (account, debit, credit)
WHERE log.shard = 0 AND log.position > $1 AND log.position <= $2 AND log.postings IS NOT NULL
GROUP BY side.account, entry.currency;
