\set buyer random(10001, 100000)
\set seller random(1, 10000)
\set amount random(500, 200000)
BEGIN;
UPDATE accounts SET balance = balance - :amount::bigint WHERE id = :buyer;
UPDATE accounts SET balance = balance + :amount::bigint WHERE id = :seller;
INSERT INTO entries (transfer, account, amount) VALUES (gen_random_uuid(), :buyer, -(:amount::bigint));
INSERT INTO entries (transfer, account, amount) VALUES (gen_random_uuid(), :seller, :amount);
COMMIT;
