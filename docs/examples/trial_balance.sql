-- Debits and credits of every account, from raw postings alone.
WITH legs AS (
    SELECT p ->> 'debit' AS account, p ->> 'currency' AS currency,
        (p ->> 'minor')::bigint AS debit, 0 AS credit
    FROM danbao.event_log, json_array_elements(postings) AS p
    WHERE postings IS NOT NULL
    UNION ALL
    SELECT p ->> 'credit', p ->> 'currency', 0, (p ->> 'minor')::bigint
    FROM danbao.event_log, json_array_elements(postings) AS p
    WHERE postings IS NOT NULL
)
SELECT left(account, 1) AS book, coalesce(account, 'total') AS account, currency,
    sum(debit) AS debit, sum(credit) AS credit,
    sum(debit) - sum(credit) AS balance
FROM legs
GROUP BY GROUPING SETS ((left(account, 1), account, currency), (left(account, 1), currency))
ORDER BY currency, book, legs.account NULLS LAST;
