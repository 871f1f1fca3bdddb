"""Lists that are empty: what a rebuilder does not tell for a moment is no news, an origin may be renamed."""

from __future__ import annotations

import sqlite3

from ingest.rebuilders import Rebuilder

RENAMED_SHARE = 0.5
"""Of an origin's package names, how many a new origin has to share to be its new name."""

_KNOWN_BUT_UNLISTED = """
SELECT EXISTS (
    SELECT 1 FROM main.{0}s WHERE rebuilder_id = :rebuilder_id AND generation = :generation AND is_current
)
    AND NOT EXISTS (SELECT 1 FROM incoming_{0}s)
    AND NOT EXISTS (SELECT 1 FROM skipped WHERE relation = replace('{0}', '_', ' '))
"""

_NAME_KNOWN_BUILDS = """
SELECT EXISTS (SELECT 1 FROM incoming_source_packages WHERE latest_build BETWEEN 1 AND :highest)
    OR EXISTS (SELECT 1 FROM incoming_binary_packages WHERE latest_build BETWEEN 1 AND :highest)
"""

_EMPTIED = """
WITH leaving AS (
    SELECT m.id, m.origin_id FROM changed_sources AS c
    CROSS JOIN main.source_packages AS m ON m.id = c.id
    WHERE m.is_current AND (NOT c.seen OR m.origin_id <> c.origin_id)
    UNION SELECT id, origin_id FROM vanished_sources
),
emptied_origins AS (
    SELECT origin_id, count(*) AS packages FROM leaving
    WHERE origin_id NOT IN (
        SELECT c.origin_id FROM changed_sources AS c
        LEFT JOIN main.source_packages AS m ON m.id = c.id
        WHERE c.seen AND (m.id IS NULL OR NOT m.is_current OR m.origin_id <> c.origin_id)
    )
    GROUP BY origin_id
)
SELECT origin_id FROM emptied_origins AS e
WHERE packages = (
    SELECT count(*) FROM main.source_packages AS s
    WHERE s.origin_id = e.origin_id AND s.is_current = 1
        AND s.rebuilder_id = :rebuilder_id AND s.generation = :generation
)
"""

_MOVED_TO = """
SELECT new.label
FROM changed_sources AS c
CROSS JOIN main.source_packages AS m ON m.id = c.id
CROSS JOIN main.origins AS new ON new.id = c.origin_id
WHERE m.origin_id = :origin_id AND m.is_current AND c.seen AND c.origin_id <> :origin_id
GROUP BY new.id
HAVING count(*) >= :share * (
    SELECT count(*) FROM main.source_packages AS s
    WHERE s.origin_id = :origin_id AND s.is_current
        AND s.rebuilder_id = :rebuilder_id AND s.generation = :generation
)
ORDER BY count(*) DESC
"""

_NEW_NAME = """
SELECT new.label
FROM main.origins AS old
JOIN main.origins AS new
    ON new.distribution = old.distribution AND new.architecture = old.architecture AND new.id <> old.id
WHERE old.id = :origin_id
    AND NOT EXISTS (
        SELECT 1 FROM main.source_packages AS s
        WHERE s.origin_id = new.id AND s.is_current
            AND s.rebuilder_id = :rebuilder_id AND s.generation = :generation
    )
    AND (
        SELECT count(DISTINCT c.name) FROM changed_sources AS c
        WHERE c.origin_id = new.id AND c.seen AND EXISTS (
            SELECT 1 FROM main.source_packages AS s INDEXED BY source_packages_identity
            WHERE s.name = c.name AND s.origin_id = old.id AND s.is_current
                AND s.rebuilder_id = :rebuilder_id AND s.generation = :generation
        )
    ) >= :share * (
        SELECT count(DISTINCT s.name) FROM main.source_packages AS s
        WHERE s.origin_id = old.id AND s.is_current
            AND s.rebuilder_id = :rebuilder_id AND s.generation = :generation
    )
"""


def of_all(connection: sqlite3.Connection, rebuilder: Rebuilder, lists_builds: bool) -> str | None:
    """A note where what was read cannot be all that the rebuilder has, so that nothing of it is taken over.

    That is so where it lists no package though some were current, or no build (``lists_builds``) though
    its packages name builds that we may know. Builds with higher ids came while it was read.
    """
    who = {
        "rebuilder_id": rebuilder.id,
        "generation": rebuilder.generation,
        "highest": rebuilder.highest_build,
    }
    missing = [
        f"{kind} packages"
        for kind in ("source", "binary")
        if connection.execute(_KNOWN_BUT_UNLISTED.format(f"{kind}_package"), who).fetchone()[0]
    ]
    if not lists_builds and connection.execute(_NAME_KNOWN_BUILDS, who).fetchone()[0]:
        missing.append("builds")
    return f"sync gap: no {' and no '.join(missing)} listed, last known state kept" if missing else None


def settle(connection: sqlite3.Connection, rebuilder_id: int, generation: int) -> list[str]:
    """Decide what becomes of origins that this run would empty.

    One whose packages moved to another origin, or turned up in a new one, was
    renamed: its packages are not current any more. Else it is a sync gap: the last known state is kept
    (its id goes to the temporary table ``gap_origins``). Returns notes.
    """
    who = {"rebuilder_id": rebuilder_id, "generation": generation, "share": RENAMED_SHARE}
    notes = []
    for (origin_id,) in connection.execute(_EMPTIED, who).fetchall():
        parameters = {"origin_id": origin_id, **who}
        (label,) = connection.execute("SELECT label FROM main.origins WHERE id = ?", (origin_id,)).fetchone()
        new_name = (
            connection.execute(_MOVED_TO, parameters).fetchone()
            or connection.execute(_NEW_NAME, parameters).fetchone()
        )
        if new_name:
            notes.append(f"{label} was renamed to {new_name[0]}")
        else:
            notes.append(f"sync gap: no packages listed for {label}, last known state kept")
            _keep(connection, origin_id)
    return notes


def _keep(connection: sqlite3.Connection, origin_id: int) -> None:
    connection.execute("INSERT INTO gap_origins VALUES (?)", (origin_id,))
    connection.execute("DELETE FROM vanished_sources WHERE origin_id = ?", (origin_id,))
    connection.execute(
        "UPDATE changed_sources SET seen = 1 WHERE id IN "
        "(SELECT id FROM main.source_packages WHERE origin_id = ? AND is_current)",
        (origin_id,),
    )
