-- What a change of status is called, and where a package stands that failed for a reason: each said once, here.
ALTER TABLE status_changes ADD COLUMN change TEXT GENERATED ALWAYS AS (
    CASE
        WHEN from_status = 'GOOD' AND to_status IN ('BAD', 'FAIL') THEN 'regression'
        WHEN from_status IN ('BAD', 'FAIL') AND to_status = 'GOOD' THEN 'fix'
        WHEN from_status = 'UNKWN' THEN 'first result'
        ELSE 'other'
    END
) VIRTUAL;
ALTER TABLE categories ADD COLUMN state TEXT GENERATED ALWAYS AS (
    CASE class
        WHEN 'unreproducible' THEN 'unreproducible'
        WHEN 'build' THEN 'did-not-build'
        WHEN 'infrastructure' THEN 'failed-by-infrastructure'
        WHEN 'archive' THEN 'failed-by-archive'
    END
) VIRTUAL;
