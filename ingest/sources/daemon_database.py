"""rebuilderd's own SQLite file, schema of 0.25 and later."""

from __future__ import annotations

import sqlite3
from typing import ClassVar

from ingest import incoming
from ingest.errors import SourceError
from ingest.progress import Progress
from ingest.sources import _sqlite_file
from ingest.sources.base import Known
from ingest.sources.sqlite_source import SQLiteSource, lacking

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
        incoming.create_views(
            connection,
            "daemon_database.sql",
            component=component,
            last_seen="s.last_seen" if "last_seen" in source else "NULL",
            seen="s.seen_in_last_sync" if "seen_in_last_sync" in source else "1",
        )
