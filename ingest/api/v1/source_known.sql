-- Whether a source package is listed now, in any version or in one.
SELECT EXISTS (
    SELECT 1 FROM source_packages AS p
    WHERE p.is_current = 1 AND p.name = :source AND {any}
        AND p.version = :source_version -- if source_version
)
