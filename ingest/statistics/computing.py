"""Computes one statistic for a span of periods, and writes what differs from what is published."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from ingest.statistics.definition import COLUMNS, NAMED, Measurement, Statistic, Value
from ingest.statistics.periods import Span, floor, limit, parse, pieces, written
from ingest.statistics.records import Record

_COMPUTED = """
CREATE TEMP TABLE IF NOT EXISTS computed_measurements (
    at TEXT NOT NULL, rebuilder_id INTEGER NOT NULL, origin_id INTEGER NOT NULL, category_id INTEGER NOT NULL,
    dimensions TEXT NOT NULL, value, PRIMARY KEY (at, rebuilder_id, origin_id, category_id, dimensions)
) WITHOUT ROWID
"""
_INSERT = "INSERT INTO computed_measurements (at, value, rebuilder_id, origin_id, category_id, dimensions)"
_AGAIN = {
    "value": "ON CONFLICT DO UPDATE SET value = excluded.value",
    "latest": "ON CONFLICT DO UPDATE SET value = excluded.value",
    "total": "ON CONFLICT DO UPDATE SET value = computed_measurements.value + excluded.value",
    "event": "",
}
"""What several values with the same time and dimensions are."""

_OUTSIDE = "SELECT at FROM computed_measurements WHERE at < :start OR at >= :stop LIMIT 1"
_DELETE = """
DELETE FROM main.measurements AS m
WHERE m.statistic_id = :id AND m.at >= :from_at AND m.at < :stop AND NOT EXISTS (
    SELECT 1 FROM computed_measurements AS c
    WHERE c.at = m.at AND c.rebuilder_id = coalesce(m.rebuilder_id, 0)
        AND c.origin_id = coalesce(m.origin_id, 0) AND c.category_id = coalesce(m.category_id, 0)
        AND c.dimensions = coalesce(m.dimensions, '') AND c.value = m.value
)
"""
_PUBLISH = """
INSERT INTO main.measurements (
    statistic_id, at, value, rebuilder_id, origin_id, category_id, dimensions
)
SELECT :id, c.at, c.value, nullif(c.rebuilder_id, 0), nullif(c.origin_id, 0), nullif(c.category_id, 0),
    nullif(c.dimensions, '')
