-- name: journal
-- Each posting of each event, one line, as danbao_read.journal has them.
CREATE VIEW journal AS
SELECT position, row_number() OVER (PARTITION BY position) AS entry, recorded_at,
    left(p.debit, 1) AS book, p.debit, p.credit, p.minor AS amount_minor, p.currency,
    stream, type, partition_key, day
FROM (
    SELECT *, unnest(from_json(postings,
        '[{"debit":"VARCHAR","credit":"VARCHAR","minor":"BIGINT","currency":"VARCHAR"}]')) AS p
    FROM events
    WHERE postings IS NOT NULL
);
