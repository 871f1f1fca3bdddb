"""Runs the statements of an ``.sql`` file."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from ingest import interrupts
from ingest.values import expand

Parameters = Mapping[str, str | int | float | None]

_PYTHON_FAILED = "user-defined function raised exception"
_WRITES = re.compile(r"\s*(?:--[^\n]*\n\s*)*(?:INSERT INTO|UPDATE|DELETE FROM) main\.(\w+)")


@cache
def statements(path: str, *, careful: bool = False) -> tuple[str, ...]:
    """The statements of a file below ``ingest/``, with the checks of values spelled out."""
    return tuple(split(expand(files("ingest").joinpath(path).read_text("utf-8"), careful=careful)))


def split(script: str) -> Iterator[str]:
    """The statements of a script, each with the comments before it."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if line.rstrip().endswith(";") and sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def run(connection: sqlite3.Connection, path: str, parameters: Parameters) -> dict[str, int]:
    """Run a file's statements; returns how many rows each published table got or lost."""
    written: dict[str, int] = {}
    for number, statement in enumerate(statements(path)):
        try:
            count = connection.execute(statement, parameters).rowcount
        except sqlite3.OperationalError as error:
            if str(error) != _PYTHON_FAILED or interrupts.happened():
                raise
            # A text that is no UTF-8: nothing of the statement was done.
            statement = statements(path, careful=True)[number]
            count = connection.execute(statement, parameters).rowcount
        if match := _WRITES.match(statement):
            written[match[1]] = written.get(match[1], 0) + max(count, 0)
    return written


def quote(value: str | None) -> str:
    """A text as an SQL literal."""
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"
