"""Whether a database that others write to is still as it was, asked at the price of microseconds."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Hashable


class Watch:
    """Compares states of one database; the connection is made when it is first asked for."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._connection: sqlite3.Connection | None = None

    def state(self) -> Hashable:
        """Equal as long as nobody commits; equal to nothing where the database cannot be read now."""
        # SQLite counts the commits of others, as one and the same connection sees them.
        try:
            self._connection = self._connection or self._connect()
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])
        except sqlite3.OperationalError:
            return object()
