INSERT INTO main.failures (
    rebuilder_id, origin_id, source_package_id, build_id, build_artifact_id, is_current, category_id,
    evidence, evidence_from, rule_set, log_bytes, diffoscope_bytes, log_upstream_id,
    diffoscope_upstream_id
)
SELECT
    :rebuilder_id, u.origin_id, u.source_package_id, u.build_id, u.build_artifact_id, u.is_current, c.id,
    e.evidence, e.evidence_from, e.rule_set, e.log_bytes, e.diffoscope_bytes,
    coalesce(e.log_id, u.log_id), coalesce(e.diffoscope_id, u.diffoscope_id)
FROM unexplained AS u
LEFT JOIN explained AS e
    ON e.build_id = u.build_id AND e.build_artifact_id = coalesce(u.build_artifact_id, 0)
CROSS JOIN main.categories AS c ON c.key = coalesce(e.category, 'log-not-available')
WHERE true
ORDER BY u.build_id, u.build_artifact_id
ON CONFLICT (build_id, coalesce(build_artifact_id, 0)) DO UPDATE SET
    category_id = excluded.category_id, evidence = excluded.evidence,
    evidence_from = excluded.evidence_from, rule_set = excluded.rule_set,
    log_bytes = excluded.log_bytes, diffoscope_bytes = excluded.diffoscope_bytes,
    log_upstream_id = excluded.log_upstream_id,
    diffoscope_upstream_id = excluded.diffoscope_upstream_id
WHERE excluded.rule_set IS NOT NULL;
