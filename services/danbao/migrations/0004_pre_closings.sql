-- Books closed every so many positions, so that "as of" needs no fold from the first event.
-- All three tables follow from the log alone and are append-only, as the log is.

-- The books were added up at these positions; each begins where the one before ended.
CREATE TABLE danbao.closings (
    shard smallint NOT NULL,
    upto  bigint   NOT NULL,
    PRIMARY KEY (shard, upto)
);

-- What an account moved since the closing before, where, and what it comes to: debits - credits.
-- An account that did not move has no row.
CREATE TABLE danbao.account_turnovers (
    shard        smallint NOT NULL,
    account      text     NOT NULL COLLATE "C",
    currency     text     NOT NULL,
    upto         bigint   NOT NULL,
    debit_minor  bigint   NOT NULL,
    credit_minor bigint   NOT NULL,
    net_minor    bigint   NOT NULL,
    positions    bigint[] NOT NULL,
    PRIMARY KEY (shard, account, currency, upto)
);

-- The trial balance at each closing, by class of accounts; `accounts` are not at zero.
CREATE TABLE danbao.trial_balances (
    shard     smallint NOT NULL,
    upto      bigint   NOT NULL,
    class     text     NOT NULL COLLATE "C",
    currency  text     NOT NULL,
    accounts  bigint   NOT NULL,
    net_minor bigint   NOT NULL,
    PRIMARY KEY (shard, upto, currency, class)
);

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['closings', 'account_turnovers', 'trial_balances'] LOOP
        EXECUTE format('CREATE TRIGGER %1$s_are_append_only BEFORE UPDATE OR DELETE ON danbao.%1$I
            FOR EACH ROW EXECUTE FUNCTION danbao.refuse_change()', name);
        EXECUTE format('CREATE TRIGGER %1$s_are_not_truncated BEFORE TRUNCATE ON danbao.%1$I
            FOR EACH STATEMENT EXECUTE FUNCTION danbao.refuse_change()', name);
    END LOOP;
END
$$;

GRANT SELECT ON danbao.closings, danbao.account_turnovers, danbao.trial_balances
    TO danbao_engine, danbao_reader;
GRANT INSERT ON danbao.closings, danbao.account_turnovers, danbao.trial_balances
    TO danbao_engine;
