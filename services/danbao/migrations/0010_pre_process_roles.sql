-- Each process has a role of its own, and takes on no other: with no more rights than it uses.
-- `danbao_engine` keeps all that it has, for processes of an older version and for what the commands
-- of an operator write.  Roles are the server's: another database may have made them before.

DO $$
DECLARE
    name text;
    takes_on text := CASE WHEN current_setting('server_version_num')::integer >= 160000
        THEN 'SET' ELSE 'MEMBER' END;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'danbao_accounts', 'danbao_authorization', 'danbao_channel', 'danbao_escrow',
        'danbao_risk', 'danbao_settlement', 'danbao_relay', 'danbao_projector',
        'danbao_scheduler', 'danbao_bookkeeper', 'danbao_checkpointer'
    ] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;  -- made for another database in this moment
            END;
        END IF;
        IF NOT pg_has_role(current_user, name, takes_on) THEN
            EXECUTE format('GRANT %I TO %I', name, current_user);
        END IF;
    END LOOP;
    -- What the projector owns an older one changes too.
    IF NOT pg_has_role('danbao_engine', 'danbao_projector', 'USAGE') THEN
        GRANT danbao_projector TO danbao_engine;
    END IF;
END
$$;

-- Everybody reads: nearly all of it follows from the log, and that is what they all work on.
GRANT USAGE ON SCHEMA danbao TO
    danbao_accounts, danbao_authorization, danbao_channel, danbao_escrow, danbao_risk,
    danbao_settlement, danbao_relay, danbao_projector, danbao_scheduler, danbao_bookkeeper,
    danbao_checkpointer;
GRANT SELECT ON ALL TABLES IN SCHEMA danbao TO
    danbao_accounts, danbao_authorization, danbao_channel, danbao_escrow, danbao_risk,
    danbao_settlement, danbao_relay, danbao_projector, danbao_scheduler, danbao_bookkeeper,
    danbao_checkpointer;

-- The services append, and change what the kernel keeps beside the log.
GRANT INSERT ON
    danbao.event_log, danbao.inbox, danbao.decision_times, danbao.stream_states,
    danbao.shared_facts, danbao.timers, danbao.consumer_offsets, danbao.dead_letters
    TO danbao_accounts, danbao_authorization, danbao_channel, danbao_escrow, danbao_risk,
    danbao_settlement;
GRANT UPDATE ON danbao.stream_states, danbao.shared_facts, danbao.consumer_offsets
    TO danbao_accounts, danbao_authorization, danbao_channel, danbao_escrow, danbao_risk,
    danbao_settlement;
GRANT DELETE ON danbao.stream_states, danbao.timers
    TO danbao_accounts, danbao_authorization, danbao_channel, danbao_escrow, danbao_risk,
    danbao_settlement;
-- The head moves, the log stays the same one; no service lowers a floor; a dead letter's bytes stay.
GRANT UPDATE (position, recorded_at) ON danbao.log_heads
    TO danbao_accounts, danbao_authorization, danbao_channel, danbao_escrow, danbao_risk,
    danbao_settlement;
GRANT INSERT (shard, account, currency, balance_minor), UPDATE (balance_minor)
    ON danbao.guarded_balances
    TO danbao_accounts, danbao_authorization, danbao_channel, danbao_escrow, danbao_risk,
    danbao_settlement;
GRANT UPDATE (state, reason, detail, tries, settled_at) ON danbao.dead_letters
    TO danbao_accounts, danbao_authorization, danbao_channel, danbao_escrow, danbao_risk,
    danbao_settlement;

GRANT UPDATE ON danbao.relays TO danbao_relay;
GRANT INSERT ON danbao.closings, danbao.account_turnovers, danbao.trial_balances
    TO danbao_bookkeeper;
GRANT INSERT ON danbao.log_checkpoints TO danbao_checkpointer;
GRANT UPDATE ON danbao.signers TO danbao_checkpointer;

-- Read models are the projector's to make, rebuild and drop.  What `danbao_engine` begins beside it
-- can be written by both.  Whoever projects holds rows of `projections`, so it is waited for.
GRANT INSERT, UPDATE, DELETE ON danbao.projections TO danbao_projector;
GRANT USAGE, CREATE ON SCHEMA danbao_models, danbao_read TO danbao_projector;
ALTER DEFAULT PRIVILEGES FOR ROLE danbao_projector IN SCHEMA danbao_models, danbao_read
    GRANT SELECT ON TABLES TO danbao_reader;
ALTER DEFAULT PRIVILEGES FOR ROLE danbao_engine IN SCHEMA danbao_models
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO danbao_projector;
LOCK TABLE danbao.projections IN EXCLUSIVE MODE;
DO $$
DECLARE relation text;
BEGIN
    FOR relation IN
        SELECT format('%I.%I', n.nspname, c.relname)
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('danbao_models', 'danbao_read') AND c.relkind IN ('r', 'v')
            AND pg_get_userbyid(c.relowner) = 'danbao_engine'
        ORDER BY 1
    LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO danbao_projector', relation);
    END LOOP;
END
$$;

-- A service sees and changes its own offsets and dead letters alone.  The second policy holds for the
-- services and whoever inherits from one; all others see what they are granted, as before, and the
-- owner of the tables is beyond policies.
ALTER TABLE danbao.consumer_offsets ENABLE ROW LEVEL SECURITY;
CREATE POLICY as_granted ON danbao.consumer_offsets USING (true);
CREATE POLICY own_service ON danbao.consumer_offsets AS RESTRICTIVE
    TO danbao_accounts, danbao_authorization, danbao_channel, danbao_escrow, danbao_risk,
    danbao_settlement
    USING (service = substr(current_user, 8));
ALTER TABLE danbao.dead_letters ENABLE ROW LEVEL SECURITY;
CREATE POLICY as_granted ON danbao.dead_letters USING (true);
CREATE POLICY own_service ON danbao.dead_letters AS RESTRICTIVE
    TO danbao_accounts, danbao_authorization, danbao_channel, danbao_escrow, danbao_risk,
    danbao_settlement
    USING (service = substr(current_user, 8));
