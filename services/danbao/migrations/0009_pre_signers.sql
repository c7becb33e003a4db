-- Who signs the log, one at a time; and what was signed stays as it is.

CREATE TABLE danbao.signers (
    shard       smallint    PRIMARY KEY,
    owner       text        NOT NULL,
    lease_until timestamptz NOT NULL
) WITH (fillfactor = 50);
INSERT INTO danbao.signers VALUES (0, '', 'epoch');

CREATE TRIGGER log_checkpoints_are_append_only BEFORE UPDATE OR DELETE ON danbao.log_checkpoints
    FOR EACH ROW EXECUTE FUNCTION danbao.refuse_change();
CREATE TRIGGER log_checkpoints_are_not_truncated BEFORE TRUNCATE ON danbao.log_checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION danbao.refuse_change();

GRANT SELECT ON danbao.signers TO danbao_engine, danbao_reader;
GRANT UPDATE ON danbao.signers TO danbao_engine;
