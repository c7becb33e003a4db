-- name: create
-- One row for each account and currency that ever moved.
CREATE TABLE danbao_read.account_balances (
    account       text NOT NULL COLLATE "C",
    currency      text NOT NULL,
    balance_minor bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (account, currency)
) WITH (fillfactor = 45);

-- name: write
-- Folded changes: null leaves a column as it is, sums are added.
INSERT INTO danbao_read.account_balances AS t
    (
        account, currency, balance_minor
    )
SELECT *
FROM unnest(
    $1::text[], $2::text[], $3::bigint[]
)
ON CONFLICT (account, currency) DO UPDATE SET
    balance_minor = t.balance_minor + excluded.balance_minor;
