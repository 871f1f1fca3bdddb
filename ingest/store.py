"""Our own database: opening it, and the log of runs."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from ingest import read_only, schema, values
from ingest.errors import DatabaseError

BUSY_SECONDS = 60
CACHE_KIB = 16 * 1024
PAGE_BYTES = 8192
_LARGEST_IDENTITY = 2**31 - 1


@contextmanager
def open_database(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the database to write to, made where missing, brought to the current schema.

    Raises DatabaseError where the file is no SQLite database, belongs to
    something else, or cannot be read or written.
    """
    with saying(path):
        if _exists(path):
            _refuse_foreign(path)
        with closing(connect(path)) as connection:
            schema.apply(connection)
            _give_identity(connection)
            yield connection


@contextmanager
def reading_database(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the database to read, as it is, by somebody who may do no more than that.

    Raises DatabaseError also where an older version made it: what it lacks only a writer can add.
    """
    with saying(path), closing(_to_read(path)) as connection:
        values.register(connection)
        yield connection


def identity(connection: sqlite3.Connection) -> int:
    """A number that a database keeps under every name and in every copy; 0 before anything writes to it."""
    (number,) = connection.execute("PRAGMA main.user_version").fetchone()
    return int(number)


def _give_identity(connection: sqlite3.Connection) -> None:
    if not identity(connection):
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            if not identity(connection):  # another run may have been quicker
                connection.execute(f"PRAGMA main.user_version = {secrets.randbelow(_LARGEST_IDENTITY) + 1}")


def _to_read(path: Path) -> sqlite3.Connection:
    connection = read_only.connect(path)
    try:
        names = _names(connection)
        _refuse_names(path, names)
        if names and not schema.is_current(connection):
            raise DatabaseError(
                f"{path}: it was made by an older version of this program;"
                f" `rebuilderd-datasette statistics run {path}` brings it to this one, as every ingest does."
            )
        if not names:  # nothing was written to it yet: it says what a new one says
            connection.close()
            connection = sqlite3.connect(":memory:", isolation_level=None)
            schema.apply(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError as error:
        raise DatabaseError(f"{path}: cannot be looked at ({error.strerror}); name another file.") from error


def connect(path: Path) -> sqlite3.Connection:
    """A connection with our settings: WAL, no implicit transactions, our SQL functions."""
    connection = sqlite3.connect(
        path.absolute().as_uri(), uri=True, isolation_level=None, timeout=BUSY_SECONDS
    )
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_BYTES}")  # of a new file; an old one keeps its own
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        values.register(connection)
    except BaseException:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection, path: Path) -> Iterator[None]:
    """All or nothing. Waits for other writers first: a reader that turns writer may not wait."""
    with saying(path):
        connection.execute("BEGIN IMMEDIATE")
    with connection:
        yield


def make_room(connection: sqlite3.Connection) -> None:
    """Within a transaction that wrote much: let what reads next have the cache.

    SQLite keeps nine tenths of it for changed pages and goes on doing so until the commit; with
    next to no cache they have to give way to what is read, here the pages of the largest table.
    """
    connection.execute("PRAGMA main.cache_size = 10")
    connection.execute("SELECT count(*) FROM main.binary_packages NOT INDEXED").fetchone()
    connection.execute(f"PRAGMA main.cache_size = -{CACHE_KIB}")


@contextmanager
def saying(path: Path) -> Iterator[None]:
    """Say what SQLite complains of in a sentence about ``path``."""
    try:
        yield
    except sqlite3.Error as error:
        raise DatabaseError(f"{path}: {_advice(str(error))}") from error


_READ_ERRORS = ("SQLITE_IOERR_READ", "SQLITE_IOERR_SHORT_READ", "SQLITE_IOERR_CORRUPTFS")


def is_to_blame(connection: sqlite3.Connection, error: Exception) -> bool:
    """Whether it is our own database or its disk that failed, and not a file that was read."""
    name = getattr(error, "sqlite_errorname", None) or ""
    if name.startswith("SQLITE_CORRUPT"):
        try:
            return bool(connection.execute("PRAGMA main.quick_check(1)").fetchone()[0] != "ok")
        except sqlite3.Error:
            return True
    return name.startswith(("SQLITE_FULL", "SQLITE_READONLY", "SQLITE_IOERR_")) and name not in _READ_ERRORS


def _advice(message: str) -> str:
    advice = {
        "database or disk is full": (
            "the disk is full, or the one of temporary files, which TMPDIR names;"
            " free some space and run the ingest again."
        ),
        "disk I/O error": "the disk gave an error; check that it is neither full nor broken.",
        "attempt to write a readonly database": "it is read-only; check the file's permissions.",
        "unable to open database file": (
            "it cannot be opened; check that the folder exists and that you may write to it."
        ),
        "database is locked": (
            f"another program kept it locked for {BUSY_SECONDS} seconds; try again later."
        ),
        "file is not a database": "it is not an SQLite database; name another file.",
        "database disk image is malformed": (
            "the database is damaged; restore a copy or ingest into a new file."
        ),
    }
    if "constraint failed" in message:
        return (
            f"what was read contradicts itself in a way that nobody foresaw ({message}); nothing was taken over."
            " Please report it, with the version of the rebuilder."
        )
    return advice.get(message, f"SQLite says “{message}”; see `PRAGMA integrity_check`.")


def _refuse_foreign(path: Path) -> None:
    try:
        names = _table_names(path, "ro")
    except sqlite3.OperationalError as error:
        # A run killed while it made the database: only a writer may roll back what it left.
        if error.sqlite_errorname not in ("SQLITE_READONLY_ROLLBACK", "SQLITE_READONLY_RECOVERY"):
            raise
        names = _table_names(path, "rw")
    _refuse_names(path, names)


def _refuse_names(path: Path, names: set[str]) -> None:
    if names and "ingest_runs" not in names and "_sqlite_migrations" not in names:
        raise DatabaseError(
            f"{path}: it is another program's SQLite database; name a file of our own or a new one."
        )


def freshness(path: Path) -> list[dict[str, Any]]:
    """The rows of the view ``rebuilder_freshness``, by name. Raises DatabaseError."""
    with reading_database(path) as connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute("SELECT * FROM rebuilder_freshness ORDER BY rebuilder").fetchall()
        return [dict(row) for row in rows]


def forget(path: Path, rebuilder: str) -> None:
    """Remove the failed runs of a rebuilder that was never read. Raises DatabaseError for any other."""
    with open_database(path) as connection, transaction(connection, path):
        gone = connection.execute(
            "DELETE FROM ingest_runs WHERE rebuilder = ? AND rebuilder NOT IN (SELECT name FROM rebuilders)",
            (rebuilder,),
        ).rowcount
    if not gone:
        raise DatabaseError(
            f"{path}: has no “{values.printable(rebuilder)}” that was never read; one that was read stays,"
            " and without --forget all names are listed."
        )


def _table_names(path: Path, mode: str) -> set[str]:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True)
    try:
        return _names(connection)
    finally:
        connection.close()


def _names(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}


class RunLog:
    """The row of one run in ``ingest_runs``, written outside the data's transaction."""

    def __init__(self, connection: sqlite3.Connection, rebuilder: str, source: str) -> None:
        self.connection = connection
        self.id = connection.execute(
            "INSERT INTO ingest_runs (rebuilder, source, started_at) VALUES (?, ?, ?)",
            (rebuilder, source, values.now()),
        ).lastrowid

    def finish(self, **columns: str | int | None) -> None:
        assignments = ", ".join(f"{name} = :{name}" for name in columns)
        self.connection.execute(
            f"UPDATE ingest_runs SET finished_at = :now, {assignments} WHERE id = :id",
            {"now": values.now(), "id": self.id, **columns},
        )
