"""Ready-made statistics about builds, for one origin, a set of them, or all.

Each function returns a ``Statistic``; whatever else that can be told (``title``, ``origins``,
``callback``, …) is passed on.
"""

from __future__ import annotations

from typing import Any, Literal

from ingest.errors import StatisticError
from ingest.statistics.definition import Statistic

SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600}

_FROM = """
FROM main.builds AS b
CROSS JOIN main.source_packages AS s ON s.id = b.source_package_id
CROSS JOIN main.origins AS o ON o.id = b.origin_id
WHERE b.built_at >= :start AND b.built_at < :stop AND b.copy_of IS NULL
    AND (:origins IS NULL OR o.label IN (SELECT value FROM json_each(:origins)))
"""

PROPERTIES = {
    "attempt": "b.attempt",
    "retries": "s.retries",
    "artifacts": "(SELECT count(*) FROM main.build_artifacts AS a WHERE a.build_id = b.id)",
    "log_bytes": "(SELECT max(f.log_bytes) FROM main.failures AS f WHERE f.build_id = b.id)",
    "diffoscope_bytes": "(SELECT sum(f.diffoscope_bytes) FROM main.failures AS f WHERE f.build_id = b.id)",
    "backend": "s.backend",
    "status": "b.status",
    "package": "s.name",
    "version": "s.version",
}
"""Properties of a build: numbers first, then texts. ``log_bytes`` and ``diffoscope_bytes`` are known
of failures only, ``retries`` and ``backend`` are those that the source package has now."""
_TEXTS = {"backend", "status", "package", "version"}


def build_duration(
    unit: Literal["seconds", "minutes", "hours"] = "seconds",
    *,
    name: str = "build-durations",
    **about: Any,
) -> Statistic:
    """How long each build took; nothing for builds whose start is not known."""
    if unit not in SECONDS:
        raise StatisticError(f"statistic {name}: “{unit}” is no unit; use seconds, minutes or hours.")
    about = {"unit": unit, "title": "Duration of each build", **about}
    return _event(f"b.duration / {SECONDS[unit]:.1f}", name=name, **about)


def start_time(*, name: str = "build-starts", **about: Any) -> Statistic:
    """When each build started, in seconds since 1970 (UTC); a callback may turn it into an hour of the day."""
    about = {"unit": "seconds since 1970", "title": "Start of each build", **about}
    return _event("unixepoch(b.started_at)", name=name, **about)


def end_time(*, name: str = "build-ends", **about: Any) -> Statistic:
    """When each build ended, in seconds since 1970 (UTC)."""
    about = {"unit": "seconds since 1970", "title": "End of each build", **about}
    return _event("unixepoch(b.built_at)", name=name, **about)


def queue_wait(*, name: str = "queue-waits", **about: Any) -> Statistic:
    """Seconds that each build waited in the queue, known only for jobs that an ingest saw there.

    A job belongs to the first build of its source package that started after it was queued.
    """
    queued_at = """(
        SELECT max(q.queued_at) FROM (
            SELECT p.queued_at FROM main.past_queue AS p WHERE p.source_package_id = b.source_package_id
            UNION ALL
            SELECT n.queued_at FROM main.queue AS n WHERE n.source_package_id = b.source_package_id
        ) AS q
        WHERE rtrim(q.queued_at, 'Z') <= rtrim(b.started_at, 'Z') AND NOT EXISTS (
            SELECT 1 FROM main.builds AS x
            WHERE x.source_package_id = b.source_package_id AND x.id <> b.id
                AND rtrim(x.started_at, 'Z') >= rtrim(q.queued_at, 'Z')
                AND rtrim(x.started_at, 'Z') < rtrim(b.started_at, 'Z')
        )
    )"""
    seconds = f"round((julianday(b.started_at) - julianday({queued_at})) * 86400, 3)"
    return _event(seconds, name=name, **{"unit": "s", "title": "Time that each build waited", **about})


def build_property(
    property: str,
    *,
    pattern: str | None = None,
    numeric: bool | None = None,
    name: str | None = None,
    **about: Any,
) -> Statistic:
    """A property of each build, one of ``PROPERTIES`` or what ``pattern`` finds in its log.

    A number becomes an event for each build; of a text it is counted how many builds of a period
    have it. ``pattern`` is a regex whose first group, or all that matched, is the property, read from
    the logs that are kept. Say ``numeric=True`` where that is a number. Raises StatisticError.
    """
    name = name or f"build-{property.replace('_', '-')}"
    if pattern is None and property not in PROPERTIES:
        raise StatisticError(
            f"statistic {name}: a build has no property “{property}”; use {', '.join(PROPERTIES)},"
            " or give a pattern to read it from the log."
        )
    value, words = PROPERTIES.get(property, ""), property.replace("_", " ")
    if pattern is not None:
        value = (
            "(SELECT p.value FROM main.build_properties AS p"
            f" WHERE p.build_id = b.id AND p.name = '{property}')"
        )
        about = {"log_properties": {property: pattern}, **about}
    if numeric if numeric is not None else pattern is None and property not in _TEXTS:
        about = {"title": f"{words.capitalize()} of each build", **about}
        return _event(value if pattern is None else _number(value), name=name, **about)
    about = {"title": f"Builds by {words}", "unit": "builds", **about}
    return Statistic(
        name=name,
        query=f'SELECT count(*) AS value, b.rebuilder_id, b.origin_id, {value} AS "{property}" {_FROM}'
        f" AND {value} IS NOT NULL GROUP BY 2, 3, 4",
        **{"kind": "total", "dimensions": ("rebuilder", "origin", property), **about},
    )


def _number(text: str) -> str:
    """SQL: the number that a text begins with, null where it does not."""
    begins = f"{text} GLOB '[0-9]*' OR {text} GLOB '[-+.][0-9]*'"
    return f"CASE WHEN {begins} THEN CAST({text} AS REAL) END"


def recorded(*, name: str, **about: Any) -> Statistic:
    """Values that are recorded by hand or by a script; this says what they are."""
    return Statistic(name=name, **about)


def _event(value: str, *, name: str, **about: Any) -> Statistic:
    return Statistic(
        name=name,
        query=f"SELECT b.built_at AS at, {value} AS value, b.rebuilder_id, b.origin_id, b.id AS build {_FROM}",
        **{
            "kind": "event",
            "dimensions": ("rebuilder", "origin", "build"),
            "chart": {"mark": "point"},
            **about,
        },
    )
