"""Measurements as points, read from the database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import orjson

from ingest import sql
from ingest.sinks.base import Point, Removed
from ingest.statistics.definition import COLUMNS

BATCH = 5000
"""Points that are sent at once."""
REMOVED = 500
"""Points that are removed at once."""


def new(
    connection: sqlite3.Connection, position: Mapping[str, int], names: Collection[str] | None, after: int
) -> list[Point]:
    """At most ``BATCH`` points with a higher number than ``after``, and than the one that ``position`` says of
    their statistic; of all statistics, or of those with these names."""
    (select,) = sql.statements("sinks/new.sql")
    asked = {"after": after, "position": json.dumps(position), "names": _array(names), "limit": BATCH}
    return _points(connection.execute(select, asked))


def newest(connection: sqlite3.Connection, names: Collection[str] | None = None) -> list[Point]:
    """The values of the newest period of each statistic but events; those about single packages where named."""
    (select,) = sql.statements("sinks/newest.sql")
    return _points(connection.execute(select, {"names": _array(names)}))


def removed(connection: sqlite3.Connection, after: int) -> list[Removed]:
    """At most ``REMOVED`` of what is no measurement any more, with a higher number than ``after``."""
    (select,) = sql.statements("sinks/removed.sql")
    rows = connection.execute(select, {"after": after, "limit": REMOVED})
    return [
        Removed(
            id,
            name,
            at,
            dict.fromkeys(orjson.loads(declared)) | _dimensions(named, others),
        )
        for id, name, at, *named, others, declared in rows
    ]


def _array(names: Collection[str] | None) -> str | None:
    return None if names is None else json.dumps(sorted(names))


def _points(rows: Iterable[tuple[Any, ...]]) -> list[Point]:
    return [_point(*row) for row in rows]


def _point(
    id: int, name: str, title: str, unit: str, at: str, value: float, *dimensions: str | None
) -> Point:
    *named, others = dimensions
    return Point(id, name, title, unit, at, value, _dimensions(named, others))


def _dimensions(named: Iterable[str | None], others: str | None) -> dict[str, str | int | float]:
    known = {key: text for key, text in zip(COLUMNS, named, strict=True) if text is not None}
    return known | (orjson.loads(others) if others else {})
