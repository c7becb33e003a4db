-- name: known
-- All builds.
SELECT name, version, build, checkpoint, state, is_held FROM danbao.projections
ORDER BY name, version, build;

-- name: lock_live
-- Whoever holds these rows is the one that projects.
SELECT name, version, build, checkpoint, state, is_held,
    (SELECT position FROM danbao.log_heads WHERE shard = 0) AS head,
    EXISTS (SELECT FROM danbao.projections WHERE state = 'building') AS has_builds
FROM danbao.projections WHERE state = 'live' ORDER BY name FOR UPDATE;

-- name: lock
-- Some builds, in the one order in which they are locked: live before building.
SELECT name, version, build, checkpoint, state, is_held FROM danbao.projections
WHERE (name, version, build) IN (SELECT * FROM unnest($1::text[], $2::int[], $3::int[]))
ORDER BY state DESC, name FOR UPDATE;

-- name: lock_caught_up
-- Builds beside live ones that stand where those stand, unless a builder holds them.
SELECT name, version, build, checkpoint, state, is_held FROM danbao.projections
WHERE state = 'building' AND name = ANY ($1::text[]) AND checkpoint = $2
ORDER BY name FOR UPDATE SKIP LOCKED;

-- name: move
-- How far builds have come.
UPDATE danbao.projections SET checkpoint = $1
WHERE (name, version, build) IN (SELECT * FROM unnest($2::text[], $3::int[], $4::int[]));

-- name: next_number
-- The number of the next build of a version.
SELECT coalesce(max(build), 0) + 1 FROM danbao.projections WHERE name = $1 AND version = $2;

-- name: begin
-- A build starts at the first event.
INSERT INTO danbao.projections (name, version, build, checkpoint, state, is_held)
VALUES ($1, $2, $3, 0, $4, $5);

-- name: hold
-- Whether it is swapped in as soon as it has caught up.
UPDATE danbao.projections SET is_held = $4
WHERE name = $1 AND version = $2 AND build = $3 AND state = 'building';

-- name: forget
-- A build goes; gives the statement that takes its table away.
DELETE FROM danbao.projections
WHERE name = $1 AND version = $2 AND build = $3 AND state <> 'live'
RETURNING format('DROP TABLE danbao_models.%I', table_name) AS drop_table;
