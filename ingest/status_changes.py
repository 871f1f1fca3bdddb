"""When a package went from one status to another."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from ingest import sql
from ingest.merge import Context
from ingest.version_order import newest


@dataclass(frozen=True, slots=True)
class Attempt:
    """A build with a conclusion, and what is known of the version it built."""

    origin_id: int
    name_id: int
    name: str
    distribution: str
    version: str
    is_current: int
    last_seen: str
    build_id: int
    built_at: str
    status: str


@dataclass(frozen=True, slots=True)
class Change:
    """One row of ``status_changes``, less its rebuilder and generation."""

    before: Attempt
    after: Attempt
    since: str

    def row(self) -> tuple[int | str | float, ...]:
        return (
            self.after.origin_id,
            self.after.name,
            self.before.status,
            self.after.status,
            self.before.version,
            self.after.version,
            self.before.build_id,
            self.after.build_id,
            self.after.built_at,
            _days(self.since, self.after.built_at),
            self.after.name_id,
        )


def update(connection: sqlite3.Connection, context: Context) -> int:
    """Recompute the changes of every package with news; returns the rows written."""
    who = {"rebuilder_id": context.rebuilder_id, "generation": context.generation}
    connection.execute(
        "CREATE TEMP TABLE wanted_changes (origin_id, name, from_status, to_status, from_version,"
        " to_version, from_build_id, to_build_id INTEGER PRIMARY KEY, changed_at,"
        " days_since_previous, name_id)"
    )
    attempts = (Attempt(*row) for row in connection.execute(sql.statements("status_changes.sql")[0], who))
    connection.executemany(
        "INSERT INTO wanted_changes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            change.row()
            for _, package in groupby(attempts, lambda attempt: (attempt.origin_id, attempt.name_id))
            for change in changes(package)
        ),
    )
    return sum(sql.run(connection, "status_changes_write.sql", who).values())


def changes(package: Iterable[Attempt]) -> Iterator[Change]:
    """The changes of one package in one origin, from its attempts in order of time.

    The attempts of an older version that still runs beside the followed one are
    passed over: they say nothing new about the package.
    """
    before: Attempt | None = None
    since = ""
    for attempt in _followed(list(package)):
        if before is None:
            since = attempt.built_at
        elif attempt.status != before.status:
            yield Change(before, attempt, since)
            since = attempt.built_at
        before = attempt


def _followed(attempts: list[Attempt]) -> Iterator[Attempt]:
    if len({attempt.version for attempt in attempts}) == 1:
        yield from attempts
        return
    final = _followed_version(attempts)
    followed = attempts[0].version
    for attempt in attempts:
        if attempt.version in (followed, final):
            followed = attempt.version
            yield attempt
        elif newest(attempt.distribution, [followed, attempt.version]) in (attempt.version, None):
            followed = attempt.version
            yield attempt


def _followed_version(attempts: list[Attempt]) -> str:
    """The current version, of several the newest; without one the version seen last."""
    current = {attempt.version for attempt in attempts if attempt.is_current}
    if current and (version := newest(attempts[0].distribution, current)):
        return version
    return max(attempts, key=lambda attempt: (attempt.is_current, attempt.last_seen)).version


def _days(start: str, end: str) -> float:
    elapsed = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    return round(elapsed.total_seconds() / 86400, 3)
