"""What of the database is exported, and how its rows become lines."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from ingest import sql


@dataclass(frozen=True, slots=True)
class Selection:
    """Only these; None means all. A release may be given by any of its names."""

    distribution: str | None = None
    release: str | None = None
    rebuilder: str | None = None

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
