-- A sandbox may move its clock forward.  Only its log's first start makes the row, while the log is
-- empty, so a log with real payments never gets one; the engine's own role may not touch it.
CREATE TABLE danbao.sandbox_clock (
    shard smallint PRIMARY KEY CHECK (shard = 0),
    moved interval NOT NULL CHECK (moved >= interval '0')
);
GRANT SELECT ON danbao.sandbox_clock TO danbao_engine, danbao_reader;

-- By how much the clock is ahead of this server's.
CREATE FUNCTION danbao.clock_moved() RETURNS interval LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT moved FROM danbao.sandbox_clock WHERE shard = 0), interval '0')
$$;

-- What time it is, for all that expires.
CREATE FUNCTION danbao.clock_now() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
    SELECT clock_timestamp() + danbao.clock_moved()
$$;

CREATE FUNCTION danbao.guard_sandbox_clock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND (SELECT position FROM danbao.log_heads WHERE shard = 0) > 0 THEN
        RAISE EXCEPTION 'a log that has events never becomes a sandbox';
    END IF;
    IF TG_OP = 'UPDATE' AND new.moved < old.moved THEN
        RAISE EXCEPTION 'the clock goes forward only';
    END IF;
    RETURN new;
END
$$;
CREATE TRIGGER sandbox_clock_is_guarded BEFORE INSERT OR UPDATE ON danbao.sandbox_clock
    FOR EACH ROW EXECUTE FUNCTION danbao.guard_sandbox_clock();
CREATE TRIGGER sandbox_clock_stays BEFORE DELETE OR TRUNCATE ON danbao.sandbox_clock
    FOR EACH STATEMENT EXECUTE FUNCTION danbao.refuse_change();
