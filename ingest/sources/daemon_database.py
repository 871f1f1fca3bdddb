"""rebuilderd's own SQLite file, schema of 0.25 and later."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import ClassVar

from ingest.errors import SourceError
from ingest.progress import Progress
from ingest.sources import _sqlite_file, log_frames
from ingest.sources.base import Known, Log, LogRequest, Source
from ingest.sql import split
from ingest.values import printable

REQUIRED = {
    "source_packages": {"id", "name", "version", "distribution", "release"},
    "build_inputs": {"id", "source_package_id", "url", "backend", "architecture", "retries", "next_retry"},
    "rebuilds": {"id", "build_input_id", "started_at", "built_at", "build_log_id", "status"},
    "rebuild_artifacts": {
        "id", "rebuild_id", "name", "diffoscope_log_id", "attestation_log_id", "status",
    },
    "binary_packages": {
        "id", "source_package_id", "build_input_id", "name", "version", "architecture", "artifact_url",
    },
    "queue": {"id", "build_input_id", "priority", "queued_at", "started_at", "worker"},
    "workers": {"id", "name", "status", "last_ping", "online"},
}  # fmt: skip

_LIMITED = "SELECT length(log), CASE WHEN length(log) <= :largest THEN CAST(log AS BLOB) END"


class SQLiteSource(Source):
    """A source that is an SQLite file: its relations are views on the attached file."""

    carries_inputs = True
    log_columns: ClassVar[dict[str, set[str]]]
    """The columns without which the file has no logs."""
    log_queries: ClassVar[dict[str, str]]
    """By kind of log, how one (as ``log``) is found by its id."""

    def __init__(self, path: Path, columns: dict[str, set[str]]) -> None:
        super().__init__(printable(path.name))
        self.path = path
        self.columns = columns
        self.carries_logs = not lacking(columns, self.log_columns)
        self.at_rest = _sqlite_file.body(path) if _sqlite_file.is_at_rest(path) else None
        """What the file was like, where SQLite is told that nobody writes to it."""

    def state(self) -> str | None:
        return _sqlite_file.state(self.path)

    def confirm(self) -> None:
        if self.at_rest and _sqlite_file.body(self.path) != self.at_rest:
            raise SourceError(
                f"{self.path}: a daemon started to write to it while it was read; run the ingest again."
            )

    def reading_failed(self, error: Exception) -> str | None:
        message = str(error)
        if "disk is full" in message or "readonly" in message:
            return None
        return f"{self.path}: {_sqlite_file.explain(error)}"

    def logs(
        self, connection: sqlite3.Connection, wanted: Iterable[LogRequest], progress: Progress
    ) -> Iterator[Log]:
        _sqlite_file.attach(connection, self.path)
        requests = list(wanted)
        with progress.bar("logs of failures", len(requests)) as advance:
            for request in requests:
                yield self._log(connection, request)
                advance(1)

    def _log(self, connection: sqlite3.Connection, request: LogRequest) -> Log:
        select = f"{_LIMITED} FROM ({self.log_queries[request.kind]})"
        try:
            row = connection.execute(select, {"id": request.id, "largest": log_frames.LARGEST_LOG}).fetchone()
        except sqlite3.DatabaseError as error:
            if not error.sqlite_errorname.startswith("SQLITE_CORRUPT"):
                raise
            return Log(request, None, f"{self.location}: {_sqlite_file.explain(error)}")
        size, content = row or (0, None)
        if size and content is None:
            return Log(request, None, f"{self.location}: {log_frames.too_large(size)}")
        return Log(request, log_frames.frame(content))

    def create_views(self, connection: sqlite3.Connection, script: str, **variants: str) -> None:
        text = files("ingest.sources").joinpath(script).read_text()
        for name, expression in variants.items():
            text = text.replace(f"{{{name}}}", expression)
        for statement in split(text):
            connection.execute(statement)


class DaemonDatabase(SQLiteSource):
    """Columns that came and went between versions are looked up, not guessed from a version."""

    kind = "database"
    log_columns: ClassVar = {"build_logs": {"id", "build_log"}, "diffoscope_logs": {"id", "diffoscope_log"}}
    log_queries: ClassVar = {
        "build": (
            "SELECT l.build_log AS log FROM upstream.rebuilds AS r"
            " JOIN upstream.build_logs AS l ON l.id = r.build_log_id WHERE r.id = :id"
        ),
        "diffoscope": (
            "SELECT l.diffoscope_log AS log FROM upstream.rebuild_artifacts AS a"
            " JOIN upstream.diffoscope_logs AS l ON l.id = a.diffoscope_log_id WHERE a.id = :id"
        ),
    }

    def stage(self, connection: sqlite3.Connection, known: Known, progress: Progress) -> None:
        if missing := lacking(self.columns, REQUIRED):
            raise SourceError(
                f"{self.path}: a rebuilderd database of a schema that we do not know "
                f"(no {', '.join(sorted(missing))}); update rebuilderd-datasette."
            )
        _sqlite_file.attach(connection, self.path)
        source = self.columns["source_packages"]
        on_binary = "component" in self.columns["binary_packages"]
        component = "b.component" if on_binary else "s.component" if "component" in source else "NULL"
        self.create_views(
            connection,
            "daemon_database.sql",
            component=component,
            last_seen="s.last_seen" if "last_seen" in source else "NULL",
            seen="s.seen_in_last_sync" if "seen_in_last_sync" in source else "1",
        )


def lacking(columns: dict[str, set[str]], required: dict[str, set[str]]) -> set[str]:
    """The required ``table.column`` names that a file does not have."""
    return {
        f"{table}.{column}"
        for table, names in required.items()
        for column in names - columns.get(table, set())
    }