FROM computed_measurements AS c
WHERE NOT EXISTS (
    SELECT 1 FROM main.measurements AS m
    WHERE m.statistic_id = :id AND m.at = c.at AND coalesce(m.rebuilder_id, 0) = +c.rebuilder_id
        AND coalesce(m.origin_id, 0) = +c.origin_id AND coalesce(m.category_id, 0) = +c.category_id
        AND coalesce(m.dimensions, '') = +c.dimensions
)
ORDER BY c.at
"""
"""What stayed the same keeps its row: a new number tells sinks that there is something to send.
(The + takes the columns' types away, without which SQLite does not use an index of expressions.)"""


def compute(connection: sqlite3.Connection, statistic: Statistic, id: int, span: Span, now: datetime) -> int:
    """Bring the measurements of a span to what is so now; returns the rows written or removed.

    Raises StatisticError, sqlite3.Error and whatever the statistic raises.
    """
    changed = 0
    connection.execute(_COMPUTED)
    for piece in pieces(span, statistic.interval) if statistic.interval else (span,):
        connection.execute("DELETE FROM temp.computed_measurements")
        parameters = {
            "start": limit(piece.start),
            "stop": limit(piece.stop),
            "now": written(now),
            "origins": None if statistic.origins is None else json.dumps(sorted(statistic.origins)),
        }
        try:
            if statistic.query is not None:
                _query(connection, statistic, piece, parameters)
            if statistic.processes:
                _insert(connection, statistic, _processed(connection, statistic, piece, parameters))
            if outside := connection.execute(_OUTSIDE, parameters).fetchone():
                raise statistic.wrong(
                    f"it gave a value of {outside[0]} for the time from {parameters['start']} until before"
                    f" {parameters['stop']}; let it give those of that time only."
                )
            changed += _publish(connection, statistic, id, parameters)
        except sqlite3.IntegrityError as error:
            raise statistic.wrong(_unfit(str(error))) from error
    return changed


def _publish(
    connection: sqlite3.Connection, statistic: Statistic, id: int, parameters: Mapping[str, Any]
) -> int:
    publish = {
        "id": id,
        "from_at": "" if statistic.kind == "latest" else parameters["start"],
        "stop": parameters["stop"],
    }
    removed = connection.execute(_DELETE, publish).rowcount
    return removed + connection.execute(_PUBLISH, publish).rowcount


def _unfit(message: str) -> str:
    """What SQLite says of a value that does not fit, in a sentence."""
    if message.startswith("UNIQUE"):
        return (
            "it gave two events with the same time and dimensions; add a dimension that tells them apart,"
            " such as build."
        )
    if "GLOB" in message or message.endswith(".at"):
        return "it gave a time that is not ISO 8601 UTC; give one such as 2026-11-01T12:00:00Z."
    if "typeof" in message or message.endswith(".value"):
        return "it gave a value that is no number; give numbers only."
    return f"it gave what cannot be stored (SQLite says “{message}”)."


def _query(
    connection: sqlite3.Connection, statistic: Statistic, span: Span, parameters: Mapping[str, Any]
) -> None:
    select = str(statistic.query).rstrip().rstrip(";")
    columns = [
        name for name, *_ in connection.execute(f"SELECT * FROM ({select}\n) LIMIT 0", parameters).description
    ]
    _check(statistic, columns)
    at = "CASE WHEN length(q.at) = 10 THEN q.at || 'T00:00:00Z' ELSE q.at END" if "at" in columns else ":at"
    chosen = f"""
        SELECT {at} AS at, q.value, {", ".join(_id(name, columns) for name in COLUMNS)}, {_json(columns)}
        FROM ({select}\n) AS q WHERE q.value IS NOT NULL
    """
    spans = (
        [span]
        if "at" in columns or not statistic.interval
        else pieces(span, statistic.interval, statistic.interval)
    )
    for each in spans:
        asked = {
            **parameters,
            "at": written(each.start),
            "start": limit(each.start),
            "stop": limit(each.stop),
        }
        if statistic.callback is None:
            connection.execute(f"{_INSERT} {chosen} {_AGAIN[statistic.kind]}", asked)
        else:
            values = (
                (row[0], statistic.callback(row[1]), *row[2:]) for row in connection.execute(chosen, asked)
            )
            _insert(connection, statistic, (row for row in values if row[1] is not None))


def _check(statistic: Statistic, columns: list[str]) -> None:
    if "value" not in columns:
        raise statistic.wrong("its query gives no column “value”; name one so.")
    known = {"value", "at", *statistic.dimensions}
    known |= {f"{name}_id" for name in COLUMNS if name in statistic.dimensions}
    if unknown := [name for name in columns if name not in known]:
        raise statistic.wrong(
            f"its query gives “{unknown[0]}”, which is not among its dimensions; add it there."
        )


def _id(name: str, columns: list[str]) -> str:
    """The id of a row, given as such or by its name."""
    if f"{name}_id" in columns:
        return f"coalesce(q.{name}_id, 0)"
    if name not in columns:
        return "0"
    table, key = NAMED[name]
    return f"coalesce((SELECT x.id FROM main.{table} AS x WHERE x.{key} = q.{name}), 0)"


def _json(columns: list[str]) -> str:
    """The other dimensions as canonical JSON: keys in order, without nulls."""
    others = sorted(set(columns) - {"value", "at", *COLUMNS, *(f"{name}_id" for name in COLUMNS)})
    if not others:
        return "''"
    pairs = ", ".join(f"'{name}', q.\"{name}\"" for name in others)
    if len(others) == 1:
        return f"CASE WHEN q.\"{others[0]}\" IS NULL THEN '' ELSE json_object({pairs}) END"
    return f"coalesce(nullif(json_patch('{{}}', json_object({pairs})), '{{}}'), '')"


def _insert(connection: sqlite3.Connection, statistic: Statistic, rows: Iterable[tuple[Any, ...]]) -> None:
    connection.executemany(f"{_INSERT} VALUES (?, ?, ?, ?, ?, ?) {_AGAIN[statistic.kind]}", rows)


def _processed(
    connection: sqlite3.Connection, statistic: Statistic, span: Span, parameters: dict[str, Any]
) -> Iterator[tuple[Any, ...]]:
    ids = {
        name: dict(connection.execute(f"SELECT {key}, id FROM main.{table}").fetchall())
        for name, (table, key) in NAMED.items()
    }
    for record in statistic.records.between(connection, parameters):
        for given in statistic.process(record):
            if given is None:
                continue
            measurement = given if isinstance(given, Measurement) else Measurement(given)
            value = _value(statistic, measurement)
            if value is None:
                continue
            dimensions = _dimensions(statistic, record, measurement)
            found = [ids[name].get(dimensions.pop(name, None), 0) for name in COLUMNS]
            yield (
                measurement.at or _time(statistic, record, span),
                value,
                *found,
                canonical(dimensions),
            )


def _value(statistic: Statistic, measurement: Measurement) -> Value | None:
    value = measurement.value if statistic.callback is None else statistic.callback(measurement.value)
    if value is not None and not (isinstance(value, (int, float)) and math.isfinite(value)):
        raise statistic.wrong(f"{value!r} is no number; give one, or None.")
    return value


def _time(statistic: Statistic, record: Record, span: Span) -> str:
    """A record's own time for events, else the start of its period."""
    if statistic.kind == "event":
        return record.at
    return written(floor(parse(record.at), statistic.interval) if statistic.interval else span.start)


def _dimensions(statistic: Statistic, record: Record, measurement: Measurement) -> dict[str, Any]:
    dimensions: dict[str, Any] = {}
    for name in statistic.dimensions:
        if name in measurement.dimensions:
            dimensions[name] = measurement.dimensions[name]
        elif hasattr(record, name):
            dimensions[name] = getattr(record, name)
        else:
            dimensions[name] = getattr(record, "properties", {}).get(name)
    if unknown := set(measurement.dimensions) - set(dimensions):
        raise statistic.wrong(f"“{min(unknown)}” is not among its dimensions; add it there.")
    return dimensions


def canonical(dimensions: Mapping[str, Any]) -> str:
    """Dimensions as JSON that is the same for the same ones; empty for none."""
    known = {name: value for name, value in dimensions.items() if value is not None}
    return json.dumps(known, sort_keys=True, separators=(",", ":"), ensure_ascii=False) if known else ""
