"""What of the database is exported, and how its rows become lines."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from ingest import sql
from ingest.errors import DatabaseError

_KNOWN = {
    "distribution": "SELECT 1 FROM origins WHERE distribution = :name",
    "release": "SELECT 1 FROM release_names WHERE name = :name",
    "rebuilder": "SELECT 1 FROM rebuilders WHERE name = :name",
}


@dataclass(frozen=True, slots=True)
class Selection:
    """Only these; None means all. A release may be given by any of its names."""

    distribution: str | None = None
    release: str | None = None
    rebuilder: str | None = None

    def check(self, connection: sqlite3.Connection) -> None:
        """Raises DatabaseError where the database has nothing of that name: an empty export would say the same."""
        for what, name in asdict(self).items():
            if name is not None and not connection.execute(_KNOWN[what], {"name": name}).fetchone():
                table = "rebuilders" if what == "rebuilder" else "origins"
                raise DatabaseError(f"--{what} {name}: not in the database; see the table {table}.")

    def rows(self, connection: sqlite3.Connection, path: str) -> Iterator[dict[str, Any]]:
        """The rows of the one statement in ``ingest/exports/PATH``, by column."""
        (statement,) = sql.statements(f"exports/{path}")
        cursor = connection.execute(statement, asdict(self))
        names = [column[0] for column in cursor.description]
        return (dict(zip(names, row, strict=True)) for row in cursor)


def json_array(records: Iterable[object]) -> Iterator[str]:
    """The lines of a JSON array with a record on each."""
    opening = "["
    for record in records:
        yield f"{opening}\n{orjson.dumps(record).decode()}"
        opening = ","
    yield "[]\n" if opening == "[" else "\n]\n"
