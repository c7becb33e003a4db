-- name: look
-- Is the schema there, is it one of ours, and is something else in it?
SELECT to_regnamespace(quote_ident($1)) IS NOT NULL AS is_there,
    to_regclass(format('%I.danbao_replay', $1::text)) IS NOT NULL AS is_ours,
    EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident($1))) AS is_used;

-- name: make
-- The schema, and the table that says how far each read model in it has come.
SELECT format('CREATE SCHEMA IF NOT EXISTS %1$I; CREATE TABLE %1$I.danbao_replay (
    name text PRIMARY KEY, version integer NOT NULL, checkpoint bigint NOT NULL,
    incarnation uuid NOT NULL)', $1::text);

-- name: known
SELECT format('SELECT name, version, checkpoint, incarnation FROM %I.danbao_replay
    ORDER BY name FOR UPDATE', $1::text);

-- name: begin
SELECT format('INSERT INTO %I.danbao_replay VALUES ($1, $2, 0, $3)', $1::text);

-- name: move
SELECT format('UPDATE %I.danbao_replay SET checkpoint = $1 WHERE name = ANY ($2::text[])', $1::text);

-- name: quoted
SELECT format('%I.%I', $1::text, $2::text);

-- name: views
-- The read models that are only views of log and inbox, up to position $2.
SELECT format('CREATE OR REPLACE VIEW %1$I.journal AS
        SELECT * FROM danbao_read.journal WHERE position <= %2$s;
    CREATE OR REPLACE VIEW %1$I.command_outcomes AS
        SELECT * FROM danbao_read.command_outcomes WHERE last_position <= %2$s',
    $1::text, $2::bigint);

-- name: incarnation
SELECT incarnation FROM danbao.log_heads WHERE shard = 0;
