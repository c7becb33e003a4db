-- name: create
-- One row for each merchant and currency.
CREATE TABLE danbao_read.merchant_statement (
    merchant    text NOT NULL COLLATE "C",
    currency    text NOT NULL,
    gross_minor bigint NOT NULL DEFAULT 0,
    fee_minor   bigint NOT NULL DEFAULT 0,
    net_minor   bigint NOT NULL DEFAULT 0,
    count       bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (merchant, currency)
) WITH (fillfactor = 80);

-- name: write
-- Folded changes: null leaves a column as it is, sums are added.
INSERT INTO danbao_read.merchant_statement AS t
    (
        merchant, currency, gross_minor, fee_minor, net_minor, count
    )
SELECT *
FROM unnest(
    $1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[]
)
ON CONFLICT (merchant, currency) DO UPDATE SET
    gross_minor = t.gross_minor + excluded.gross_minor,
    fee_minor = t.fee_minor + excluded.fee_minor, net_minor = t.net_minor + excluded.net_minor,
    count = t.count + excluded.count;
