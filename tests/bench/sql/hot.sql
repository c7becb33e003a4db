\set buyer random(10001, 100000)
\set spread random(1, 10000)
\set is_hot random(0, 1)
\set seller CASE WHEN :is_hot = 1 THEN 1 ELSE :spread END
\set amount random(500, 200000)
BEGIN;
UPDATE accounts SET balance = balance - :amount::bigint WHERE id = :buyer;
UPDATE accounts SET balance = balance + :amount::bigint WHERE id = :seller;
INSERT INTO entries (transfer, account, amount) VALUES (gen_random_uuid(), :buyer, -(:amount::bigint));
INSERT INTO entries (transfer, account, amount) VALUES (gen_random_uuid(), :seller, :amount);
COMMIT;
