"""The log store: ``reproducibility.logs``, a cache of the logs of failures beside the database.

Logs are kept as upstream stores them, compressed with zstd. They are committed
in batches before the run's own transaction, so that a killed run finds what it
had fetched. Deleting the file is always allowed.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Literal, NamedTuple

from ingest import log_file, sql, store, values
from ingest.errors import DatabaseError
from ingest.sources import _sqlite_file

BATCH_LOGS = 200
BATCH_BYTES = 16 * 1024**2
BATCH_SECONDS = 10.0
"""What may wait in memory for the next commit: so many logs, so many bytes, so long."""
BUSY_SECONDS = 60.0
GRACE_DAYS = 1
"""How long a log is left alone at least: another run may be about to use it."""
_GET = """
SELECT content FROM logs
WHERE rebuilder = ? AND generation = ? AND kind = ? AND upstream_id = ? AND built_at IS ?
"""
_HAS = _GET.replace("SELECT content", "SELECT 1")
_PRUNE = """
DELETE FROM logs WHERE stored_at NOT BETWEEN :grace AND :now AND (
    coalesce(built_at, stored_at) < :oldest
    OR (rebuilder, generation, kind, upstream_id) NOT IN (SELECT * FROM live)
)
"""
"""What was stored at a time to come, by a clock that was ahead, gets no grace."""
_PUT = "INSERT OR REPLACE INTO logs VALUES (?, ?, ?, ?, ?, ?, ?)"


LogKind = Literal["build", "diffoscope"]


class LogKey(NamedTuple):
    """What a log is kept under: the rebuilder's name, its generation, and upstream's id.

    The id is that of ``LogRequest``: the build's for a build log, for diffoscope
    output the artifact's (in the old schema and API v0 the artifact's own build).
    """

    rebuilder: str
    generation: int
    kind: LogKind
    upstream_id: int


class StoredLog(NamedTuple):
    """A log that is kept: zstd, or None where upstream has an empty one or none."""

    content: bytes | None


def beside(database: Path) -> Path:
    """Where the log store of a database is: ``r.logs`` for ``r.db``, ``r.sqlite.logs`` for ``r.sqlite``.

    A link to a database, as a site that keeps its state elsewhere has it, is followed.
    """
    file = database.resolve() if database.is_symlink() else database
    return file.with_suffix(".logs") if file.suffix == ".db" else file.with_name(f"{file.name}.logs")


def store_of(database: Path, connection: sqlite3.Connection, *, read_only: bool = False) -> LogStore:
    """The log store of a database that ``connection`` is open to."""
    return LogStore(beside(database), owner=store.identity(connection), read_only=read_only)


def read(path: Path, key: LogKey, built_at: str | None, owner: int | None = None) -> StoredLog | None:
    """One log of ``owner``, without ever writing to the store; None where it is not kept.

    Raises DatabaseError.
    """
    try:
        while True:
            before = _sqlite_file.body(path)
            with _saying(path), closing(sqlite3.connect(_sqlite_file.uri(path), uri=True)) as connection:
                is_other = log_file.belongs_to_other(connection, owner)
                found = None if is_other else _found(connection, key, built_at)
            # A store at rest is read without locks: what a writer changed meanwhile is read again.
            if _sqlite_file.body(path) == before:
                return found
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DatabaseError(f"{path}: cannot be read ({error.strerror}); check its permissions.") from error


def live_keys(connection: sqlite3.Connection) -> Iterator[LogKey]:
    """The keys of all logs that the failures in our database refer to."""
    (select,) = sql.statements("logs_live.sql")
    return (LogKey(*row) for row in connection.execute(select))


class LogStore:
    """The store of one database, to read and to write; the file is made with its first log.

    A context manager: at its end it commits what still waits. A log counts only
    with the ``built_at`` of its build that it was stored with, since upstream's
    ids can start again. It remembers its ``owner``, the identity of its database, and refuses
    another. With ``read_only`` nothing is put. All methods raise DatabaseError.
    """

    def __init__(self, path: Path, *, owner: int | None = None, read_only: bool = False) -> None:
        self.path = path
        self.owner = owner
        self.read_only = read_only
        self._connection: sqlite3.Connection | None = None
        self._waiting: dict[LogKey, tuple[str | None, bytes | None]] = {}
        self._waiting_bytes = 0
        self._waiting_since = 0.0

    def __enter__(self) -> LogStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.flush()
        except DatabaseError:
            if error is None:  # else what went wrong first is what the operator should read of
                raise
        finally:
            if self._connection:
                self._connection.close()
                self._connection = None

    def refuse_other(self) -> None:
        """Raise DatabaseError now, and not only with the first log, where the store is another database's."""
        self._open()

    def get(self, key: LogKey, built_at: str | None) -> StoredLog | None:
        """One log, None where it is not kept. Takes microseconds: ask as often as you like."""
        if key in self._waiting:
            stored_with, content = self._waiting[key]
            return StoredLog(content) if stored_with == built_at else None
        if not (connection := self._open()):
            return None
        with _saying(self.path):
            return _found(connection, key, built_at)

    def missing(self, wanted: Iterable[tuple[LogKey, str | None]]) -> Iterator[LogKey]:
        """The keys, asked for with their builds' ``built_at``, whose logs are not kept; in their order."""
        connection = self._open()
        with _saying(self.path):
            for key, built_at in wanted:
                if key in self._waiting and self._waiting[key][0] == built_at:
                    continue
                if not connection or not connection.execute(_HAS, (*key, built_at)).fetchone():
                    yield key

    def put(self, key: LogKey, built_at: str | None, content: bytes | None) -> None:
        """Keep a log, instead of an older one of that key; committed with its batch."""
        if not self._waiting:
            self._waiting_since = time.monotonic()
        self._waiting[key] = built_at, content
        self._waiting_bytes += len(content or b"")
        if (
            len(self._waiting) >= BATCH_LOGS
            or self._waiting_bytes >= BATCH_BYTES
            or time.monotonic() - self._waiting_since >= BATCH_SECONDS
        ):
            self.flush()

    def flush(self) -> None:
        """Commit what waits. Where that fails the store is as it was."""
        if not self._waiting:
            return
        now = values.now()
        rows = [(*key, built_at, now, content) for key, (built_at, content) in self._waiting.items()]
        self._waiting.clear()
        self._waiting_bytes = 0
        connection = self._open(create=True)
        assert connection
        with _saying(self.path), log_file.transaction(connection):
            connection.executemany(_PUT, rows)

    def prune(self, live: Iterable[LogKey], days: int | None = None, until: str | None = None) -> int:
        """Drop logs of builds older than ``days`` and those not in ``live``, after a day of grace.

        The days are counted back from ``until``, or from now. Gives the space back to the disk. Returns how many logs were dropped.
        """
        self.flush()
        if not (connection := self._open()):
            return 0
        with _saying(self.path):
            connection.execute(
                "CREATE TEMP TABLE live (rebuilder, generation, kind, upstream_id,"
                " PRIMARY KEY (rebuilder, generation, kind, upstream_id)) WITHOUT ROWID"
            )
            now = values.now()
            with log_file.transaction(connection):
                connection.executemany("INSERT OR IGNORE INTO live VALUES (?, ?, ?, ?)", live)
                dropped = connection.execute(
                    _PRUNE,
                    {
                        "now": now,
                        "grace": _before(now, GRACE_DAYS),
                        "oldest": "" if days is None else _before(until or now, days),
                    },
                ).rowcount
            connection.execute("DROP TABLE temp.live")
            # Not `execute`: it stops after the first page.
            connection.executescript("PRAGMA incremental_vacuum")
        return dropped

    def _open(self, *, create: bool = False) -> sqlite3.Connection | None:
        """The connection, None where there is no file yet, or to a reader nothing in it."""
        if self._connection is None and (create or self.path.exists()):
            with _saying(self.path):
                self._connection = (
                    log_file.connect_to_read(self.path, self.owner)
                    if self.read_only
                    else log_file.connect(self.path, self.owner, BUSY_SECONDS)
                )
        return self._connection


def _found(connection: sqlite3.Connection, key: LogKey, built_at: str | None) -> StoredLog | None:
    row = connection.execute(_GET, (*key, built_at)).fetchone()
    return StoredLog(*row) if row else None


def _before(time: str, days: int) -> str:
    """So many days earlier, ISO 8601 UTC; of what was before our calendar a text before all times."""
    try:
        return f"{(datetime.fromisoformat(time[:19]) - timedelta(days=days)).isoformat()}Z"
    except OverflowError:
        return ""


@contextmanager
def _saying(path: Path) -> Iterator[None]:
    """Say what SQLite complains of in a sentence about the log store."""
    try:
        yield
    except sqlite3.Error as error:
        raise DatabaseError(f"{path}: {_advice(str(error))}") from error


def _advice(message: str) -> str:
    if "malformed" in message or "not a database" in message or "no such table" in message:
        return "the log store is damaged; delete it, logs are fetched anew."
    if "locked" in message:
        return f"another program kept the log store locked for {BUSY_SECONDS:.0f} seconds; try again later."
    if "disk is full" in message:
        return "the disk is full, no more logs can be kept; free some space and run the ingest again."
    return (
        f"the log store cannot be used, SQLite says “{message}”; check the disk and the file's permissions."
    )
