-- name: columns
-- The columns of a table or view, in their order, each with its type.
SELECT attname AS name, format_type(atttypid, atttypmod) AS type
FROM pg_attribute
WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped
ORDER BY attnum;

-- name: view
-- The statement that lets danbao_read.$1 show table $2 with columns $3.
SELECT format('CREATE OR REPLACE VIEW danbao_read.%I AS SELECT %s FROM %s', $1::text,
    (SELECT string_agg(quote_ident(name), ', ' ORDER BY place)
     FROM unnest($3::text[]) WITH ORDINALITY AS c (name, place)), $2::text);

-- name: grants
-- The statements that give a view's rights again, on itself and on columns that stay.
SELECT format('GRANT %s ON danbao_read.%I TO %s%s', privilege_type, c.relname,
    CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE grantee::regrole::text END,
    CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM pg_class AS c, aclexplode(c.relacl)
WHERE c.oid = to_regclass('danbao_read.' || quote_ident($1)) AND grantee <> c.relowner
UNION ALL
SELECT format('GRANT %s (%I) ON danbao_read.%I TO %s%s', privilege_type, a.attname, c.relname,
    CASE WHEN grantee = 0 THEN 'PUBLIC' ELSE grantee::regrole::text END,
    CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM pg_class AS c, pg_attribute AS a, aclexplode(a.attacl)
WHERE c.oid = to_regclass('danbao_read.' || quote_ident($1)) AND a.attrelid = c.oid
    AND a.attname = ANY ($2::text[]) AND grantee <> c.relowner;

-- name: drop_view
SELECT format('DROP VIEW danbao_read.%I', $1::text);

-- name: retire
-- The live build steps back; it stays until somebody drops it.
UPDATE danbao.projections SET state = 'retired' WHERE name = $1 AND state = 'live';

-- name: promote
-- A build is live from now on.
UPDATE danbao.projections
SET state = 'live', is_held = false, difference = $4::text::json, swapped_at = clock_timestamp()
WHERE name = $1 AND version = $2 AND build = $3;
