"""Streams records out of JSON, one at a time, whatever the size of the document."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, TypeVar

import ijson

from ingest.errors import SourceError
from ingest.incoming import LARGEST_INTEGER

Json = dict[str, Any]
_Record = TypeVar("_Record")

DEEPEST = 20
LONGEST_STRING = 4 * 1024 * 1024
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


class Skipped(Counter[tuple[str, str]]):
    """Counts records that cannot even be looked at, by what they should be and why not."""

    def add(self, relation: str, problem: str) -> None:
        self[relation, problem] += 1

    def report(self, connection: sqlite3.Connection) -> None:
        """Add the counts to the run's own."""
        connection.executemany(
            "INSERT INTO skipped VALUES (?, ?, ?, NULL)",
            ((relation, problem, count) for (relation, problem), count in self.items()),
        )


class _Shallow:
    """A document as a file that refuses to nest deeper than any record does.

    ijson's time and memory grow with the square of the depth.
    """

    def __init__(self, body: IO[bytes]) -> None:
        self._body = body
        self._open_string = b""
        self._depth = 0

    def read(self, size: int = -1) -> bytes:
        data = self._body.read(size)
        outside = _STRING.sub(b"", self._open_string + data)
        outside, quote, string = outside.partition(b'"')
        self._open_string = quote + string
        if len(string) > LONGEST_STRING:
            raise ValueError("a text without end")
        for bracket in outside.translate(None, _NO_BRACKETS):
            self._depth += 1 if bracket in b"[{" else -1
            if self._depth > DEEPEST:
                raise ValueError(f"nested deeper than {DEEPEST} levels")
        return data


def objects(body: IO[bytes], prefix: str, where: str) -> Iterator[Any]:
    """The values at an ijson prefix (``item``, ``records.item``). Raises SourceError."""
    try:
        yield from ijson.items(_Shallow(body), prefix)
    except (ijson.JSONError, UnicodeDecodeError, ValueError) as error:
        raise SourceError(
            f"{where}: the JSON is broken or cut short ({_short(error)}); try again or check the server."
        ) from error


def total(body: IO[bytes], where: str) -> int:
    """How many records a page of API v1 says there are. Raises SourceError."""
    for value in objects(body, "total", where):
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
    raise SourceError(f"{where}: JSON, but without a total as API v1 gives it; is this a rebuilderd?")


def parsed(
    values: Iterable[Any],
    make: Callable[[Json], _Record],
    relation: str,
    skipped: Skipped,
) -> Iterator[_Record]:
    """Records made of JSON objects; what is no object or has no usable id is skipped and counted."""
    for value in values:
        if not isinstance(value, dict):
            skipped.add(relation, "record")
            continue
        try:
            record = make(value)
        except KeyError as error:
            skipped.add(relation, str(error.args[0]))
        except (TypeError, AttributeError):
            skipped.add(relation, "structure")
        else:
            yield record


def whole(record: Json, key: str) -> int:
    """A field that has to be an integer. Raises KeyError."""
    value = record[key]
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > LARGEST_INTEGER:
        raise KeyError(key)
    return value


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:80]
