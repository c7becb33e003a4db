-- When a batch decided, where that is not when it was recorded: another batch that decided later
-- was recorded before.  With it every decision of the log can be made again to the byte.
CREATE TABLE danbao.decision_times (
    shard          smallint    NOT NULL,
    first_position bigint      NOT NULL,
    last_position  bigint      NOT NULL,
    decided_at     timestamptz NOT NULL,
    PRIMARY KEY (shard, last_position)
);
CREATE TRIGGER decision_times_are_append_only BEFORE UPDATE OR DELETE ON danbao.decision_times
    FOR EACH ROW EXECUTE FUNCTION danbao.refuse_change();
CREATE TRIGGER decision_times_are_not_truncated BEFORE TRUNCATE ON danbao.decision_times
    FOR EACH STATEMENT EXECUTE FUNCTION danbao.refuse_change();
GRANT SELECT ON danbao.decision_times TO danbao_engine, danbao_reader;
GRANT INSERT ON danbao.decision_times TO danbao_engine;
