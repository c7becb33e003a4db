-- name: statements
-- How two tables are compared, slice by slice: $1 the old one, $2 the new one.  `bound` gives the
-- last key of the next slice of $2 keys behind $1; `slice` compares what lies between two keys.
-- Columns that both have, of one type, are compared; null: their keys are not the same columns.
WITH columns AS (
    SELECT attrelid = to_regclass($1) AS is_old, attname AS name, attnum AS place,
        row(atttypid, atttypmod, attcollation)::text AS kind
    FROM pg_attribute
    WHERE attrelid IN (to_regclass($1), to_regclass($2)) AND attnum > 0 AND NOT attisdropped
), keys AS (
    SELECT a.attrelid = to_regclass($1) AS is_old, array_agg(a.attname ORDER BY k.place) AS names
    FROM pg_index AS i, unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (number, place),
        pg_attribute AS a
    WHERE i.indisprimary AND i.indrelid IN (to_regclass($1), to_regclass($2))
        AND a.attrelid = i.indrelid AND a.attnum = k.number
    GROUP BY 1
), shared AS (
    SELECT o.name, o.place FROM columns AS o JOIN columns AS n USING (name, kind)
    WHERE o.is_old AND NOT n.is_old
), key AS (
    SELECT o.names,
        string_agg(quote_ident(name), ', ' ORDER BY p) AS list,
        string_agg(format('($1::text[])[%s]', p), ', ' ORDER BY p) AS after,
        string_agg(format('($2::text[])[%s]', p), ', ' ORDER BY p) AS upto,
        string_agg(format('coalesce(o.%1$I, n.%1$I)', name), ', ' ORDER BY p) AS either,
        format('n.%I IS NULL', min(name)) AS is_lost, format('o.%I IS NULL', min(name)) AS is_new
    FROM keys AS o JOIN keys AS n USING (names), unnest(o.names) WITH ORDINALITY AS k (name, p)
    WHERE o.is_old AND NOT n.is_old
        AND o.names <@ (SELECT array_agg(name) FROM shared)
    GROUP BY o.names
), rest AS (
    SELECT
        coalesce(array_agg(name ORDER BY place), '{}') AS names,
        coalesce(string_agg(
            format('o.%1$I IS DISTINCT FROM n.%1$I', name), ' OR ' ORDER BY place), 'false') AS test,
        coalesce(string_agg(
            format('%1$L, count(*) FILTER (WHERE is_changed AND o.%2$I IS DISTINCT FROM n.%2$I)',
                name, name), ', ' ORDER BY place), '') AS counts
    FROM shared WHERE name <> ALL ((SELECT names FROM key)::name[])
)
SELECT
    format($text$
        SELECT ARRAY[%1$s]::text[] FROM (
            (SELECT %1$s FROM %2$s WHERE $1::text[] IS NULL OR (%1$s) > (%4$s)
             ORDER BY %1$s LIMIT $2)
            UNION
            (SELECT %1$s FROM %3$s WHERE $1::text[] IS NULL OR (%1$s) > (%4$s)
             ORDER BY %1$s LIMIT $2)
        ) AS next ORDER BY %1$s OFFSET $2 - 1 LIMIT 1
    $text$, key.list, $1, $2, key.after) AS bound,
    format($text$
        WITH o AS (
            SELECT * FROM %2$s WHERE ($1::text[] IS NULL OR (%1$s) > (%4$s))
                AND ($2::text[] IS NULL OR (%1$s) <= (%5$s))
        ), n AS (
            SELECT * FROM %3$s WHERE ($1::text[] IS NULL OR (%1$s) > (%4$s))
                AND ($2::text[] IS NULL OR (%1$s) <= (%5$s))
        )
        SELECT count(*) AS rows, count(*) FILTER (WHERE %6$s) AS only_old,
            count(*) FILTER (WHERE %7$s) AS only_new, count(*) FILTER (WHERE is_changed) AS changed,
            json_build_object(%8$s)::text AS columns,
            (array_agg(json_build_object(
                'key', json_build_array(%9$s), 'old', to_json(o), 'new', to_json(n))::text)
             FILTER (WHERE %6$s OR %7$s OR is_changed))[1:5] AS examples
        FROM o FULL JOIN n USING (%1$s),
            LATERAL (SELECT NOT (%6$s OR %7$s) AND (%10$s) AS is_changed) AS test
    $text$, key.list, $1, $2, key.after, key.upto, key.is_lost, key.is_new, rest.counts,
        key.either, rest.test) AS slice,
    rest.names AS compared,
    (SELECT coalesce(array_agg(DISTINCT name ORDER BY name), '{}') FROM columns
     WHERE name NOT IN (SELECT name FROM shared)) AS left_out
FROM key, rest;
