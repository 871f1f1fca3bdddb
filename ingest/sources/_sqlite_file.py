"""Reads another program's SQLite file without ever writing to it."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

from ingest.errors import SourceError

_WAL_FORMAT = 2
_LOCKED = "it stayed locked by another program; try again when that has finished."


def sidecar(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def uri(path: Path) -> str:
    """How to open the file: read-only, and as immutable where opening would make files beside it.

    A WAL database that nobody has open has no ``-wal`` file; SQLite would make
    one to read it, which fails on a read-only mount and is a write anywhere.
    """
    with path.open("rb") as file:
        header = file.read(100)
    log = sidecar(path, "-wal")
    is_wal = len(header) == 100 and header[18] == _WAL_FORMAT
    at_rest = is_wal and not (log.exists() and log.stat().st_size)
    return f"{path.absolute().as_uri()}?{'immutable=1' if at_rest else 'mode=ro'}"


def state(path: Path) -> str:
    """Changes whenever the database does: size, time and change counter of file and log."""
    digest = hashlib.sha256()
    for file in (path, sidecar(path, "-wal")):
        if file.exists():
            status = file.stat()
            digest.update(f"{status.st_size} {status.st_mtime_ns} ".encode())
            with file.open("rb") as content:
                digest.update(content.read(100))
    return digest.hexdigest()


def table_columns(path: Path) -> dict[str, set[str]]:
    """The columns of each table. Raises SourceError where the file is no SQLite database."""
    try:
        connection = sqlite3.connect(uri(path), uri=True, timeout=10)
        try:
            tables = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
            ).fetchall()
            return {
                name: {
                    column for (column,) in connection.execute("SELECT name FROM pragma_table_info(?)", (name,))
                }
                for (name,) in tables
            }
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise SourceError(f"{path}: {explain(error)}") from error
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror}); check its permissions.") from error


def explain(error: sqlite3.Error) -> str:
    """What SQLite complains of when reading a foreign file, in words."""
    message = str(error)
    if "locked" in message:
        return _LOCKED
    if "unable to open" in message:
        return "it cannot be opened; check its permissions and those of its folder."
    if "malformed" in message or "not a database" in message or "disk I/O" in message:
        return "the database is damaged or cut short; copy it again, with `sqlite3 FILE .backup COPY`."
    return f"it cannot be read as a rebuilderd database, SQLite says “{message}”; check where it comes from."


def is_attached(connection: sqlite3.Connection) -> bool:
    return any(row[1] == "upstream" for row in connection.execute("PRAGMA database_list"))


def attach(connection: sqlite3.Connection, path: Path) -> None:
    """Attach the file as ``upstream``. Raises SourceError where it cannot be read."""
    if is_attached(connection):
        return
    try:
        connection.execute("ATTACH ? AS upstream", (uri(path),))
        connection.execute("SELECT 1 FROM upstream.sqlite_master LIMIT 1").fetchone()
        connection.execute("PRAGMA upstream.cache_size = -8192")
    except sqlite3.Error as error:
        raise SourceError(f"{path}: {explain(error)}") from error
