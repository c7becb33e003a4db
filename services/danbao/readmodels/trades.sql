-- name: create
-- One row for each trade; held_minor follows from the others.
CREATE TABLE danbao_read.trades (
    trade_id       text PRIMARY KEY COLLATE "C",
    state          text,
    buyer          text,
    seller         text,
    currency       text,
    amount_minor   bigint,
    paid_minor     bigint NOT NULL DEFAULT 0,
    released_minor bigint NOT NULL DEFAULT 0,
    refunded_minor bigint NOT NULL DEFAULT 0,
    held_minor     bigint GENERATED ALWAYS AS (paid_minor - released_minor - refunded_minor) STORED,
    frozen         boolean,
    open_refund    text,
    payment_id     text,
    ended_by       text,
    title          text,
    created_at     timestamptz,
    updated_at     timestamptz
) WITH (fillfactor = 45);

-- name: write
-- Folded changes: null leaves a column as it is, sums are added.
INSERT INTO danbao_read.trades AS t
    (
        trade_id, state, buyer, seller, currency, amount_minor, title, payment_id, open_refund,
        ended_by, frozen, created_at, updated_at, paid_minor, released_minor, refunded_minor
    )
SELECT *
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[],
    $8::text[], $9::text[], $10::text[], $11::boolean[], $12::timestamptz[],
    $13::timestamptz[], $14::bigint[], $15::bigint[], $16::bigint[]
)
ON CONFLICT (trade_id) DO UPDATE SET
    state = coalesce(excluded.state, t.state), buyer = coalesce(excluded.buyer, t.buyer),
    seller = coalesce(excluded.seller, t.seller),
    currency = coalesce(excluded.currency, t.currency),
    amount_minor = coalesce(excluded.amount_minor, t.amount_minor),
    title = coalesce(excluded.title, t.title),
    payment_id = coalesce(excluded.payment_id, t.payment_id),
    open_refund = coalesce(excluded.open_refund, t.open_refund),
    ended_by = coalesce(excluded.ended_by, t.ended_by),
    frozen = coalesce(excluded.frozen, t.frozen),
    created_at = coalesce(excluded.created_at, t.created_at),
    updated_at = coalesce(excluded.updated_at, t.updated_at),
    paid_minor = t.paid_minor + excluded.paid_minor,
    released_minor = t.released_minor + excluded.released_minor,
    refunded_minor = t.refunded_minor + excluded.refunded_minor;
