-- What somebody would write by hand: accounts, double entries, trades.
CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL CHECK (balance >= 0)) WITH (fillfactor = 70);
CREATE TABLE entries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    transfer uuid NOT NULL, account int NOT NULL, amount bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now());
CREATE TABLE trades (
    id uuid PRIMARY KEY, buyer int NOT NULL, seller int NOT NULL, amount bigint NOT NULL,
    state text NOT NULL, updated_at timestamptz NOT NULL DEFAULT now()) WITH (fillfactor = 70);
INSERT INTO accounts SELECT id, 1000000000000 FROM generate_series(1, 100000) AS id;
VACUUM ANALYZE accounts;
