\set buyer random(10001, 100000)
\set seller random(1, 10000)
\set amount random(500, 200000)
INSERT INTO trades (id, buyer, seller, amount, state)
VALUES (gen_random_uuid(), :buyer, :seller, :amount, 'WAIT_BUYER_PAY') RETURNING id AS trade \gset
BEGIN;
UPDATE accounts SET balance = balance - :amount::bigint WHERE id = :buyer;
INSERT INTO entries (transfer, account, amount) VALUES (:trade::uuid, :buyer, -(:amount::bigint));
INSERT INTO entries (transfer, account, amount) VALUES (:trade::uuid, 0, :amount);
UPDATE trades SET state = 'WAIT_SELLER_SEND_GOODS', updated_at = now()
WHERE id = :trade::uuid AND state = 'WAIT_BUYER_PAY';
COMMIT;
UPDATE trades SET state = 'WAIT_BUYER_CONFIRM_GOODS', updated_at = now()
WHERE id = :trade::uuid AND state = 'WAIT_SELLER_SEND_GOODS';
BEGIN;
UPDATE trades SET state = 'TRADE_SUCCESS', updated_at = now()
WHERE id = :trade::uuid AND state = 'WAIT_BUYER_CONFIRM_GOODS';
UPDATE accounts SET balance = balance + :amount::bigint WHERE id = :seller;
INSERT INTO entries (transfer, account, amount) VALUES (:trade::uuid, 0, -(:amount::bigint));
INSERT INTO entries (transfer, account, amount) VALUES (:trade::uuid, :seller, :amount);
COMMIT;
