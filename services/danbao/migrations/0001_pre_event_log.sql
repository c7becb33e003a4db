-- The system of record: an append-only, gapless log, and what the kernel keeps beside it.
-- All times are UTC, all amounts whole minor units.

CREATE SCHEMA danbao;
CREATE SCHEMA danbao_read;

-- One row for each fact.  Position and version have no gaps; leaf_hash is the leaf of a Merkle
-- tree (contract, "Leaf hash").  `json` keeps the text byte for byte, unlike `jsonb`.
CREATE TABLE danbao.event_log (
    shard          smallint    NOT NULL,
    position       bigint      NOT NULL,
    stream         text        NOT NULL COLLATE "C",
    version        integer     NOT NULL,
    type           text        NOT NULL COLLATE "C",
    schema_version smallint    NOT NULL,
    partition_key  text        NOT NULL COLLATE "C",
    event_id       uuid        NOT NULL,
    causation_id   uuid        NOT NULL,
    correlation_id text        NOT NULL,
    actor          text,
    traceparent    text,
    recorded_at    timestamptz NOT NULL,
    data           json        NOT NULL,
    postings       json,
    row_hash       bytea       NOT NULL,
    leaf_hash      bytea       NOT NULL,
    PRIMARY KEY (shard, position),
    UNIQUE (shard, stream, version),
    CHECK (octet_length(data::text) <= 262144)
);

-- The story of one flow (a trade id, an account id) is asked for by people all day.
CREATE INDEX event_log_flow ON danbao.event_log (partition_key, position);

CREATE FUNCTION danbao.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'danbao.% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER event_log_is_append_only BEFORE UPDATE OR DELETE ON danbao.event_log
    FOR EACH ROW EXECUTE FUNCTION danbao.refuse_change();
CREATE TRIGGER event_log_is_not_truncated BEFORE TRUNCATE ON danbao.event_log
    FOR EACH STATEMENT EXECUTE FUNCTION danbao.refuse_change();

-- The last position of each shard: one row, locked last and for the shortest time.
CREATE TABLE danbao.log_heads (
    shard       smallint    PRIMARY KEY,
    position    bigint      NOT NULL,
    recorded_at timestamptz NOT NULL,
    incarnation uuid        NOT NULL
) WITH (fillfactor = 10);

INSERT INTO danbao.log_heads VALUES (0, 0, 'epoch', gen_random_uuid());

-- A cache of the fold of each stream; version 0 stands for a stream about to begin.
CREATE TABLE danbao.stream_states (
    shard        smallint NOT NULL,
    stream       text     NOT NULL COLLATE "C",
    version      integer  NOT NULL,
    fold_version smallint NOT NULL,
    state        json,
    PRIMARY KEY (shard, stream)
) WITH (fillfactor = 70);

-- What one service may ask about another's streams; null stands for: nothing was shared.
CREATE TABLE danbao.shared_facts (
    shard smallint NOT NULL,
    key   text     NOT NULL COLLATE "C",
    data  json,
    PRIMARY KEY (shard, key)
) WITH (fillfactor = 70);

-- Balances that must not fall below their floor, whatever runs in parallel.
CREATE TABLE danbao.guarded_balances (
    shard         smallint NOT NULL,
    account       text     NOT NULL COLLATE "C",
    currency      text     NOT NULL,
    balance_minor bigint   NOT NULL,
    floor_minor   bigint   NOT NULL DEFAULT 0,
    PRIMARY KEY (shard, account, currency),
    CHECK (balance_minor >= floor_minor)
) WITH (fillfactor = 70);

-- Each command id that was ever answered, with the first body it came with; kept for ever.
CREATE TABLE danbao.inbox (
    message_id     uuid   PRIMARY KEY,
    body_sha256    bytea  NOT NULL,
    service        text   NOT NULL,
    type           text   NOT NULL,
    partition_key  text   NOT NULL,
    actor          text,
    body           text   NOT NULL,
    first_position bigint NOT NULL,
    last_position  bigint NOT NULL
);

-- How far each service has read each partition.  `anchor` is the hash of the record at
-- `anchor_offset`, the last one handled: it shows a topic that was recreated or cut short.
CREATE TABLE danbao.consumer_offsets (
    service       text     NOT NULL,
    topic         text     NOT NULL,
    partition     integer  NOT NULL,
    epoch         bigint   NOT NULL,
    next_offset   bigint   NOT NULL,
    last_sequence bigint   NOT NULL,
    anchor_offset bigint,
    anchor        bytea,
    PRIMARY KEY (service, topic, partition)
) WITH (fillfactor = 50);

-- Deadlines that run; the scheduler sends their commands with id = timer_id.
CREATE TABLE danbao.timers (
    timer_id       uuid        PRIMARY KEY,
    stream         text        NOT NULL,
    due_at         timestamptz NOT NULL,
    type           text        NOT NULL,
    partition_key  text        NOT NULL,
    correlation_id text        NOT NULL,
    data           text        NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX timers_due ON danbao.timers (due_at);

-- Who publishes the log to Kafka, and how far it certainly got.
CREATE TABLE danbao.relays (
    shard              smallint    PRIMARY KEY,
    owner              text        NOT NULL,
    lease_until        timestamptz NOT NULL,
    confirmed_position bigint      NOT NULL
) WITH (fillfactor = 50);
INSERT INTO danbao.relays VALUES (0, '', 'epoch', 0);

-- Records that could not be read or handled, byte for byte, each with its reason.
CREATE TABLE danbao.dead_letters (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    service       text        NOT NULL,
    topic         text        NOT NULL,
    partition     integer     NOT NULL,
    record_offset bigint      NOT NULL,
    partition_key text,
    reason        text        NOT NULL,
    detail        text        NOT NULL,
    key           bytea,
    value         bytea,
    headers       json        NOT NULL,
    received_at   timestamptz NOT NULL,
    UNIQUE (service, topic, partition, record_offset)
);

-- How far each version of each read model has come.
CREATE TABLE danbao.projections (
    name       text    NOT NULL,
    version    integer NOT NULL,
    checkpoint bigint  NOT NULL,
    state      text    NOT NULL CHECK (state IN ('building', 'live', 'retired')),
    PRIMARY KEY (name, version)
) WITH (fillfactor = 50);

-- Signed heads of the Merkle tree over the leaves.
CREATE TABLE danbao.log_checkpoints (
    shard smallint NOT NULL,
    size  bigint   NOT NULL,
    root  bytea    NOT NULL,
    note  text     NOT NULL,
    PRIMARY KEY (shard, size)
);

-- The topics as they were made: partition counts never change afterwards.
CREATE TABLE danbao.topics (
    topic      text    PRIMARY KEY,
    partitions integer NOT NULL
);

-- Every published version of every policy: another view of the log.
CREATE VIEW danbao.policies AS
SELECT
    data ->> 'policy'                        AS policy,
    (data ->> 'version')::integer            AS version,
    (data ->> 'effective_from')::timestamptz AS effective_from,
    data -> 'body'                           AS body,
    position
FROM danbao.event_log
WHERE type LIKE '%.policy\_published.v1';
