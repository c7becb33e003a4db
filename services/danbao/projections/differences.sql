-- name: stored
-- What a build had otherwise than the one whose place it took.
SELECT difference FROM danbao.projections WHERE name = $1 AND version = $2 AND build = $3;

-- name: list
-- All builds, how far they are behind the log, and what the last swap changed.
SELECT p.name, p.version, p.build, p.state, p.is_held, p.checkpoint, p.table_name, p.begun_at,
    p.swapped_at, p.difference, greatest(0, h.position - p.checkpoint) AS behind,
    coalesce(pg_total_relation_size(to_regclass(format('danbao_models.%I', p.table_name))), 0)
        AS bytes
FROM danbao.projections AS p, danbao.log_heads AS h
WHERE h.shard = 0
ORDER BY p.name, p.version, p.build;
