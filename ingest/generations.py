"""Notices that a rebuilder's ids restarted: its database was made anew."""

from __future__ import annotations

import sqlite3

_SAMPLE = 100
"""Of the builds we know, how many of the newest and of the oldest are compared."""

_COMPARE = """
SELECT
    coalesce(sum(same), 0),
    coalesce(sum(NOT same), 0),
    (SELECT coalesce(max(upstream_id), 0) FROM incoming_builds)
FROM (
    SELECT (i.name, i.version, iso_time(CAST(i.built_at AS BLOB)))
        IS (s.name, s.version, b.built_at) AS same
    FROM (
        SELECT * FROM (
            SELECT * FROM main.builds WHERE rebuilder_id = :rebuilder_id AND generation = :generation
            ORDER BY upstream_id DESC LIMIT :sample
        )
        UNION
        SELECT * FROM (
            SELECT * FROM main.builds WHERE rebuilder_id = :rebuilder_id AND generation = :generation
            ORDER BY upstream_id LIMIT :sample
        )
    ) AS b
    CROSS JOIN main.source_packages AS s ON s.id = b.source_package_id
    CROSS JOIN incoming_builds AS i ON i.upstream_id = b.upstream_id
)
"""

_COMPARE_SOURCES = """
SELECT coalesce(sum(same), 0), coalesce(sum(NOT same), 0)
FROM (
    SELECT
        (i.name, i.version) IS (s.name, s.version)
        AND NOT (:no_builds AND s.latest_build_id IS NOT NULL AND i.latest_build IS NULL) AS same
    FROM (
        SELECT * FROM main.source_packages
        WHERE rebuilder_id = :rebuilder_id AND generation = :generation AND upstream_source_id IS NOT NULL
        ORDER BY upstream_source_id DESC LIMIT :sample
    ) AS s
    CROSS JOIN incoming_source_packages AS i ON i.upstream_source_id = s.upstream_source_id
)
"""


def restarted(connection: sqlite3.Connection, rebuilder_id: int, generation: int, highest: int) -> bool:
    """Whether the builds we know by their upstream ids are other builds now.

    So it is where as many of them differ as agree, or more, or where others are listed
    that all come before ``highest``, the highest that we know. Without builds to compare,
    the ids of source packages tell: more of them have to differ than agree. Where no build
    is listed at all, a package that lost its builds differs too; that nothing is listed is
    no evidence by itself.
    """
    parameters = {"rebuilder_id": rebuilder_id, "generation": generation, "sample": _SAMPLE}
    same, different, upstream_highest = connection.execute(_COMPARE, parameters).fetchone()
    if same or different or 0 < upstream_highest < highest:
        return bool(different >= same)
    no_builds = upstream_highest < highest
    same, different = connection.execute(_COMPARE_SOURCES, {**parameters, "no_builds": no_builds}).fetchone()
    return bool(different > same)
