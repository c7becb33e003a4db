-- The reserve equation, per currency: what is there equals what is owed.
WITH legs AS (
    SELECT p ->> 'debit' AS account, p ->> 'currency' AS currency, (p ->> 'minor')::bigint AS debit
    FROM danbao.event_log, json_array_elements(postings) AS p
    WHERE postings IS NOT NULL
    UNION ALL
    SELECT p ->> 'credit', p ->> 'currency', -(p ->> 'minor')::bigint
    FROM danbao.event_log, json_array_elements(postings) AS p
    WHERE postings IS NOT NULL
)
SELECT currency,
    sum(debit) FILTER (WHERE account IN ('R.CB', 'R.CHRECV')) AS is_there,
    -sum(debit) FILTER (WHERE account LIKE 'R.%' AND account NOT IN ('R.CB', 'R.CHRECV')) AS is_owed
FROM legs
GROUP BY currency
ORDER BY currency;
