UPDATE main.failures AS f SET
    category_id = c.id, evidence = e.evidence, evidence_from = e.evidence_from, rule_set = e.rule_set,
    log_bytes = e.log_bytes, diffoscope_bytes = e.diffoscope_bytes
FROM explained AS e
CROSS JOIN main.categories AS c ON c.key = e.category
WHERE f.build_id = e.build_id AND coalesce(f.build_artifact_id, 0) = e.build_artifact_id
    AND (f.category_id, f.evidence, f.evidence_from, f.rule_set, f.log_bytes, f.diffoscope_bytes)
        IS NOT (c.id, e.evidence, e.evidence_from, e.rule_set, e.log_bytes, e.diffoscope_bytes);
