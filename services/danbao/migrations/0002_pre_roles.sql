-- The engine runs as a role that may only append to the log.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'danbao_engine') THEN
        CREATE ROLE danbao_engine NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'danbao_reader') THEN
        CREATE ROLE danbao_reader NOLOGIN;
    END IF;
    IF NOT pg_has_role(current_user, 'danbao_engine', 'MEMBER') THEN
        EXECUTE format('GRANT danbao_engine TO %I', current_user);
    END IF;
END
$$;

GRANT USAGE ON SCHEMA danbao, danbao_read TO danbao_engine, danbao_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA danbao, danbao_read TO danbao_engine, danbao_reader;

GRANT INSERT ON danbao.event_log, danbao.inbox, danbao.log_checkpoints, danbao.topics
    TO danbao_engine;
GRANT UPDATE ON danbao.log_heads TO danbao_engine;
GRANT INSERT, UPDATE, DELETE ON
    danbao.stream_states, danbao.timers, danbao.dead_letters, danbao.projections
    TO danbao_engine;
GRANT INSERT, UPDATE ON
    danbao.shared_facts, danbao.guarded_balances, danbao.consumer_offsets, danbao.relays
    TO danbao_engine;

-- Read models are the engine's to make, rebuild and drop.
GRANT CREATE ON SCHEMA danbao_read TO danbao_engine;
ALTER DEFAULT PRIVILEGES FOR ROLE danbao_engine IN SCHEMA danbao_read
    GRANT SELECT ON TABLES TO danbao_reader;
