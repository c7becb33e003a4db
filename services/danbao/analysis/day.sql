-- name: paid
-- Payments captured in a stretch of the log, by time: $3 wide, counted from $4.
SELECT date_bin($3::interval, recorded_at, $4::timestamptz) AS at,
    data -> 'amount' ->> 'currency' AS currency, count(*) AS count,
    sum((data -> 'amount' ->> 'minor')::bigint)::bigint AS paid_minor
FROM danbao.event_log
WHERE shard = 0 AND position > $1 AND position <= $2
    AND type = 'authorization.payment_captured.v1'
GROUP BY 1, 2;

-- name: credits
-- Trades credited to merchants, with their fees, by time.
SELECT date_bin($3::interval, recorded_at, $4::timestamptz) AS at,
    data ->> 'merchant' AS merchant, data -> 'gross' ->> 'currency' AS currency,
    count(*) AS count,
    sum((data -> 'gross' ->> 'minor')::bigint)::bigint AS gross_minor,
    sum((data -> 'fee' ->> 'minor')::bigint)::bigint AS fee_minor,
    sum((data -> 'net' ->> 'minor')::bigint)::bigint AS net_minor
FROM danbao.event_log
WHERE shard = 0 AND position > $1 AND position <= $2 AND type = 'settlement.credit_recorded.v1'
GROUP BY 1, 2, 3;

-- name: codes
-- Refused commands and declined payments, by code.
SELECT type = 'authorization.payment_declined.v1' AS is_decline, data ->> 'code' AS code,
    count(*) AS count
FROM danbao.event_log
WHERE shard = 0 AND position > $1 AND position <= $2
    AND (type = 'authorization.payment_declined.v1' OR type LIKE '%.command\_rejected.v1')
GROUP BY 1, 2;

-- name: steps
-- The steps of trades, in the order of the log.
SELECT stream, type FROM danbao.event_log
WHERE shard = 0 AND position > $1 AND position <= $2 AND type = ANY ($3::text[])
ORDER BY position;
