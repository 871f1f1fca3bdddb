"""Whether a database that others write to is still as it was, asked at the price of microseconds."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Hashable
from typing import Literal


class Watch:
    """Compares states of one database; the connection is made when it is first asked for.

    Those of its data differ with each commit of others, those of its schema when a table or view does.
    """

    def __init__(
        self, connect: Callable[[], sqlite3.Connection], of: Literal["data", "schema"] = "data"
    ) -> None:
        self._connect = connect
        self._ask = f"PRAGMA {of}_version"
        self._connection: sqlite3.Connection | None = None

    def state(self) -> Hashable:
        """Equal as long as nothing changes; equal to nothing where the database cannot be read now."""
        # SQLite counts the commits of others, as one and the same connection sees them.
        try:
            self._connection = self._connection or self._connect()
            return int(self._connection.execute(self._ask).fetchone()[0])
        except sqlite3.OperationalError:
            return object()
