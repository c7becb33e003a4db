-- name: standing
-- How far the books are closed, and how far the log goes.
SELECT coalesce((SELECT max(upto) FROM danbao.closings WHERE shard = 0), 0) AS closed, position
FROM danbao.log_heads WHERE shard = 0;

-- name: close
-- Closes the books from $1 (the closing before, 0 for none) to $2; $3 has the accounts that are a
-- class of their own.  A second one that closes the same fails on a key.
WITH legs AS (
    SELECT log.position, side.account, entry.currency, side.debit, side.credit
    FROM danbao.event_log AS log,
        json_to_recordset(log.postings)
            AS entry (debit text, credit text, minor bigint, currency text),
        LATERAL (VALUES (entry.debit, entry.minor, 0::bigint), (entry.credit, 0, entry.minor))
            AS side (account, debit, credit)
    WHERE log.shard = 0 AND log.position > $1 AND log.position <= $2 AND log.postings IS NOT NULL
), moved AS (
    SELECT account, currency, sum(debit)::bigint AS debit, sum(credit)::bigint AS credit,
        array_agg(DISTINCT position ORDER BY position) AS positions
    FROM legs
    GROUP BY account, currency
), turned AS (
    SELECT moved.*, coalesce(earlier.net_minor, 0) AS before,
        coalesce(earlier.net_minor, 0) + moved.debit - moved.credit AS after,
        CASE WHEN account = ANY ($3::text[]) THEN account
            ELSE split_part(account, '.', 1) || '.' || split_part(account, '.', 2)
        END AS class
    FROM moved LEFT JOIN LATERAL (
        SELECT net_minor FROM danbao.account_turnovers AS t
        WHERE t.shard = 0 AND t.account = moved.account AND t.currency = moved.currency
        ORDER BY upto DESC LIMIT 1
    ) AS earlier ON true
), noted AS (
    INSERT INTO danbao.account_turnovers
        (shard, account, currency, upto, debit_minor, credit_minor, net_minor, positions)
    SELECT 0, account, currency, $2, debit, credit, after, positions FROM turned
), changes AS (
    SELECT class, currency,
        count(*) FILTER (WHERE after <> 0) - count(*) FILTER (WHERE before <> 0) AS accounts,
        sum(after - before) AS net_minor
    FROM turned
    GROUP BY class, currency
    UNION ALL
    SELECT class, currency, accounts, net_minor
    FROM danbao.trial_balances
    WHERE shard = 0 AND upto = $1
), balanced AS (
    INSERT INTO danbao.trial_balances (shard, upto, class, currency, accounts, net_minor)
    SELECT 0, $2, class, currency, sum(accounts), sum(net_minor)
    FROM changes
    GROUP BY class, currency
)
INSERT INTO danbao.closings (shard, upto) VALUES (0, $2);
