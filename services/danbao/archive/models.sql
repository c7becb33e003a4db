-- name: models
-- Each read model that has a table: its columns with their types, and the statement that reads the
-- next rows behind a key, in its order; $1 is the last key, null at first.  The key is that of the
-- live build's table, which the view shows.
WITH keys AS (
    SELECT i.indrelid AS model, array_agg(a.attname ORDER BY k.place) AS names
    FROM pg_index AS i, unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (number, place),
        pg_attribute AS a
    WHERE i.indisprimary AND a.attrelid = i.indrelid AND a.attnum = k.number
    GROUP BY i.indrelid
), columns AS (
    SELECT attrelid AS model, array_agg(attname ORDER BY attnum) AS names,
        array_agg(format_type(atttypid, NULL) ORDER BY attnum) AS types
    FROM pg_attribute
    WHERE attnum > 0 AND NOT attisdropped
    GROUP BY attrelid
)
SELECT c.relname AS model, columns.names, columns.types, keys.names AS key,
    format(
        'SELECT %s FROM danbao_read.%I WHERE $1::text[] IS NULL OR (%s) > (%s) ORDER BY %s LIMIT %s',
        (SELECT string_agg(quote_ident(n), ', ' ORDER BY p)
         FROM unnest(columns.names) WITH ORDINALITY AS t (n, p)),
        c.relname,
        (SELECT string_agg(quote_ident(n), ', ' ORDER BY p)
         FROM unnest(keys.names) WITH ORDINALITY AS t (n, p)),
        (SELECT string_agg(format('($1::text[])[%s]', p), ', ' ORDER BY p)
         FROM unnest(keys.names) WITH ORDINALITY AS t (n, p)),
        (SELECT string_agg(quote_ident(n), ', ' ORDER BY p)
         FROM unnest(keys.names) WITH ORDINALITY AS t (n, p)),
        $1::bigint
    ) AS statement
FROM danbao.projections AS p
JOIN pg_class AS c ON c.oid = to_regclass(format('danbao_read.%I', p.name))
JOIN columns ON columns.model = c.oid
JOIN keys ON keys.model = to_regclass(format('danbao_models.%I', p.table_name))
WHERE p.state = 'live'
ORDER BY c.relname;
