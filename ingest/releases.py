"""What only the operator knows of releases: which one it is, said later or corrected, and its other names."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ingest import sql, store
from ingest.config import Aliases

UNTOLD = frozenset({"API v0", "saved pkgs/list", "legacy database"})
"""The kinds of source that do not tell releases, as ``rebuilders.kind`` calls them."""


def rename(
    connection: sqlite3.Connection,
    rebuilder_id: int,
    generation: int,
    former: str | None,
    release: str | None,
) -> list[str]:
    """Move what a rebuilder has in a release to another one, with its history; returns notes.

    A package that is in both stays where it is, for the merge to settle.
    """
    parameters: sql.Parameters = {
        "rebuilder_id": rebuilder_id,
        "generation": generation,
        "former": former,
        "release": release,
    }
    sql.run(connection, "releases.sql", parameters)
    renamed = connection.execute("SELECT label, new_label FROM renamed_origins ORDER BY label")
    return [f"{label} was renamed to {new_label}" for label, new_label in renamed]


def remember_aliases(path: Path, aliases: Aliases) -> None:
    """Make these the aliases in the database at ``path``; writes only where they differ. Raises DatabaseError."""
    rows = sorted((distribution, alias, release) for (distribution, alias), release in aliases.items())
    with store.open_database(path) as connection:
        known = connection.execute("SELECT * FROM release_aliases ORDER BY distribution, alias").fetchall()
        if known != rows:
            with store.transaction(connection, path):
                connection.execute("DELETE FROM release_aliases")
                connection.executemany("INSERT INTO release_aliases VALUES (?, ?, ?)", rows)
