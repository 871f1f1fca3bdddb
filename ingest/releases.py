"""Where only the operator knows the release, it may be said later, or be corrected."""

from __future__ import annotations

import sqlite3

from ingest import sql

UNTOLD = frozenset({"API v0", "saved pkgs/list", "legacy database"})
"""The kinds of source that do not tell releases, as ``rebuilders.kind`` calls them."""


def rename(
    connection: sqlite3.Connection, rebuilder_id: int, generation: int, former: str | None, release: str | None
) -> str:
    """Move what a rebuilder has in a release to another one, with its history; returns a note.

    A package that is in both stays where it is, for the merge to settle.
    """
    parameters: sql.Parameters = {
        "rebuilder_id": rebuilder_id,
        "generation": generation,
        "former": former,
        "release": release,
    }
    sql.run(connection, "releases.sql", parameters)
    return f"the release is {release or '-'} now, it was {former or '-'}: everything was moved there"
