"""The answers that are not lists of pages: JSON in pieces. Each raises ApiError before its first piece."""

from __future__ import annotations

import re
import sqlite3
from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

import orjson

from ingest.api.question import ORIGIN, ApiError, Question

_BATCH = 5000
_ROOM = 8000
"""Kilobytes of pages that SQLite keeps while the list is made."""
_V0_STATUSES = ("GOOD", "BAD", "UNKWN")
_SINCE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)?Z?", re.ASCII)
_STATS_LIMIT, _MOST_STATS = 100, 10_000


def dashboard(question: Question) -> Iterator[str]:
    return _one(question, "v1/dashboard.sql", question.text(ORIGIN) | {"now": question.now})


def distributions(question: Question) -> Iterator[str]:
    return _one(question, "v1/distributions.sql", {})


def releases(question: Question) -> Iterator[str]:
    return _one(question, "v1/releases.sql", dict(question.words))


def architectures(question: Question) -> Iterator[str]:
    return _one(question, "v1/architectures.sql", dict(question.words))


def artifacts(question: Question) -> Iterator[str]:
    return _array(question, "v1/artifacts.sql", {"build": question.id("build")})


def artifact(question: Question) -> Iterator[str]:
    ids = {"build": question.id("build"), "artifact": question.id("artifact")}
    return _one(question, "v1/artifacts.sql", ids)


def stats(question: Question) -> Iterator[str]:
    """The proposed ``GET /api/v1/stats``: of each origin the last totals of each day, the oldest first."""
    limit = question.integer("limit")
    limit = _STATS_LIMIT if limit is None else min(limit, _MOST_STATS)
    if limit < 0:
        raise ApiError(400, f"limit={limit}: must be a number from 0 to {_MOST_STATS}.")
    given: dict[str, Any] = question.text(("distribution", "release", "architecture")) | {"limit": limit}
    if since := question.query.get("since"):
        if not _SINCE.fullmatch(since):
            raise ApiError(400, f"since={since}: must be a time like 2026-07-01T00:00:00.")
        given["since"] = since.rstrip("Z").replace(" ", "T")
    return _array(question, "v1/stats.sql", given)


def v0_list(question: Question) -> Iterator[bytes]:
    """Every binary package once."""
    given: dict[str, Any] = question.text(("name", "distro", "suite", "architecture", "status"))
    if given.get("status") not in (None, *_V0_STATUSES):
        raise ApiError(400, f"status={given['status']}: must be one of {', '.join(_V0_STATUSES)}.")
    return _in_brackets(_with_room(question.connection, _v0_pieces(question, given)))


def _v0_pieces(question: Question, given: dict[str, Any]) -> Iterator[bytes]:
    """The records with commas between them, as many at once as make a piece worth passing on.

    Python waits for its lock after each row that SQLite gives it, and on a busy site that takes longer
    than the row.
    """
    repeated: list[int] = orjson.loads(question.run("v0/repeated.sql", given).fetchone()[0])
    (last,) = question.connection.execute("SELECT coalesce(max(id), 0) FROM binary_packages").fetchone()
    # By its name a package is found at once, wherever it stands.
    step = last if "name" in given else _BATCH
    for above in range(0, last, step or 1):
        part: dict[str, Any] = {} if "name" in given else {"above": above, "upto": above + step}
        if left_out := repeated[bisect_right(repeated, above) : bisect_right(repeated, above + step)]:
            part["repeated"] = orjson.dumps(left_out).decode()
        if piece := question.run("v0/list.sql", given | part).fetchone()[0]:
            yield piece


def _with_room(connection: sqlite3.Connection, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Where a statement jumps between tables, SQLite reads most pages once instead of six times."""
    (usual,) = connection.execute("PRAGMA cache_size").fetchone()
    connection.execute(f"PRAGMA cache_size = -{_ROOM}")
    try:
        yield from pieces
    finally:
        connection.execute(f"PRAGMA cache_size = {usual}")


def v0_dashboard(question: Question) -> Iterator[str]:
    active = "".join(_array(question, "v0/queue.sql", {"started": 1, "limit": -1}))
    return _one(question, "v0/dashboard.sql", {"now": question.now, "active": active})


def v0_queue(question: Question) -> Iterator[str]:
    """What ``POST queue/list`` asks for; its body, ``{"limit": …}``, is the parameter ``body``."""
    limit = _limit(question.query.get("body") or "{}")
    queue = _array(question, "v0/queue.sql", {"limit": -1 if limit is None else limit})
    return iter([f'{{"now":"{question.now.rstrip("Z")}","queue":', *queue, "}"])


def _limit(body: str) -> int | None:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        content = None
    limit = content.get("limit") if isinstance(content, dict) else ""
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool)):
        raise ApiError(400, 'The body must be JSON like {"limit": 10} or {"limit": null}.')
    return limit


def _one(question: Question, path: str, given: dict[str, Any]) -> Iterator[str]:
    row = question.run(path, given).fetchone()
    if row is None:
        raise ApiError(404, "There is nothing with these ids.")
    return iter([row[0]])


def _array(question: Question, path: str, given: dict[str, Any]) -> Iterator[str]:
    records = ",".join(record for (record,) in question.run(path, given))
    return iter([f"[{records}]"])


def _in_brackets(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """A long array, in pieces."""
    between = b"["
    for piece in pieces:
        yield between + piece
        between = b","
    yield b"[]" if between == b"[" else b"]"
