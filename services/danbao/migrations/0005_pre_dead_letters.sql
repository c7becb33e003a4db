-- A dead letter is settled once: retried, or discarded by somebody for a reason.  Its bytes stay.

ALTER TABLE danbao.dead_letters
    ADD COLUMN state text NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'requested', 'retried', 'discarded')),
    ADD COLUMN tries integer NOT NULL DEFAULT 0,
    ADD COLUMN requested_at timestamptz,
    ADD COLUMN requested_by text,
    ADD COLUMN settled_at timestamptz,
    ADD COLUMN discarded_by text,
    ADD COLUMN discarded_why text,
    ADD COLUMN topic_lost_at timestamptz,
    ADD CHECK ((state = 'discarded') = (discarded_by IS NOT NULL AND discarded_why IS NOT NULL));

-- A topic that was made anew begins with offset 0 again: only letters of the living topic collide.
ALTER TABLE danbao.dead_letters
    DROP CONSTRAINT dead_letters_service_topic_partition_record_offset_key;
CREATE UNIQUE INDEX dead_letters_place
    ON danbao.dead_letters (service, topic, partition, record_offset)
    WHERE topic_lost_at IS NULL;

-- Workers look for these every second.
CREATE INDEX dead_letters_flows
    ON danbao.dead_letters (service, topic, partition, partition_key, id)
    WHERE topic LIKE '%.events' AND state IN ('waiting', 'requested');
CREATE INDEX dead_letters_requested
    ON danbao.dead_letters (service, topic, partition, id)
    WHERE state = 'requested';
