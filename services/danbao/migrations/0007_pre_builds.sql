-- A build is one making of one version of a read model: it has a table of its own and a checkpoint.
-- `danbao_read` has a view of the live one, so that builds change places while views of views,
-- grants and queries stay.

CREATE SCHEMA danbao_models;
GRANT USAGE ON SCHEMA danbao_models TO danbao_engine, danbao_reader;
GRANT CREATE ON SCHEMA danbao_models TO danbao_engine;
ALTER DEFAULT PRIVILEGES FOR ROLE danbao_engine IN SCHEMA danbao_models
    GRANT SELECT ON TABLES TO danbao_reader;

-- `is_held`: built and kept up to date, but not swapped in before somebody says so.
-- `difference`: what the build had otherwise than the one it took the place of.
ALTER TABLE danbao.projections
    ADD COLUMN build integer NOT NULL DEFAULT 1,
    ADD COLUMN table_name text NOT NULL
        GENERATED ALWAYS AS (name || '_v' || version::text || '_b' || build::text) STORED,
    ADD COLUMN is_held boolean NOT NULL DEFAULT false,
    ADD COLUMN difference json,
    ADD COLUMN begun_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ADD COLUMN swapped_at timestamptz,
    DROP CONSTRAINT projections_pkey,
    ADD PRIMARY KEY (name, version, build);
CREATE UNIQUE INDEX projections_live ON danbao.projections (name) WHERE state = 'live';
CREATE UNIQUE INDEX projections_building ON danbao.projections (name) WHERE state = 'building';

-- Tables that earlier versions of danbao made become the first build; their code writes through the
-- view until it has gone.
DO $$
DECLARE model record;
BEGIN
    FOR model IN
        SELECT name, table_name FROM danbao.projections
        WHERE state = 'live' AND to_regclass(format('danbao_read.%I', name)) IS NOT NULL
    LOOP
        EXECUTE format('ALTER TABLE danbao_read.%I SET SCHEMA danbao_models', model.name);
        EXECUTE format('ALTER TABLE danbao_models.%I RENAME TO %I', model.name, model.table_name);
        EXECUTE format(
            'CREATE VIEW danbao_read.%I AS SELECT * FROM danbao_models.%I',
            model.name, model.table_name);
        EXECUTE format('ALTER VIEW danbao_read.%I OWNER TO danbao_engine', model.name);
        EXECUTE format('GRANT SELECT ON danbao_read.%I TO danbao_reader', model.name);
    END LOOP;
END
$$;
