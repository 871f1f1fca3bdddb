"""Streams records out of JSON, one at a time, whatever the size of the document."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import ijson
import orjson

from ingest.errors import SourceError
from ingest.incoming import LARGEST_INTEGER
from ingest.sources.json_guard import Guard, Readable

Json = dict[str, Any]
_Record = TypeVar("_Record")
_PIECE = 64 * 1024


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


def objects(body: Readable, prefix: str, where: str) -> Iterator[Any]:
    """The values at an ijson prefix (``item``, ``records.item``). Raises SourceError."""
    with _refused(where):
        yield from ijson.items(Guard(body, prefix.count(".") + 1), prefix)


def total(body: Readable, where: str) -> int:
    """How many records a page of API v1 says there are. Raises SourceError."""
    with _refused(where):
        for prefix, event, value in ijson.parse(Guard(body)):
            if prefix == "total":
                if event == "number" and isinstance(value, int) and value >= 0:
                    return value
                break
    raise SourceError(f"{where}: JSON, but without a total as API v1 gives it; is this a rebuilderd?")


def document(body: Readable, where: str) -> Any:
    """A small document as a whole. Raises SourceError."""
    guarded = Guard(body)
    with _refused(where):
        content = b"".join(iter(partial(guarded.read, _PIECE), b""))
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise SourceError(f"{where}: answered something that is not JSON; is this a rebuilderd?") from error


@contextmanager
def _refused(where: str) -> Iterator[None]:
    try:
        yield
    except (ijson.JSONError, UnicodeDecodeError, ValueError) as error:
        raise SourceError(
            f"{where}: the JSON is broken or cut short ({_short(error)}); try again or check the server."
        ) from error


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
