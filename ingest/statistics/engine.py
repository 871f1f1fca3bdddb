"""Keeps all statistics up to date, each in a savepoint of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ingest import plugins
from ingest.clock import QUIET_DAYS
from ingest.errors import StatisticError
from ingest.logs import LogStore
from ingest.statistics import catalogue, log_properties
from ingest.statistics.catalogue import Installed, State
from ingest.statistics.computing import compute
from ingest.statistics.definition import DAY, NOW, Statistic
from ingest.statistics.periods import Span, floor, limit, parse, to_compute, within, written

_IS_DUE = """
SELECT min(is_installed) IS NULL OR min(coalesce(due_at, '')) <= :now OR max(computed_at) > :now
    OR min(seen_change) < (SELECT max(change) FROM main.changed_days), max(computed_at)
FROM main.statistics WHERE is_installed AND NOT is_recorded
"""

_STRETCHES = """
SELECT min(day), max(day) FROM (
    SELECT day, sum(begins) OVER (ORDER BY day) AS stretch FROM (
        SELECT day, julianday(day) - julianday(lag(day, 1, day) OVER (ORDER BY day)) > :quiet AS begins FROM (
            SELECT day FROM main.changed_days WHERE day < :today UNION ALL SELECT :today
        )
    )
)
GROUP BY stretch
"""
"""Times in which something happened, without long times of nothing between them; the last one is that of now."""


@dataclass(slots=True)
class Report:
    """``written``: measurements that each computed statistic got or lost. ``problems``: a sentence each."""

    written: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def update(
    connection: sqlite3.Connection,
    now: datetime,
    logs: LogStore,
    *,
    plugins_dir: Path | None = None,
    changed: bool = True,
    name: str | None = None,
    finds_all: bool = True,
) -> Report:
    """Compute what is missing, incomplete or overtaken by news, of all statistics or of one.

    To be called in a transaction. ``changed`` says whether anything may have changed since the
    last time; if not, only what has become due is looked at. Without ``finds_all`` there may be
    plugins elsewhere: what is not found is still installed, and stays due. What goes wrong with a statistic is
    in the report, and in its row until it went well. Raises StatisticError where there is none of
    that name.
    """
    report = Report()
    if not changed and not _has_work(connection, now, plugins_dir):
        return report
    statistics, report.problems = catalogue.installed(plugins.load(plugins_dir))
    if finds_all:
        catalogue.mark_removed(connection, [each.statistic.name for each in statistics])
    if name is not None and name not in {each.statistic.name for each in statistics}:
        raise StatisticError(
            f"statistic {name}: no plugin brings it; see “statistics list”, or name its --plugins-dir."
        )
    (last_change,) = connection.execute("SELECT coalesce(max(change), 0) FROM main.changed_days").fetchone()
    for each in statistics:
        if name in (None, each.statistic.name):
            _update_one(connection, each, now, logs, last_change, changed, report)
    return report


def _has_work(connection: sqlite3.Connection, now: datetime, plugins_dir: Path | None) -> bool:
    """Whether something is due, or the folder of plugins is another than when statistics were computed last."""
    is_due, last = connection.execute(_IS_DUE, {"now": written(now)}).fetchone()
    if is_due or plugins_dir is None:
        return bool(is_due)
    files = (plugins_dir, *plugins_dir.glob("*.py"))
    return max(path.stat().st_mtime for path in files) > parse(last).timestamp()


def _is_due(state: State, now: datetime, last_change: int) -> bool:
    return (
        (state.due_at or "") <= written(now)
        or state.seen_change != last_change
        or not _is_past(state.computed_at, now)
    )


def _is_past(computed_at: str | None, now: datetime) -> bool:
    """Whether something was computed before; at a time to come it was by a clock that was ahead."""
    return computed_at is not None and computed_at <= written(now)


def _update_one(
    connection: sqlite3.Connection,
    each: Installed,
    now: datetime,
    logs: LogStore,
    last_change: int,
    changed: bool,
    report: Report,
) -> None:
    statistic = each.statistic
    try:
        with _savepoint(connection):
            state = catalogue.publish(connection, each)
        if statistic.is_recorded or not (changed or _is_due(state, now, last_change)):
            return
        with _savepoint(connection):
            count = _compute(connection, statistic, state, now, logs)
            due = floor(now, statistic.interval) + statistic.interval if statistic.interval else now
            catalogue.done(connection, state.id, now, due, last_change)
    except plugins.FAILURES as error:
        # SQLite gives up the whole transaction where the disk is full: then nothing goes on.
        if not connection.in_transaction:
            raise
        message = catalogue.said(error)
        catalogue.failed(connection, statistic.name, now, message)
        report.problems.append(
            message if isinstance(error, StatisticError) else f"statistic {statistic.name}: {message}"
        )
    else:
        report.written[statistic.name] = count


def _compute(
    connection: sqlite3.Connection, statistic: Statistic, state: State, now: datetime, logs: LogStore
) -> int:
    changed = 0
    for span in _spans(connection, statistic, state, now):
        log_properties.read(connection, logs, statistic.log_properties, span, again=state.computed_at is None)
        changed += compute(connection, statistic, state.id, span, now)
    return changed


@contextmanager
def _savepoint(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("SAVEPOINT statistic")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK TO statistic")
            connection.execute("RELEASE statistic")
        raise
    connection.execute("RELEASE statistic")


def _spans(connection: sqlite3.Connection, statistic: Statistic, state: State, now: datetime) -> list[Span]:
    if statistic.interval is None:
        return [Span(now, now + DAY)]
    current = floor(now, statistic.interval)
    if statistic.kind == "latest" or statistic.backlog == NOW:
        return [Span(current, current + statistic.interval)]
    (first_day,) = connection.execute("SELECT min(day) FROM main.changed_days").fetchone()
    earliest = min(parse(first_day), now) if first_day else now
    if statistic.backlog is not None:
        earliest = max(earliest, now - statistic.backlog)
    days = connection.execute(
        "SELECT day FROM main.changed_days WHERE change > ?", (state.seen_change or 0,)
    ).fetchall()
    wanted = to_compute(
        statistic.interval,
        now=now,
        since=parse(state.computed_at) if state.computed_at and _is_past(state.computed_at, now) else None,
        earliest=earliest,
        changed_days=[day for (day,) in days],
        depends_on_past=statistic.depends_on_past,
    )
    stretches = connection.execute(_STRETCHES, {"today": str(now.date()), "quiet": QUIET_DAYS}).fetchall()
    return within(wanted, stretches, statistic.interval)


def rebuild(
    connection: sqlite3.Connection,
    now: datetime,
    logs: LogStore,
    name: str,
    *,
    since: datetime | None = None,
    drop: bool = False,
    plugins_dir: Path | None = None,
) -> Report:
    """Compute a statistic anew, all of it or from ``since`` on.

    What cannot be computed again (beyond the backlog, or recorded by hand) stays, unless ``drop`` is
    given. A statistic that no plugin brings any more, or that was recorded, is dropped altogether where
    ``since`` is not given. Raises StatisticError.
    """
    row = connection.execute("SELECT id FROM main.statistics WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise StatisticError(f"statistic {name}: not in the database; see “statistics list”.")
    (id,) = row
    statistics, _ = catalogue.installed(plugins.load(plugins_dir))
    is_computed = name in {each.statistic.name for each in statistics if not each.statistic.is_recorded}
    if not is_computed and not drop:
        raise StatisticError(
            f"statistic {name}: no plugin computes it, its values would be lost; name its --plugins-dir,"
            " or say --drop to remove them."
        )
    start = limit(since) if since else ""
    removed = 0
    if drop:
        removed = connection.execute(
            "DELETE FROM main.measurements WHERE statistic_id = ? AND at >= ?", (id, start)
        ).rowcount
    if not is_computed:
        if since is None:
            connection.execute("DELETE FROM main.statistics WHERE id = ?", (id,))
        else:
            catalogue.limits(connection, id)
        return Report({name: removed})
    connection.execute(
        "UPDATE main.statistics SET due_at = NULL, computed_at = min(computed_at, :since),"
        " seen_change = CASE WHEN :since IS NOT NULL THEN seen_change END WHERE id = :id",
        {"since": written(since) if since else None, "id": id},
    )
    report = update(connection, now, logs, plugins_dir=plugins_dir, name=name)
    if name in report.written:
        report.written[name] += removed
    return report
