"""Runs the statements of an ``.sql`` file."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from ingest.values import expand

Parameters = Mapping[str, str | int | float | None]

_WRITES = re.compile(r"\s*(?:--[^\n]*\n\s*)*(?:INSERT INTO|UPDATE|DELETE FROM) main\.(\w+)")


@cache
def statements(path: str) -> tuple[str, ...]:
    """The statements of a file below ``ingest/``."""
    return tuple(split(files("ingest").joinpath(path).read_text()))


def split(script: str) -> Iterator[str]:
    """The statements of a script, each with the comments before it."""
    statement = ""
    for line in expand(script).splitlines(keepends=True):
        statement += line
        if line.rstrip().endswith(";") and sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def run(connection: sqlite3.Connection, path: str, parameters: Parameters) -> dict[str, int]:
    """Run a file's statements; returns how many rows each published table got or lost."""
    written: dict[str, int] = {}
    for statement in statements(path):
        count = connection.execute(statement, parameters).rowcount
        if match := _WRITES.match(statement):
            written[match[1]] = written.get(match[1], 0) + max(count, 0)
    return written


def quote(value: str | None) -> str:
    """A text as an SQL literal."""
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"
