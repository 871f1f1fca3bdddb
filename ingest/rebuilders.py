"""What is known of a rebuilder from earlier runs: its row, and how far it was read."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, replace

from ingest import values
from ingest.config import Instance
from ingest.sources.base import Source


@dataclass(frozen=True, slots=True)
class Rebuilder:
    """A row of ``rebuilders``. ``highest_build`` and ``unread_artifacts`` are upstream's ids of builds;
    ``fingerprint`` is what ``Source.state`` said when all was read, None where it could not tell."""

    id: int
    kind: str
    release: str | None
    generation: int
    highest_build: int
    fingerprint: str | None
    unread_artifacts: tuple[int, ...]


def find(connection: sqlite3.Connection, name: str) -> Rebuilder | None:
    """The rebuilder of that name, None where it was never read to the end."""
    row = connection.execute(
        "SELECT id, kind, release, generation, highest_build, fingerprint, unread_artifacts"
        " FROM main.rebuilders WHERE name = ?",
        (name,),
    ).fetchone()
    if row is None:
        return None
    return replace(Rebuilder(*row), unread_artifacts=tuple(json.loads(row[-1] or "[]")))


def release(connection: sqlite3.Connection, instance: Instance) -> str | None:
    """The release that the operator says now, else said in an earlier run; an empty one takes that back."""
    if instance.release is not None:
        return instance.release or None
    known = find(connection, instance.rebuilder)
    return known.release if known else None


def most_rows(connection: sqlite3.Connection) -> int:
    """At least as many as the longest list of any rebuilder had so far."""
    (rows,) = connection.execute(
        "SELECT max(coalesce((SELECT max(id) FROM main.source_packages), 0),"
        " coalesce((SELECT max(id) FROM main.binary_packages), 0))"
    ).fetchone()
    return int(rows)


def create(connection: sqlite3.Connection, name: str, source: Source, generation: int) -> int:
    """The id of a new row."""
    made = connection.execute(
        "INSERT INTO main.rebuilders (name, url, kind, release, generation, highest_build, first_ingest_at)"
        " VALUES (?, ?, ?, ?, ?, 0, ?)",
        (name, source.location, source.kind, source.release, generation, values.now()),
    )
    return int(made.lastrowid or 0)


def update(connection: sqlite3.Connection, rebuilder: Rebuilder, source: Source, generation: int) -> None:
    """Say where and as what it is read now."""
    connection.execute(
        "UPDATE main.rebuilders SET kind = :kind, url = :url, release = :release,"
        " generation = :generation WHERE id = :id"
        " AND (kind, url, release, generation) IS NOT (:kind, :url, :release, :generation)",
        {
            "id": rebuilder.id,
            "kind": source.kind,
            "url": source.location,
            "release": source.release,
            "generation": generation,
        },
    )


def retire(connection: sqlite3.Connection, rebuilder: Rebuilder) -> None:
    """What an older generation left stays as history and is never current."""
    for table in ("source_packages", "binary_packages", "failures"):
        connection.execute(
            f"UPDATE main.{table} SET is_current = 0 WHERE rebuilder_id = ? AND is_current",
            (rebuilder.id,),
        )
    for table in ("queue", "workers"):
        connection.execute(f"DELETE FROM main.{table} WHERE rebuilder_id = ?", (rebuilder.id,))


def previous_ingest_at(connection: sqlite3.Connection, name: str, now: str) -> str | None:
    """When the last run that succeeded began; a run whose clock was ahead is left out."""
    (last,) = connection.execute(
        "SELECT max(started_at) FROM main.ingest_runs"
        " WHERE rebuilder = ? AND finished_at IS NOT NULL AND error IS NULL AND started_at <= ?",
        (name, now),
    ).fetchone()
    return None if last is None else str(last)


def remember_position(
    connection: sqlite3.Connection,
    rebuilder_id: int,
    generation: int,
    fingerprint: str | None,
    unread_artifacts: list[int],
) -> None:
    """Keep what the next run goes on from."""
    (highest,) = connection.execute(
        "SELECT coalesce(max(upstream_id), 0) FROM main.builds WHERE rebuilder_id = ? AND generation = ?",
        (rebuilder_id, generation),
    ).fetchone()
    connection.execute(
        "UPDATE main.rebuilders SET highest_build = :highest, fingerprint = :fingerprint,"
        " unread_artifacts = :unread WHERE id = :id"
        " AND (highest_build, fingerprint, unread_artifacts) IS NOT (:highest, :fingerprint, :unread)",
        {
            "id": rebuilder_id,
            "fingerprint": fingerprint,
            "unread": json.dumps(unread_artifacts) if unread_artifacts else None,
            "highest": highest,
        },
    )
