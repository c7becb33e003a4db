-- name: live_versions
SELECT name, version FROM danbao.projections WHERE state = 'live';

-- name: begin
-- A new version starts at the first event.
INSERT INTO danbao.projections (name, version, checkpoint, state) VALUES ($1, $2, 0, 'live');

-- name: retire
UPDATE danbao.projections SET state = 'retired' WHERE name = $1 AND version = $2;

-- name: lock_checkpoints
-- Whoever holds these rows is the one that projects.
SELECT name, checkpoint FROM danbao.projections WHERE state = 'live' ORDER BY name FOR UPDATE;

-- name: advance
UPDATE danbao.projections SET checkpoint = $2 WHERE name = ANY ($1::text[]) AND state = 'live';
