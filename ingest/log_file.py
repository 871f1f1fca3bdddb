"""Opens the file of a log store: that it is one, and whose. Two databases in one would drop each other's logs."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest import read_only, sql
from ingest.errors import DatabaseError

_APPLICATION = 0x72626C67
"""SQLite's ``application_id`` of a log store."""
_VERSION = 1
_CLAIM = "INSERT INTO owner (identity) SELECT ? WHERE NOT EXISTS (SELECT 1 FROM owner)"


def connect(path: Path, owner: int | None, timeout: float) -> sqlite3.Connection:
    """To read and to write, made where it is missing; a store of nobody is ``owner``'s from now on.

    Raises DatabaseError where it is no log store that we know, or another database's, and sqlite3.Error.
    """
    connection = sqlite3.connect(path, isolation_level=None, timeout=timeout)
    try:
        if _is_new(connection, path):
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("PRAGMA journal_mode = WAL")
            with transaction(connection):
                if _is_new(connection, path):
                    sql.run(connection, "logs.sql", {})
                    connection.execute(f"PRAGMA application_id = {_APPLICATION}")
                    connection.execute(f"PRAGMA user_version = {_VERSION}")
        connection.execute("PRAGMA synchronous = NORMAL")
        if owner and _owner(connection) is None:
            with transaction(connection):
                connection.execute("CREATE TABLE IF NOT EXISTS owner (identity INTEGER NOT NULL) STRICT")
                connection.execute(_CLAIM, (owner,))
        _refuse_other(connection, path, owner)
    except BaseException:
        connection.close()
        raise
    return connection


def connect_to_read(path: Path, owner: int | None) -> sqlite3.Connection | None:
    """To read only, None where nothing was written to it yet. Raises as ``connect`` does."""
    connection = read_only.connect(path)
    try:
        if not _is_new(connection, path):
            _refuse_other(connection, path, owner)
            return connection
    except BaseException:
        connection.close()
        raise
    connection.close()
    return None


def belongs_to_other(connection: sqlite3.Connection, owner: int | None) -> bool:
    """Whether both are known and differ."""
    return bool(owner) and _owner(connection) not in (None, owner)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        yield


def _is_new(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the file is empty yet. Raises DatabaseError where it is no log store that we know."""
    # First of all: another run may make the tables meanwhile, and the rest together with them.
    if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        return True
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != _APPLICATION:
        raise DatabaseError(f"{path}: another program's database lies where logs are kept; move it away.")
    if version != _VERSION:
        raise DatabaseError(
            f"{path}: the log store was made by another version of rebuilderd-datasette;"
            " delete it, logs are fetched anew."
        )
    return False


def _refuse_other(connection: sqlite3.Connection, path: Path, owner: int | None) -> None:
    if belongs_to_other(connection, owner):
        raise DatabaseError(
            f"{path}: the logs of another database lie there; move or delete them, or name the database differently."
        )


def _owner(connection: sqlite3.Connection) -> int | None:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'owner'").fetchone():
        return None
    row = connection.execute("SELECT identity FROM owner").fetchone()
    return None if row is None else int(row[0])
