-- name: create
-- One row for each payout.
CREATE TABLE danbao_read.payouts (
    payout_id    text PRIMARY KEY COLLATE "C",
    merchant     text,
    window_id    text,
    state        text,
    reason       text,
    currency     text,
    amount_minor bigint,
    payout_bank  text,
    updated_at   timestamptz
) WITH (fillfactor = 80);

-- name: write
-- Folded changes: null leaves a column as it is, sums are added.
INSERT INTO danbao_read.payouts AS t
    (
        payout_id, state, merchant, window_id, currency, amount_minor, payout_bank, reason,
        updated_at
    )
SELECT *
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[],
    $8::text[], $9::timestamptz[]
)
ON CONFLICT (payout_id) DO UPDATE SET
    state = coalesce(excluded.state, t.state),
    merchant = coalesce(excluded.merchant, t.merchant),
    window_id = coalesce(excluded.window_id, t.window_id),
    currency = coalesce(excluded.currency, t.currency),
    amount_minor = coalesce(excluded.amount_minor, t.amount_minor),
    payout_bank = coalesce(excluded.payout_bank, t.payout_bank),
    reason = coalesce(excluded.reason, t.reason),
    updated_at = coalesce(excluded.updated_at, t.updated_at);
