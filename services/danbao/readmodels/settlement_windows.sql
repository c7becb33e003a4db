-- name: create
-- One row for each window of each merchant.
CREATE TABLE danbao_read.settlement_windows (
    window_id     text PRIMARY KEY COLLATE "C",
    merchant      text,
    currency      text,
    state         text,
    gross_minor   bigint NOT NULL DEFAULT 0,
    fee_minor     bigint NOT NULL DEFAULT 0,
    net_minor     bigint NOT NULL DEFAULT 0,
    count         bigint NOT NULL DEFAULT 0,
    first_version bigint,
    last_version  bigint,
    closed_at     timestamptz,
    payout_id     text
) WITH (fillfactor = 80);

-- name: write
-- Folded changes: null leaves a column as it is, sums are added.
INSERT INTO danbao_read.settlement_windows AS t
    (
        window_id, merchant, currency, state, first_version, last_version, closed_at,
        payout_id, gross_minor, fee_minor, net_minor, count
    )
SELECT *
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[],
    $7::timestamptz[], $8::text[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[]
)
ON CONFLICT (window_id) DO UPDATE SET
    merchant = coalesce(excluded.merchant, t.merchant),
    currency = coalesce(excluded.currency, t.currency),
    state = coalesce(excluded.state, t.state),
    first_version = coalesce(excluded.first_version, t.first_version),
    last_version = coalesce(excluded.last_version, t.last_version),
    closed_at = coalesce(excluded.closed_at, t.closed_at),
    payout_id = coalesce(excluded.payout_id, t.payout_id),
    gross_minor = t.gross_minor + excluded.gross_minor,
    fee_minor = t.fee_minor + excluded.fee_minor, net_minor = t.net_minor + excluded.net_minor,
    count = t.count + excluded.count;
