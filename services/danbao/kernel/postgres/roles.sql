-- name: take_on
-- Takes on the first of roles $1 that this login may, else $2; gives its name.
SELECT set_config('role', coalesce((
    SELECT r.rolname
    FROM unnest($1::text[]) WITH ORDINALITY AS wanted (name, place)
    JOIN pg_roles AS r ON r.rolname = wanted.name
    WHERE pg_has_role(session_user, r.oid, CASE WHEN current_setting('server_version_num')::integer >= 160000
        THEN 'SET' ELSE 'MEMBER' END)
    ORDER BY wanted.place LIMIT 1
), $2::text), false);
