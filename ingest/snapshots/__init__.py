"""Totals per origin over time: taken at a run, imported from upstream, or reconstructed."""

from __future__ import annotations

import sqlite3

from ingest import sql
from ingest.clock import QUIET_DAYS
from ingest.merge import Context

_START = """
SELECT min(day) FROM (
    SELECT substr(min(built_at), 1, 10) AS day FROM new_builds
    UNION ALL
    SELECT day FROM recount
    UNION ALL
    SELECT substr(min(b.built_at), 1, 10) FROM explained AS e CROSS JOIN main.builds AS b ON b.id = e.build_id
    UNION ALL
    SELECT coalesce(date(substr(max(captured_at), 1, 10), '+1 day'), '0000') FROM main.snapshots
    WHERE rebuilder_id = :rebuilder_id AND kind <> 'imported' AND captured_at < :today
)
"""

_GAPS = """
SELECT o.id, date(g.day, '+1 day') AS from_day, date(g.next_day, '-1 day') AS until_day
FROM (
    SELECT scope, day, lead(day) OVER (PARTITION BY scope ORDER BY day) AS next_day
    FROM (
        SELECT DISTINCT scope, substr(captured_at, 1, 10) AS day FROM main.snapshots
        WHERE rebuilder_id = :rebuilder_id
    )
) AS g
CROSS JOIN main.origins AS o ON o.label = g.scope
WHERE g.next_day > date(g.day, '+1 day')
"""
"""Days missing between two snapshots of an origin: a run without news leaves them, as it has no
evidence of what went on."""

_EVIDENCE = """
SELECT max(
    coalesce((
        SELECT substr(max(last_seen), 1, 10) FROM main.source_packages
        WHERE rebuilder_id = :rebuilder_id AND generation = :generation
    ), ''),
    coalesce((
        SELECT substr(max(built_at), 1, 10) FROM main.builds
        WHERE rebuilder_id = :rebuilder_id AND generation = :generation AND built_at < :today || 'T24'
    ), '')
)
"""

_FIRST_BUILDS = """
SELECT origin_id, substr(min(built_at), 1, 10) FROM main.builds
WHERE rebuilder_id = :rebuilder_id AND generation = :generation AND built_at IS NOT NULL
GROUP BY origin_id
"""

_NEXT_BUILD = """
SELECT substr(min(built_at), 1, 10) FROM main.builds INDEXED BY builds_built_at
WHERE built_at > date(:day, '-' || :quiet) || 'T24' AND rebuilder_id = :rebuilder_id AND generation = :generation
"""
"""The first build after which the day is still counted, or that comes after it."""

_COVERED = """
WITH RECURSIVE calendar (day) AS (
    SELECT :from_day
    UNION ALL
    SELECT date(day, '+1 day') FROM calendar WHERE day < date(:today, '-1 day')
)
SELECT NOT EXISTS (
    SELECT 1 FROM calendar AS c CROSS JOIN main.origins AS o
    WHERE o.id IN (
        SELECT p.id FROM main.origins AS p CROSS JOIN main.source_packages AS s
            INDEXED BY source_packages_totals
            ON s.origin_id = p.id AND s.is_current IN (0, 1)
                AND s.rebuilder_id = :rebuilder_id AND s.generation = :generation
    ) AND NOT EXISTS (
        SELECT 1 FROM main.snapshots AS x
        WHERE x.rebuilder_id = :rebuilder_id AND x.scope = o.label AND x.kind <> 'reconstructed'
            AND x.captured_at BETWEEN c.day AND c.day || 'T24'
    )
)
"""
"""Whether every origin has a better snapshot of each of these days: so it is with a daily timer."""


def reconstruct(connection: sqlite3.Connection, context: Context) -> int:
    """Compute the days that no run saw, from the builds; returns the snapshots written.

    Starts at the earliest day that a new build or a newly explained failure
    belongs to or that a package's move or return concerns, at the first missing day, or where the last known
    day ended, whichever is first; past days without news cost nothing.
    """
    today = context.now[:10]
    who: sql.Parameters = {
        "rebuilder_id": context.rebuilder_id,
        "generation": context.generation,
        "today": today,
        "quiet": f"{QUIET_DAYS} days",
    }
    (start,) = connection.execute(_START, who).fetchone()
    from_day = min(start, _first_missing_day(connection, who) or start)
    if from_day >= today:
        return 0
    (covered,) = connection.execute(_COVERED, {**who, "from_day": from_day}).fetchone()
    if covered:
        return 0
    span: sql.Parameters = {**who, "now": context.now, "from_day": from_day}
    sql.run(connection, "snapshots/daily_results.sql", span)
    written = sql.run(connection, "snapshots/reconstructed.sql", span)
    sql.run(connection, "snapshots/categories.sql", {**span, "all_kinds": False})
    return sum(written.values())


def count_categories_again(connection: sqlite3.Connection, rebuilder_id: int, generation: int) -> None:
    """Bring the category counts of every snapshot to what the failures say now, after rules changed.

    The latest taken snapshot of an origin counts the packages that are current; for all earlier
    days the builds that were latest then are counted, as the listing of that day is not kept.
    """
    who: sql.Parameters = {"rebuilder_id": rebuilder_id, "generation": generation}
    all_days: sql.Parameters = {**who, "from_day": ""}
    sql.run(connection, "snapshots/daily_results.sql", all_days)
    sql.run(connection, "snapshots/categories.sql", {**all_days, "all_kinds": True})
    sql.run(connection, "snapshots/current_categories.sql", who)


def _first_missing_day(connection: sqlite3.Connection, who: sql.Parameters) -> str | None:
    """The first day between snapshots that can be counted now: there are builds and evidence of it."""
    missing = connection.execute(_GAPS, who).fetchall()
    if not missing:
        return None
    (evidence,) = connection.execute(_EVIDENCE, who).fetchone()
    first_builds = dict(connection.execute(_FIRST_BUILDS, who).fetchall())
    days = (
        (_first_day_to_count(connection, who, max(from_day, first_builds[origin])), until_day)
        for origin, from_day, until_day in missing
        if origin in first_builds
    )
    return min((day for day, until_day in days if day and day <= min(until_day, evidence)), default=None)


def _first_day_to_count(connection: sqlite3.Connection, who: sql.Parameters, day: str) -> str | None:
    """This day, or where it is quiet, that of the next build."""
    (built,) = connection.execute(_NEXT_BUILD, {**who, "day": day}).fetchone()
    return built and max(day, str(built))


def take(connection: sqlite3.Connection, context: Context) -> int:
    """Store the totals of now where they changed or the day has none; returns how many."""
    parameters: sql.Parameters = {
        "rebuilder_id": context.rebuilder_id,
        "generation": context.generation,
        "now": context.now,
        "carries_status": context.carries_status,
    }
    return sql.run(connection, "snapshots/taken.sql", parameters)["snapshots"]


def import_history(connection: sqlite3.Connection, rebuilder_id: int) -> int:
    """Store what the incoming relations hold of upstream's own snapshots; returns how many."""
    parameters = {"rebuilder_id": rebuilder_id}
    return sql.run(connection, "snapshots/imported.sql", parameters).get("snapshots", 0)


def history_read(connection: sqlite3.Connection) -> int:
    """How many usable records the history had that was just imported."""
    (count,) = connection.execute(
        "SELECT (SELECT count(*) FROM new_snapshots)"
        " + (SELECT count(*) FROM new_categories WHERE problem IS NULL)"
    ).fetchone()
    return int(count)
