-- name: trade
-- The read model's row.
SELECT trade_id, state, buyer, seller, currency, amount_minor, paid_minor, held_minor,
    released_minor, refunded_minor, frozen, open_refund, payment_id, ended_by, title, created_at,
    updated_at
FROM danbao_read.trades
WHERE trade_id = $1;

-- name: checkpoint
-- How far the read models have come that the story shows.
SELECT min(checkpoint) FROM danbao.projections
WHERE state = 'live' AND name IN ('trades', 'payments', 'settlement_windows', 'payouts');

-- name: payments
-- What became of each payment of the flow; the flow's events name them.
SELECT payment_id, payer, status, code, currency, amount_minor, risk_decision, risk_reasons,
    requested_at, updated_at
FROM danbao_read.payments
WHERE payment_id = ANY ($1::text[])
ORDER BY requested_at, payment_id;

-- name: windows
-- The settlement windows that the trade is in, each with its payout.
SELECT w.window_id, w.merchant, w.state, w.closed_at, w.payout_id, p.state AS payout_state,
    p.reason AS payout_reason
FROM danbao_read.settlement_windows AS w
LEFT JOIN danbao_read.payouts AS p ON p.payout_id = w.payout_id
WHERE w.window_id = ANY ($1::text[])
ORDER BY w.window_id;

-- name: timers
-- Deadlines of the trade that run.
SELECT type, due_at FROM danbao.timers
WHERE partition_key = $1 AND stream = 'trade/' || $1
ORDER BY due_at;

-- name: commands
-- The commands of the flow by id: they caused its events.
SELECT message_id, type, actor FROM danbao.inbox WHERE message_id = ANY ($1::uuid[]);
