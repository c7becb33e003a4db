-- name: create
-- One row for each payment.
CREATE TABLE danbao_read.payments (
    payment_id    text PRIMARY KEY COLLATE "C",
    trade_id      text,
    payer         text,
    status        text,
    code          text,
    currency      text,
    amount_minor  bigint,
    risk_decision text,
    risk_reasons  text,
    requested_at  timestamptz,
    updated_at    timestamptz
) WITH (fillfactor = 45);

-- name: write
-- Folded changes: null leaves a column as it is, sums are added.
INSERT INTO danbao_read.payments AS t
    (
        payment_id, status, trade_id, payer, currency, amount_minor, code, risk_decision,
        risk_reasons, requested_at, updated_at
    )
SELECT *
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[],
    $8::text[], $9::text[], $10::timestamptz[], $11::timestamptz[]
)
ON CONFLICT (payment_id) DO UPDATE SET
    status = coalesce(excluded.status, t.status),
    trade_id = coalesce(excluded.trade_id, t.trade_id),
    payer = coalesce(excluded.payer, t.payer),
    currency = coalesce(excluded.currency, t.currency),
    amount_minor = coalesce(excluded.amount_minor, t.amount_minor),
    code = coalesce(excluded.code, t.code),
    risk_decision = coalesce(excluded.risk_decision, t.risk_decision),
    risk_reasons = coalesce(excluded.risk_reasons, t.risk_reasons),
    requested_at = coalesce(excluded.requested_at, t.requested_at),
    updated_at = coalesce(excluded.updated_at, t.updated_at);
