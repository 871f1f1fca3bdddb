"""The rows of ``statistics``: what is installed, how far it is computed, what went wrong."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from ingest.errors import IngestError
from ingest.plugins import FAILURES, Plugins
from ingest.sources.location import published_text
from ingest.statistics.definition import Statistic
from ingest.statistics.periods import written
from ingest.values import printable

_PUBLISH = """
INSERT INTO main.statistics (
    name, title, description, unit, kind, interval_seconds, backlog_seconds, dimensions, chart, plugin,
    plugin_version, version, is_recorded, is_installed
) VALUES (
    :name, :title, :description, :unit, :kind, :interval, :backlog, :dimensions, :chart, :plugin,
    :plugin_version, :version, :is_recorded, 1
)
ON CONFLICT (name) DO UPDATE SET
    title = excluded.title, description = excluded.description, unit = excluded.unit, kind = excluded.kind,
    interval_seconds = excluded.interval_seconds, backlog_seconds = excluded.backlog_seconds,
    dimensions = excluded.dimensions, chart = excluded.chart, plugin = excluded.plugin,
    plugin_version = excluded.plugin_version, version = excluded.version, is_recorded = excluded.is_recorded, is_installed = 1
WHERE (title, description, unit, kind, interval_seconds, backlog_seconds, statistics.dimensions, chart,
        plugin, plugin_version, version, is_recorded, is_installed)
    IS NOT (excluded.title, excluded.description, excluded.unit, excluded.kind, excluded.interval_seconds,
        excluded.backlog_seconds, excluded.dimensions, excluded.chart, excluded.plugin,
        excluded.plugin_version, excluded.version, excluded.is_recorded, 1)
"""
_RECORDED = """
SELECT 1 FROM main.statistics AS x CROSS JOIN main.measurements AS m ON m.statistic_id = x.id
WHERE x.name = ? AND x.is_recorded LIMIT 1
"""
_REMOVED = """
UPDATE main.statistics SET is_installed = 0
WHERE is_installed AND plugin IS NOT NULL AND name NOT IN (SELECT value FROM json_each(?))
"""
_LIMITS = """
UPDATE main.statistics SET
    first_at = (SELECT min(at) FROM main.measurements WHERE statistic_id = :id),
    last_at = (
        SELECT max(at) FROM main.measurements
        WHERE statistic_id = :id AND (is_recorded OR at <= coalesce(computed_at, '~'))
    )
WHERE id = :id
"""
"""What is of a time to come was computed while a clock was ahead: it is left out until it is computed again."""
_DONE = """
UPDATE main.statistics SET computed_at = :now, due_at = :due_at, seen_change = :seen_change,
    last_error = NULL, last_error_at = NULL
WHERE id = :id
"""


@dataclass(frozen=True, slots=True)
class Installed:
    """A statistic, the plugin that brings it, and that plugin's version where it has one."""

    statistic: Statistic
    plugin: str
    version: str | None


@dataclass(frozen=True, slots=True)
class State:
    """How far a statistic is computed. ``definition`` is what has to stay the same for its values to stay."""

    id: int
    definition: tuple[Any, ...]
    computed_at: str | None
    due_at: str | None
    seen_change: int | None


def installed(plugins: Plugins) -> tuple[list[Installed], list[str]]:
    """All statistics, each name once, and a sentence for each problem."""
    found: dict[str, Installed] = {}
    problems = list(plugins.problems)
    # One after the other, and not through the hook at once: where one raises, the others still count.
    for implementation in plugins.manager.hook.register_statistics.get_hookimpls():
        name = implementation.plugin_name
        try:
            for statistic in cast(Callable[[], Iterable[object]], implementation.function)():
                if not isinstance(statistic, Statistic):
                    problems.append(
                        f"plugin {name}: register_statistics gave {type(statistic).__name__}, which is no"
                        " Statistic; give objects, such as Statistic(name=…)."
                    )
                elif statistic.name in found:
                    problems.append(
                        f"plugin {name}: {found[statistic.name].plugin} has a statistic {statistic.name} too;"
                        " give this one another name."
                    )
                else:
                    found[statistic.name] = Installed(statistic, name, plugins.versions.get(name))
        except FAILURES as error:
            problems.append(f"plugin {name}: {said(error)}")
    return list(found.values()), problems


def publish(connection: sqlite3.Connection, each: Installed) -> State:
    """Write what a statistic declares; returns its state. What means something else now is not computed yet.

    Raises StatisticError where values that were recorded would be lost.
    """
    statistic = each.statistic
    if not statistic.is_recorded and connection.execute(_RECORDED, (statistic.name,)).fetchone():
        raise statistic.wrong(
            "values were recorded under this name; give it another one, or remove them with"
            " “statistics rebuild --drop”."
        )
    before = _state(connection, statistic.name)
    connection.execute(
        _PUBLISH,
        {
            "name": statistic.name,
            "title": statistic.title or statistic.name,
            "description": statistic.description,
            "unit": statistic.unit,
            "kind": statistic.kind,
            "interval": _seconds(statistic.interval),
            "backlog": _seconds(statistic.backlog),
            "dimensions": json.dumps(statistic.dimensions),
            "chart": json.dumps(statistic.chart) if statistic.chart else None,
            "plugin": each.plugin,
            "plugin_version": each.version,
            "version": statistic.version,
            "is_recorded": statistic.is_recorded,
        },
    )
    after = _state(connection, statistic.name)
    assert after
    if before and before.definition != after.definition:
        connection.execute(
            "UPDATE main.statistics SET computed_at = NULL, due_at = NULL, seen_change = NULL WHERE id = ?",
            (after.id,),
        )
        return State(after.id, after.definition, None, None, None)
    return after


def mark_removed(connection: sqlite3.Connection, names: Collection[str]) -> None:
    """Statistics that no plugin brings any more keep their values."""
    connection.execute(_REMOVED, (json.dumps(sorted(names)),))


def done(connection: sqlite3.Connection, id: int, now: datetime, due: datetime, seen_change: int) -> None:
    """A statistic is computed as far as it can be."""
    connection.execute(
        _DONE,
        {
            "id": id,
            "now": written(now),
            "due_at": written(due),
            "seen_change": seen_change,
        },
    )
    limits(connection, id)


def limits(connection: sqlite3.Connection, id: int) -> None:
    """Write the times of a statistic's first measurement, and of its last that is not of a time to come."""
    connection.execute(_LIMITS, {"id": id})


def failed(connection: sqlite3.Connection, name: str, now: datetime, error: str) -> None:
    """A statistic stays as it was, and is tried again by the next run."""
    connection.execute(
        "UPDATE main.statistics SET due_at = NULL, last_error = ?, last_error_at = ? WHERE name = ?",
        (error, written(now), name),
    )


def said(error: BaseException) -> str:
    """An exception in one line, as it can be published."""
    text = str(error) if isinstance(error, IngestError) else f"{type(error).__name__}: {error}"
    return printable(published_text(text).splitlines()[0][:500])


def _seconds(interval: timedelta | None) -> int | None:
    return None if interval is None else int(interval.total_seconds())


def _state(connection: sqlite3.Connection, name: str) -> State | None:
    row = connection.execute(
        "SELECT id, computed_at, due_at, seen_change, version, kind, interval_seconds, dimensions"
        " FROM main.statistics WHERE name = ?",
        (name,),
    ).fetchone()
    return State(row[0], tuple(row[4:]), *row[1:4]) if row else None
