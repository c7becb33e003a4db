-- name: events
SELECT count(*) FROM events WHERE day = ':day';

-- name: funnel
SELECT type, count(*) FROM events
WHERE day = ':day' AND type IN (:steps)
    AND stream IN (SELECT stream FROM events WHERE day = ':day' AND type = ':first')
GROUP BY 1;

-- name: states
SELECT last, count(*) FROM (
    SELECT stream, arg_max(type, version) AS last FROM events
    WHERE day = ':day' AND type IN (:steps)
        AND stream IN (SELECT stream FROM events WHERE day = ':day' AND type = ':first')
    GROUP BY 1
) GROUP BY 1;

-- name: volume
SELECT time_bucket(INTERVAL :minutes minutes, recorded_at) AS at, currency, sum(amount_minor)
FROM journal
WHERE day = ':day' AND type = 'authorization.payment_captured.v1'
GROUP BY 1, 2 ORDER BY 1, 2;

-- name: fees
SELECT time_bucket(INTERVAL :minutes minutes, recorded_at) AS at,
    data->>'$.fee.currency' AS currency, sum(CAST(data->>'$.fee.minor' AS BIGINT))
FROM events
WHERE day = ':day' AND type = 'settlement.credit_recorded.v1'
GROUP BY 1, 2 ORDER BY 1, 2;

-- name: refusals
SELECT data->>'$.code', count(*) FROM events
WHERE day = ':day' AND type LIKE '%.command_rejected.v1'
GROUP BY 1;

-- name: declines
SELECT data->>'$.code', count(*) FROM events
WHERE day = ':day' AND type = 'authorization.payment_declined.v1'
GROUP BY 1;

-- name: merchants
SELECT data->>'$.merchant', data->>'$.gross.currency', count(*),
    sum(CAST(data->>'$.gross.minor' AS BIGINT)), sum(CAST(data->>'$.fee.minor' AS BIGINT)),
    sum(CAST(data->>'$.net.minor' AS BIGINT))
FROM events
WHERE day = ':day' AND type = 'settlement.credit_recorded.v1'
GROUP BY 1, 2;
