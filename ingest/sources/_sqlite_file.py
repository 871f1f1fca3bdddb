"""Reads another program's SQLite file without ever writing to it."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest.errors import SourceError

BUSY_SECONDS = 10
READING_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""The second: SQLite quotes what it complains of, and a damaged file's bytes are no text."""
_WAL_FORMAT = 2
_LOCKED = "it stayed locked by another program; try again when that has finished."
_DAMAGED = "the database is damaged or cut short; copy it again, with `sqlite3 FILE .backup COPY`."


@contextmanager
def looking_at(path: Path) -> Iterator[None]:
    """Raises SourceError where the file is gone, or may not be read any more."""
    try:
        yield
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror}); check its permissions.") from error


def sidecar(path: Path, suffix: str) -> Path:
    """A file that SQLite keeps beside a database: beside the file itself, where ``path`` is a link to it."""
    file = path.resolve()
    return file.with_name(file.name + suffix)


def is_at_rest(path: Path) -> bool:
    """Whether it is a WAL database that nobody has open: it has no log, or none with anything in it.

    SQLite would make the files of a log to read it, which fails on a read-only
    mount and is a write anywhere.
    """
    with path.open("rb") as file:
        header = file.read(100)
    log = sidecar(path, "-wal")
    is_wal = len(header) == 100 and header[18] == _WAL_FORMAT
    in_use = log.exists() and (log.stat().st_size or sidecar(path, "-shm").exists())
    return is_wal and not in_use


def uri(path: Path) -> str:
    """How to open the file: read-only, and as immutable where opening would make files beside it."""
    return f"{path.absolute().as_uri()}?{'immutable=1' if is_at_rest(path) else 'mode=ro'}"


def body(path: Path) -> str:
    """Changes whenever the file itself does, its log aside."""
    status = path.stat()
    return f"{status.st_size} {status.st_mtime_ns}"


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
        with looking_at(path):
            connection = sqlite3.connect(uri(path), uri=True, timeout=BUSY_SECONDS)
        connection.text_factory = _lenient
        try:
            _refuse_cut(connection, path)
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            return {
                name: {
                    column
                    for (column,) in connection.execute("SELECT name FROM pragma_table_info(?)", (name,))
                }
                for (name,) in tables
            }
        finally:
            connection.close()
    except READING_ERRORS as error:
        raise SourceError(f"{path}: {explain(error)}") from error


def _lenient(name: bytes) -> str:
    return name.decode(errors="replace")


def _refuse_cut(connection: sqlite3.Connection, path: Path) -> None:
    """SQLite itself notices that whole pages are missing, but not that the last one is cut."""
    connection.execute("BEGIN")
    connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    (page_size,) = connection.execute("PRAGMA page_size").fetchone()
    with looking_at(path):
        size = path.stat().st_size
    if size % page_size:
        raise SourceError(f"{path}: {_DAMAGED}")


def explain(error: Exception) -> str:
    """What SQLite complains of when reading a foreign file, in words."""
    message = "malformed" if isinstance(error, UnicodeDecodeError) else str(error)
    if "locked" in message:
        return _LOCKED
    if "unable to open" in message:
        return "it cannot be opened; check its permissions and those of its folder."
    if "malformed" in message or "not a database" in message or "disk I/O" in message:
        return _DAMAGED
    return f"it cannot be read as a rebuilderd database, SQLite says “{message}”; check where it comes from."


def is_attached(connection: sqlite3.Connection) -> bool:
    found = connection.execute("SELECT 1 FROM pragma_database_list WHERE name = 'upstream'").fetchone()
    return found is not None


def attach(connection: sqlite3.Connection, path: Path) -> None:
    """Attach the file as ``upstream``. Raises SourceError where it cannot be read."""
    if is_attached(connection):
        return
    try:
        with looking_at(path):
            connection.execute("ATTACH ? AS upstream", (uri(path),))
        connection.execute("SELECT 1 FROM upstream.sqlite_master LIMIT 1").fetchone()
        connection.execute("PRAGMA upstream.cache_size = -8192")
    except READING_ERRORS as error:
        raise SourceError(f"{path}: {explain(error)}") from error
