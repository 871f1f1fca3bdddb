"""Where only the operator knows the release, it may be said later, or be corrected."""

from __future__ import annotations

import sqlite3

from ingest import sql

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
