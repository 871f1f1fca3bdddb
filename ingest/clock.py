"""Whether a run's clock can be right, by what earlier runs and the source's builds say.

Nothing is refused for a wrong clock, and nothing is deleted: a run with a right one puts everything in its place.
"""

from __future__ import annotations

import sqlite3
from datetime import timedelta

from ingest.statistics.periods import parse

BEHIND = timedelta(hours=1)
"""By less than that, clocks of several machines, or one that was set, may differ without a word."""
FAR_AHEAD = timedelta(days=31)
QUIET_DAYS = 92
"""For so long after something was dated days are counted. What comes later than that is another stretch of time:
one build, or one run, of a wrong clock is no reason for decades of days."""

_EARLIER_RUN = """
SELECT finished_at FROM main.ingest_runs
WHERE finished_at IS NOT NULL AND error IS NULL AND (rebuilder = :name OR NOT EXISTS (
    SELECT 1 FROM main.ingest_runs AS own
    WHERE own.rebuilder = :name AND own.finished_at IS NOT NULL AND own.error IS NULL
))
ORDER BY id DESC LIMIT 1
"""
_NEWEST_BUILD = """
SELECT built_at FROM main.builds
WHERE rebuilder_id = ? AND generation = ? AND built_at IS NOT NULL
ORDER BY upstream_id DESC LIMIT 1
"""
"""By its number: one build of a wrong clock is soon not the newest any more."""


def jump(connection: sqlite3.Connection, name: str, now: str) -> str | None:
    """A sentence where the clock went back since the rebuilder's run before (else the run before), or far ahead."""
    row = connection.execute(_EARLIER_RUN, {"name": name}).fetchone()
    if row is None:
        return None
    passed = parse(now) - parse(row[0])
    if passed < -BEHIND:
        return (
            f"the clock says {now}, but an earlier run ended at {row[0]}; one of them was wrong, and what is"
            " dated after the newest run is left out of trends"
        )
    if passed > FAR_AHEAD:
        return f"the clock says {now}, {passed.days:,} days after the run before; if that is wrong, set the clock"
    return None


def behind_builds(connection: sqlite3.Connection, rebuilder_id: int, generation: int, now: str) -> str | None:
    """A sentence where the rebuilder's newest build is of a time that the clock has not come to."""
    row = connection.execute(_NEWEST_BUILD, (rebuilder_id, generation)).fetchone()
    if row is None or parse(row[0]) - parse(now) <= BEHIND:
        return None
    return (
        f"the clock says {now}, but the newest build is of {row[0]}; either this machine's clock is wrong or"
        " that of the machine that built"
    )
