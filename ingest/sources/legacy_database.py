"""rebuilderd's SQLite file up to 0.24: tables pkgbases, packages and builds."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import ClassVar

from ingest import incoming
from ingest.errors import SourceError
from ingest.progress import Progress
from ingest.sources import _sqlite_file
from ingest.sources.base import Known
from ingest.sources.sqlite_source import SQLiteSource, lacking
from ingest.sql import quote

REQUIRED = {
    "pkgbases": {
        "id", "name", "version", "distro", "architecture", "input_url", "retries", "next_retry",
    },
    "packages": {
        "id", "pkgbase_id", "name", "version", "status", "distro", "suite", "architecture",
        "artifact_url", "build_id", "built_at", "has_diffoscope", "has_attestation",
    },
    "builds": {"id"},
    "queue": {"id", "pkgbase_id", "priority", "queued_at", "started_at", "worker_id"},
    "workers": {"id", "status", "last_ping", "online"},
}  # fmt: skip

_ORPHANS = """
SELECT count(*) FROM upstream.builds
WHERE id NOT IN (SELECT build_id FROM upstream.packages WHERE build_id IS NOT NULL)
"""


class LegacyDatabase(SQLiteSource):
    """Knows the last result of each binary only, and no release: the operator says which."""

    kind = "legacy database"
    carries_status = True
    log_columns: ClassVar = {"builds": {"build_log", "diffoscope"}}
    log_queries: ClassVar = {
        "build": "SELECT build_log AS log FROM upstream.builds WHERE id = :id",
        "diffoscope": "SELECT diffoscope AS log FROM upstream.builds WHERE id = :id",
    }

    def __init__(self, path: Path, columns: dict[str, set[str]], release: str | None) -> None:
        super().__init__(path, columns)
        self.release = release

    def state(self) -> str | None:
        return f"{super().state()} {self.release}"

    def stage(self, connection: sqlite3.Connection, known: Known, progress: Progress) -> None:
        if missing := lacking(self.columns, REQUIRED):
            raise SourceError(
                f"{self.path}: a rebuilderd database of a schema that we do not know "
                f"(no {', '.join(sorted(missing))}); let a newer rebuilderd migrate a copy of it."
            )
        _sqlite_file.attach(connection, self.path)
        incoming.create_views(connection, "legacy_database.sql", release=quote(self.release))
        incoming.create_views(connection, "binaries_only.sql")

    def orphans(self, connection: sqlite3.Connection) -> int:
        return int(connection.execute(_ORPHANS).fetchone()[0])
