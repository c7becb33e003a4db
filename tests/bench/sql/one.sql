\set buyer random(10001, 100000)
\set seller random(1, 10000)
\set amount random(500, 200000)
WITH debit AS (
    UPDATE accounts SET balance = balance - :amount::bigint WHERE id = :buyer
), credit AS (
    UPDATE accounts SET balance = balance + :amount::bigint WHERE id = :seller
), transfer AS (SELECT gen_random_uuid() AS id)
INSERT INTO entries (transfer, account, amount)
SELECT id, :buyer::int, -(:amount::bigint) FROM transfer UNION ALL SELECT id, :seller::int, :amount::bigint FROM transfer;
