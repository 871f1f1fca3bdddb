"""Opens our own files for commands that only read: nothing is written to them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ingest.errors import DatabaseError
from ingest.sources import _sqlite_file

BUSY_SECONDS = 60
_REFUSED = ("SQLITE_CANTOPEN", "SQLITE_READONLY")


def connect(path: Path) -> sqlite3.Connection:
    """A connection that cannot write.

    Where SQLite cannot make the files that it wants beside a WAL database, the file is read as it is,
    unless that leaves out what was committed. Raises DatabaseError, sqlite3.Error.
    """
    address = path.absolute().as_uri()
    try:
        return _tried(f"{address}?mode=ro")
    except sqlite3.Error as error:
        if not (error.sqlite_errorname or "").startswith(_REFUSED):
            raise
    for suffix in ("-wal", "-journal"):
        unfinished = _sqlite_file.sidecar(path, suffix)
        if unfinished.exists() and unfinished.stat().st_size:
            raise DatabaseError(
                f"{path}: what {unfinished.name} holds belongs to it and cannot be read without writing; read it"
                " as the user who ingests, or read a copy made with VACUUM INTO."
            )
    try:
        return _tried(f"{address}?immutable=1")
    except sqlite3.OperationalError as error:
        raise DatabaseError(f"{path}: it cannot be opened; check its permissions.") from error


def _tried(address: str) -> sqlite3.Connection:
    """Opened and looked into: SQLite opens nothing before that."""
    connection = sqlite3.connect(address, uri=True, isolation_level=None, timeout=BUSY_SECONDS)
    try:
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection
