"""The incoming relations of one run, as temporary tables of our own connection.

A source that is a database puts views in their place (no copy is made), one
that answers with JSON fills the tables. The merge reads both the same way.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from decimal import Decimal
from importlib.resources import files
from itertools import islice
from typing import Any

from ingest.records import RELATIONS, Record
from ingest.sql import split

BATCH = 1000
LARGEST_INTEGER = 2**63 - 1
_NOT_PLAIN = (OverflowError, UnicodeEncodeError, sqlite3.ProgrammingError, sqlite3.InterfaceError)
"""What sqlite3 says of a value that it cannot hold."""


def create_missing(connection: sqlite3.Connection) -> None:
    """Create an empty table for every relation that the source has not set up itself."""
    present = {name for (name,) in connection.execute("SELECT name FROM temp.sqlite_master")}
    for record in RELATIONS:
        if f"incoming_{record.RELATION}" not in present:
            create(connection, record)


def create(connection: sqlite3.Connection, record: type[Record]) -> None:
    """Create the table of one relation with its indexes; columns that are no ids take any type, to be checked later."""
    columns = ", ".join(f'"{name}" {_column_type(record, name)}' for name in record.columns())
    connection.execute(f"CREATE TEMP TABLE incoming_{record.RELATION} ({columns})")
    for name in record.INDEXED:
        connection.execute(
            f"CREATE INDEX temp.incoming_{record.RELATION}_{name} ON incoming_{record.RELATION} ({name})"
            f" WHERE {name} IS NOT NULL"
        )


def _column_type(record: type[Record], name: str) -> str:
    if name == record.KEY:
        return "INTEGER PRIMARY KEY"
    return "INTEGER" if name in record.ids() else ""


def create_views(connection: sqlite3.Connection, script: str, **variants: str) -> None:
    """Set up relations by a file of ``ingest/sources/``, with SQL expressions in the place of ``{names}``."""
    text = files("ingest.sources").joinpath(script).read_text(encoding="utf-8")
    for name, expression in variants.items():
        text = text.replace(f"{{{name}}}", expression)
    for statement in split(text):
        connection.execute(statement)


def insert(connection: sqlite3.Connection, records: Iterable[Record]) -> int:
    """Add records, the last of two with one key winning; returns how many were given."""
    count = 0
    stream: Iterator[Record] = iter(records)
    while batch := list(islice(stream, BATCH)):
        kind = type(batch[0])
        marks = ", ".join("?" * len(kind.columns()))
        statement = f"INSERT OR REPLACE INTO incoming_{kind.RELATION} VALUES ({marks})"
        rows = [record.values() for record in batch]
        try:
            _write_many(connection, statement, rows)
        except _NOT_PLAIN:
            # Looking at each value takes as long as writing it: done only where one is needed.
            _write_many(connection, statement, [tuple(map(_plain, row)) for row in rows])
        count += len(batch)
    return count


def _write_many(connection: sqlite3.Connection, sql: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """Run a statement on temporary tables for many rows, in one transaction; it locks nobody."""
    connection.execute("BEGIN")
    with connection:
        connection.executemany(sql, rows)


def _plain(value: Any) -> Any:
    """A JSON value as SQLite can hold it; what no column may hold becomes an empty BLOB, to be refused."""
    match value:
        case None | float():
            return value
        case int() if abs(value) <= LARGEST_INTEGER:
            return int(value)
        case Decimal():
            return float(value)
        case str():
            return value if value.isascii() or _is_unicode(value) else b""
        case _:
            return b""


def _is_unicode(value: str) -> bool:
    """Whether there is no half of a surrogate pair in a text, as JSON's escapes allow."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def drop_relations(connection: sqlite3.Connection) -> None:
    """Forget what a source staged, to let it start again."""
    drop_all(connection, keep=("skipped", "gap_origins"))
    connection.execute("DELETE FROM skipped")


def drop_all(connection: sqlite3.Connection, keep: tuple[str, ...] = ()) -> None:
    """Forget the run's temporary tables and views."""
    for kind in ("view", "table"):
        names = connection.execute("SELECT name FROM temp.sqlite_master WHERE type = ?", (kind,)).fetchall()
        for name in {name for (name,) in names}.difference(keep):
            connection.execute(f'DROP {kind} temp."{name}"')
