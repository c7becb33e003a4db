-- name: statements
-- How read model $1, live in version $4, is read, columns $2 with key $3: `slice` behind a key,
-- `rows` by keys; each with the checkpoint in the same snapshot, null if it was swapped meanwhile.
WITH key AS (
    SELECT string_agg(quote_ident(name), ', ' ORDER BY p) AS list,
        string_agg(format('($1::text[])[%s]', p), ', ' ORDER BY p) AS after,
        string_agg(format('$%s::text[]', p), ', ' ORDER BY p) AS arrays
    FROM unnest($3::text[]) WITH ORDINALITY AS k (name, p)
), columns AS (
    SELECT string_agg(quote_ident(name), ', ' ORDER BY p) AS list
    FROM unnest($2::text[]) WITH ORDINALITY AS c (name, p)
), checkpoint AS (
    SELECT format('(SELECT checkpoint FROM danbao.projections
        WHERE name = %L AND version = %s AND state = ''live'') AS checkpoint',
        $1::text, $4::integer) AS column
)
SELECT
    format('SELECT %s, %s FROM danbao_read.%I WHERE $1::text[] IS NULL OR (%s) > (%s) ORDER BY %s LIMIT $2',
        checkpoint.column, columns.list, $1::text, key.list, key.after, key.list) AS slice,
    format('SELECT %s, %s FROM unnest(%s) AS wanted (%s) LEFT JOIN (SELECT %s, true AS is_there '
        'FROM danbao_read.%I) AS found USING (%s) WHERE is_there',
        checkpoint.column, columns.list, key.arrays, key.list, columns.list, $1::text, key.list)
        AS rows
FROM key, columns, checkpoint;
