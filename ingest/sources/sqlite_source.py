"""What a rebuilderd's SQLite file of any version has in common: how it is read, and its logs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

from ingest.errors import SourceError
from ingest.progress import Progress
from ingest.sources import _sqlite_file, log_frames
from ingest.sources.base import Log, LogRequest, Source
from ingest.values import printable

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
        with _sqlite_file.looking_at(path):
            self.at_rest = _sqlite_file.body(path) if _sqlite_file.is_at_rest(path) else None
        """What the file was like, where SQLite is told that nobody writes to it."""

    def state(self) -> str | None:
        return _sqlite_file.state(self.path)

    def confirm(self) -> None:
        with _sqlite_file.looking_at(self.path):
            is_as_before = not self.at_rest or _sqlite_file.body(self.path) == self.at_rest
        if not is_as_before:
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


def lacking(columns: dict[str, set[str]], required: dict[str, set[str]]) -> set[str]:
    """The required ``table.column`` names that a file does not have."""
    return {
        f"{table}.{column}"
        for table, names in required.items()
        for column in names - columns.get(table, set())
    }
