"""What a statistic declares, and the measurements that it gives."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import NoneType
from typing import Any, Literal

from ingest.errors import StatisticError
from ingest.statistics.records import Build, Record

Kind = Literal["value", "total", "latest", "event"]
Value = int | float

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
NOW = timedelta(0)
"""As a backlog: what only the present can tell, such as the length of a queue."""

NAMED = {
    "rebuilder": ("rebuilders", "name"),
    "origin": ("origins", "label"),
    "category": ("categories", "key"),
}
"""Dimensions that are rows of ours: the table of each, and the column that says which row is meant."""

COLUMNS = tuple(NAMED)
"""Dimensions with a column of their own in ``measurements``; all others are JSON."""

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_DIMENSION = re.compile(r"[a-z][a-z0-9_]*")
_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "title": ((str,), "a text"),
    "description": ((str,), "a text"),
    "unit": ((str,), "a text"),
    "interval": ((timedelta, NoneType), "HOUR, DAY, WEEK or another timedelta, or None"),
    "backlog": ((timedelta, NoneType), "a timedelta, NOW or None"),
    "dimensions": ((tuple, list), 'a tuple, such as ("origin",)'),
    "version": ((int,), "a whole number"),
    "origins": ((list, tuple, set, frozenset, NoneType), 'a list, such as ["debian/trixie/amd64"], or None'),
}
_TAKEN = {"value", "at", "rebuilder_id", "origin_id", "category_id"}


@dataclass(frozen=True, slots=True)
class Measurement:
    """One value. ``at`` is ISO 8601 UTC, or None for the time of the record that it comes from;
    ``dimensions`` given here go before those of the record."""

    value: Value
    at: str | None = None
    dimensions: Mapping[str, str | int | float | None] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Statistic:
    """A number that is computed again and again, by SQL (``query``) or Python (``process``), or both.

    name: lower case letters, digits and hyphens; never changes, since links and series carry it.
    kind: ``value`` at a time; ``total`` of a period, to which several values for one time add up;
        ``latest``, of which nothing older is kept; ``event``, each with a time of its own.
    interval: length of a period, aligned to UTC (weeks to Monday), or None for a value at every run.
        Of events, how much is computed at a time.
    backlog: how far back it is worth computing, None for everything. What is older is kept, but not
        computed any more. ``NOW`` where the past cannot be computed.
    dimensions: what a value is told apart by. ``rebuilder`` (its name), ``origin`` (a label such as
        ``debian/trixie/amd64``) and ``category`` (a key) lead to the rows of that name.
    version: count it up when values mean something else than before; everything is computed anew then.
    depends_on_past: set this where a value depends on what happened before its period, so that news
        about an old period recompute all later ones too.
    origins: labels of the origins to count, None for all. ``process`` is given nothing else; a
        ``query`` has to ask for ``:origins``, a JSON array or null.
    callback: turns each value into the one that is stored; None leaves it out.
    chart: what this adds to the chart's Vega-Lite specification, such as ``{"mark": "bar"}``.
    log_properties: what to read from the kept logs first, as names and regexes (the first group, or
        all that matched, within a log's first 64 KiB); then found in the table ``build_properties``.
    query: a SELECT with the columns ``value``, the dimensions (or ``rebuilder_id``, ``origin_id``,
        ``category_id``) and maybe ``at``. Parameters: ``:start`` and ``:stop``, the period's limits, to
        compare times with as texts (``built_at >= :start AND built_at < :stop``), ``:now``, ``:origins``.
        With ``at`` it is asked for many periods at once, else once for each.
    records: what ``process`` is given: ``Build``, ``Failure`` or ``Snapshot``.

    Raises StatisticError where something of this cannot be followed.
    """

    name: str
    title: str = ""
    description: str = ""
    unit: str = ""
    kind: Kind = "value"
    interval: timedelta | None = DAY
    backlog: timedelta | None = None
    dimensions: tuple[str, ...] = ()
    version: int = 1
    depends_on_past: bool = False
    origins: Collection[str] | None = None
    callback: Callable[[Any], Value | None] | None = None
    chart: Mapping[str, Any] | None = None
    log_properties: Mapping[str, str] = field(default_factory=dict)
    query: str | None = None
    records: type[Record] = Build

    def process(self, record: Any) -> Iterable[Measurement | Value | None]:
        """The measurements that a build, failure or snapshot gives; numbers get its time and dimensions."""
        return ()

    @property
    def processes(self) -> bool:
        return type(self).process is not Statistic.process

    @property
    def is_recorded(self) -> bool:
        """Whether nothing computes it, so that its values are recorded by hand."""
        return self.query is None and not self.processes

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _SLUG.fullmatch(self.name):
            raise StatisticError(
                f"statistic “{self.name}”: not a name; use lower case letters, digits and hyphens."
            )
        for name, (types, wanted) in _TYPES.items():
            if not isinstance(getattr(self, name), types):
                raise self.wrong(f"{name} is {getattr(self, name)!r}; give {wanted}.")
        if self.kind not in ("value", "total", "latest", "event"):
            raise self.wrong(f"“{self.kind}” is no kind; use value, total, latest or event.")
        if self.interval is not None and (
            self.interval < timedelta(seconds=1) or self.interval % timedelta(seconds=1)
        ):
            raise self.wrong("the interval must be of whole seconds, one at least.")
        if self.kind == "event" and self.interval is None:
            raise self.wrong("events need an interval: how much is computed at a time.")
        if self.interval is None and self.processes:
            raise self.wrong("“process” needs an interval: records belong to periods.")
        try:
            json.dumps(self.chart)
        except (TypeError, ValueError) as error:
            raise self.wrong(f"its chart is not JSON ({error}).") from error
        for pattern in self.log_properties.values():
            try:
                re.compile(pattern.encode())
            except re.error as error:
                raise self.wrong(f"“{pattern}” is no regex ({error}).") from error
        for dimension in (*self.dimensions, *self.log_properties):
            if not _DIMENSION.fullmatch(dimension) or dimension in _TAKEN:
                raise self.wrong(
                    f"“{dimension}” cannot be a dimension; use another word, such as worker_node."
                )

    def wrong(self, what: str) -> StatisticError:
        return StatisticError(f"statistic {self.name}: {what}")
