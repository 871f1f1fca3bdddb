"""Responses of a rebuilderd that somebody saved: ``pkgs/list``, or upstream's proposed stats."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ingest import incoming, records
from ingest.errors import SourceError
from ingest.progress import Progress
from ingest.sources import _sqlite_file, pkgs_list
from ingest.sources.base import Known, Source
from ingest.sources.json_records import Json, Skipped, objects, parsed, whole
from ingest.values import printable


def open_saved(path: Path, release: str | None) -> Source:
    """What a JSON file holds, told by its first record. Raises SourceError."""
    with path.open("rb") as file:
        first = next(objects(file, "item", str(path)), None)
    keys = set(first) if isinstance(first, dict) else set()
    if {"captured_at", "good", "bad", "fail", "unknown"} <= keys:
        return SavedStats(path)
    if {"name", "version", "status", "distro", "artifact_url"} <= keys:
        return SavedPkgsList(path, release)
    raise SourceError(
        f"{path}: JSON, but neither the array of pkgs/list nor that of stats, or an empty one; "
        "save the whole answer of GET /api/v0/pkgs/list."
    )


class SavedPkgsList(Source):
    """The array of ``GET /api/v0/pkgs/list``."""

    kind = "saved pkgs/list"
    carries_status = True
    lists_queue = False
    lists_workers = False

    def __init__(self, path: Path, release: str | None) -> None:
        super().__init__(printable(path.name))
        self.path = path
        self.release = release

    def state(self) -> str | None:
        return f"{_sqlite_file.state(self.path)} {self.release}"

    def stage(self, connection: sqlite3.Connection, known: Known, progress: Progress) -> None:
        skipped = Skipped()
        with self.path.open("rb") as body:
            pkgs_list.stage(connection, body, str(self.path), self.release, skipped)
        skipped.report(connection)


class SavedStats(Source):
    """The array of upstream's proposed ``GET /api/v1/stats``: totals of the past."""

    kind = "saved stats"
    lists_packages = False

    def __init__(self, path: Path) -> None:
        super().__init__(printable(path.name))
        self.path = path

    def stage(self, connection: sqlite3.Connection, known: Known, progress: Progress) -> None:
        incoming.create_missing(connection)
        skipped = Skipped()
        with self.path.open("rb") as body:
            found = objects(body, "item", str(self.path))
            incoming.insert(connection, parsed(found, _snapshot, "snapshot", skipped))
        with self.path.open("rb") as body:
            incoming.insert(connection, self._categories(objects(body, "item", str(self.path)), skipped))
        skipped.report(connection)

    @staticmethod
    def _categories(snapshots: Iterator[object], skipped: Skipped) -> Iterator[records.ImportedCategory]:
        for snapshot in snapshots:
            if not isinstance(snapshot, dict) or not isinstance(snapshot.get("categories"), list):
                continue
            make = partial(_category, snapshot)
            yield from parsed(snapshot["categories"], make, "category count", skipped)


def _category(snapshot: Json, record: Json) -> records.ImportedCategory:
    return records.ImportedCategory(
        category_key=None,
        upstream_snapshot_id=whole(snapshot, "id"),
        category=record["category"],
        failures=record["count"],
    )


def _snapshot(record: Json) -> records.ImportedSnapshot:
    return records.ImportedSnapshot(
        upstream_id=whole(record, "id"),
        captured_at=record["captured_at"],
        distribution=record.get("distribution"),
        release=record.get("release"),
        architecture=record.get("architecture"),
        good=record["good"],
        bad=record["bad"],
        fail=record["fail"],
        unknown=record["unknown"],
    )
