"""Values that are recorded by hand or by scripts."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from ingest import store, values
from ingest.errors import StatisticError
from ingest.statistics import catalogue
from ingest.statistics.computing import canonical
from ingest.statistics.definition import COLUMNS, NAMED, Statistic, Value
from ingest.statistics.periods import parse, written

_NEW = """
INSERT INTO main.statistics (name, title, description, unit, kind, dimensions, version, is_recorded, is_installed)
VALUES (?, ?, 'Recorded by hand or by a script.', '', 'value', ?, 1, 1, 1)
"""
_RECORD = """
INSERT INTO main.measurements (
    statistic_id, at, value, rebuilder_id, origin_id, category_id, dimensions
) VALUES (?, ?, ?, ?, ?, ?, nullif(?, ''))
"""
_REPLACE = """
DELETE FROM main.measurements
WHERE statistic_id = ? AND at = ? AND (rebuilder_id, origin_id, category_id) IS (?, ?, ?)
    AND coalesce(dimensions, '') = ?
"""


def record(
    database: Path | str,
    name: str,
    value: Value,
    *,
    at: datetime | None = None,
    dimensions: Mapping[str, str | int | float] | None = None,
) -> None:
    """Store one value of the statistic ``name``, which is made where it is not there.

    ``at`` is now by default; a time without a zone is UTC. The dimensions rebuilder, origin and category
    have to name something that is in the database. A value with the same time and dimensions replaces the
    former one. Raises StatisticError, also where a plugin computes the statistic, and DatabaseError.
    """
    if not math.isfinite(value) or (isinstance(value, int) and abs(value) >= 2**63):
        raise StatisticError(f"statistic {name}: {value} cannot be recorded; give a finite number.")
    database = Path(database)
    if not database.exists():
        raise StatisticError(
            f"statistic {name}: {database} is not there; name a database that was ingested into."
        )
    time = _time(name, at or parse(values.now()))
    with (
        store.open_database(database) as connection,
        store.saying(database),
        store.transaction(connection, database),
    ):
        others = dict(dimensions or {})
        ids = tuple(_id(connection, name, column, others.pop(column, None)) for column in COLUMNS)
        id = _statistic(connection, name, dimensions or {})
        key = (id, time, *ids, canonical(others))
        connection.execute(_REPLACE, key)
        connection.execute(_RECORD, (id, time, value, *ids, canonical(others)))
        catalogue.limits(connection, id)


def _time(name: str, moment: datetime) -> str:
    try:
        in_utc = moment.astimezone(UTC) if moment.tzinfo else moment
    except OverflowError:
        in_utc = datetime.min
    if in_utc.year < 1000:
        raise StatisticError(
            f"statistic {name}: {moment} cannot be recorded; give a time after the year 1000."
        )
    return written(in_utc)


def _statistic(connection: sqlite3.Connection, name: str, dimensions: Mapping[str, object]) -> int:
    """The row of a statistic that may be recorded, with these dimensions among its own."""
    given = Statistic(name=name, dimensions=tuple(dimensions)).dimensions
    row = connection.execute(
        "SELECT id, is_recorded, plugin, dimensions FROM main.statistics WHERE name = ?", (name,)
    ).fetchone()
    if row is None:
        added = connection.execute(_NEW, (name, name, json.dumps(given)))
        return int(added.lastrowid or 0)
    id, is_recorded, plugin, declared = row
    if not is_recorded:
        raise StatisticError(f"statistic {name}: {plugin} computes it; record under another name.")
    known = json.loads(declared)
    new = [dimension for dimension in given if dimension not in known]
    if new and plugin is not None:
        raise StatisticError(f"statistic {name}: {plugin} declares no dimension “{new[0]}”; add it there.")
    if new:
        connection.execute(
            "UPDATE main.statistics SET dimensions = ? WHERE id = ?", (json.dumps(known + new), id)
        )
    return int(id)


def _id(connection: sqlite3.Connection, name: str, column: str, value: object) -> int | None:
    if value is None:
        return None
    table, key = NAMED[column]
    row = connection.execute(f"SELECT id FROM main.{table} WHERE {key} = ?", (value,)).fetchone()
    if row is None:
        raise StatisticError(f"statistic {name}: there is no {column} “{value}”; see the table {table}.")
    return int(row[0])
