-- One answer on each binary package, however many releases and rebuilders have it, and where it stands.
SELECT
    a.distribution,
    a.architecture,
    a.binary,
    a.version,
    s.component,
    s.state,
    s.category,
    s.class,
    s.source,
    s.source_version,
    s.built_at,
    a.rebuilders,
    a.good,
    a.bad,
    a.fail,
    a.unknown,
    s.rebuilder,
    s.category_key,
    s.failure_id,
    s.build_id,
    s.binary_package_id,
    s.source_package_id
FROM agreement AS a
JOIN binary_states AS s ON s.binary_package_id = a.binary_package_id
