"""The answers that are not lists of pages: JSON in pieces. Each raises ApiError before its first piece."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from typing import Any

import orjson

from ingest.api.question import ApiError, Question

_ORIGIN = ("distribution", "release", "component", "architecture")
_BATCH = 500
_V0_STATUSES = ("GOOD", "BAD", "UNKWN")
_SINCE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)?Z?", re.ASCII)
_STATS_LIMIT, _MOST_STATS = 100, 10_000


def dashboard(question: Question) -> Iterator[str]:
    return _one(question, "v1/dashboard.sql", question.text(_ORIGIN) | {"now": question.now})


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
    given = question.text(("name", "distro", "suite", "architecture", "status"))
    if given.get("status") not in (None, *_V0_STATUSES):
        raise ApiError(400, f"status={given['status']}: must be one of {', '.join(_V0_STATUSES)}.")
    return _in_brackets(question.run("v0/list.sql", given))


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


def _in_brackets(records: sqlite3.Cursor) -> Iterator[bytes]:
    """A long array, in pieces."""
    between = b"["
    while batch := records.fetchmany(_BATCH):
        yield between + b",".join(record for (record,) in batch)
        between = b","
    yield b"[]" if between == b"[" else b"]"
