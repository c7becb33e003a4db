-- name: trades
-- Trades by state and currency, with what is held for them.
SELECT state, currency, count(*) AS count, sum(held_minor) AS held_minor,
    count(*) FILTER (WHERE held_minor <> 0) AS holding,
    count(*) FILTER (WHERE frozen) AS frozen,
    count(*) FILTER (WHERE open_refund <> '') AS open_refunds
FROM danbao_read.trades
GROUP BY state, currency
ORDER BY state, currency;

-- name: refusals
-- Refused commands by code; each refusal is a stream of its own, so an index finds them.
SELECT data ->> 'code' AS code, count(*) AS count
FROM danbao.event_log
WHERE shard = 0 AND stream >= 'rejection/' AND stream < 'rejection0'
GROUP BY code;

-- name: declines
-- Declined payments by code.
SELECT code, count(*) AS count FROM danbao_read.payments
WHERE status = 'declined'
GROUP BY code;

-- name: balances
-- Balances by class and currency; $1 has the accounts that are a class of their own.
SELECT
    CASE WHEN account = ANY ($1::text[]) THEN account
        ELSE split_part(account, '.', 1) || '.' || split_part(account, '.', 2)
    END AS class,
    currency,
    count(*) FILTER (WHERE balance_minor <> 0) AS accounts,
    sum(balance_minor) AS balance_minor
FROM danbao_read.account_balances
GROUP BY class, currency
ORDER BY currency, class;

-- name: payouts
-- Payouts by state, reason and currency.
SELECT state, reason, currency, count(*) AS count, count(DISTINCT merchant) AS merchants,
    sum(amount_minor) AS amount_minor
FROM danbao_read.payouts
GROUP BY state, reason, currency
ORDER BY currency, state, reason;

-- name: totals
-- How long the log is, how many commands it answers, and how far the read models have come.
SELECT
    (SELECT position FROM danbao.log_heads WHERE shard = 0) AS events,
    (SELECT count(*) FROM danbao.inbox) AS commands,
    (SELECT count(*) FROM danbao.timers) AS timers,
    (SELECT count(*) FROM danbao.dead_letters) AS dead_letters,
    (SELECT min(checkpoint) FROM danbao.projections WHERE state = 'live') AS projected;
