"""From a request to a body: what happens on a connection, in one state of the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from ingest import values
from ingest.api import body, logs
from ingest.api.lists import DEFAULT_LIMIT
from ingest.api.question import SELECTIVE, ApiError, Question, all_rebuilders, one_rebuilder
from ingest.api.routes import Route

Key = tuple[object, ...]
_MINUTE = len("2026-01-01T00:00")


@dataclass(frozen=True, slots=True)
class Request:
    """A path that there is, whom it asks about (None: all rebuilders), and its parameters."""

    route: Route
    words: Mapping[str, str]
    rebuilder: str | None
    query: Mapping[str, str]
    now: str

    @property
    def changes_between_runs(self) -> bool:
        """Whether the clock, or other rules for failures, may change the answer."""
        return self.route.changes_with_time or self.route.tells_causes or "unique" in self.query

    @property
    def is_expensive(self) -> bool:
        """Whether it takes longer than a page of a list in the order of ids, or what has one name."""
        if self.route.extent == "one" or SELECTIVE & self.query.keys():
            return False
        if self.route.extent == "all" or {"unique", "sort"} & self.query.keys():
            return True
        limit = self.query.get("limit", str(DEFAULT_LIMIT))
        return not (limit.isdecimal() and int(limit[:10]) <= DEFAULT_LIMIT)

    @property
    def key(self) -> Key:
        """Equal for requests with the same answer, in one state of the database."""
        now = self.now[:_MINUTE] if self.route.changes_with_time else None
        words, query = sorted(self.words.items()), sorted(self.query.items())
        return self.route.pattern.pattern, self.rebuilder, tuple(words), tuple(query), now


def request(
    route: Route, words: Mapping[str, str], rebuilder: str | None, query: Mapping[str, str]
) -> Request:
    """A request of this second."""
    return Request(route, words, rebuilder, query, values.now())


def answer(connection: sqlite3.Connection, asked: Request) -> body.Body:
    """The JSON that is asked for. Raises ApiError."""
    with _question(connection, asked) as question:
        assert asked.route.answer
        return body.kept(asked.route.answer(question), _modified(question, asked))


def find_log(connection: sqlite3.Connection, asked: Request) -> logs.Found:
    """Where the log that is asked for may be kept. Raises ApiError."""
    with _question(connection, asked) as question:
        assert asked.route.log
        return asked.route.log(question)


@contextmanager
def _question(connection: sqlite3.Connection, asked: Request) -> Iterator[Question]:
    """All statements of one answer see the same state. Raises ApiError."""
    connection.execute("BEGIN")
    try:
        scope = all_rebuilders() if asked.rebuilder is None else one_rebuilder(connection, asked.rebuilder)
        yield Question(connection, scope, asked.words, asked.query, asked.now)
    except (OverflowError, UnicodeEncodeError) as error:
        raise ApiError(400, "A parameter holds what no database can.") from error
    finally:
        connection.rollback()


def _modified(question: Question, asked: Request) -> str | None:
    """When the last run changed the answer, None where something else than a run may have."""
    if asked.changes_between_runs:
        return None
    modified: str | None = question.run("modified.sql", {}).fetchone()[0]
    return modified
