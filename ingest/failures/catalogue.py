"""The published categories, kept equal to what the rules say of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ingest import sql

if TYPE_CHECKING:
    from ingest.categories.rules import Category


def publish(connection: sqlite3.Connection, categories: Iterable[Category]) -> None:
    """Write the rules' categories; one that was renamed goes on under its new key."""
    for category in categories:
        for former in category.formerly:
            _rename(connection, former, category.key)
        connection.execute(
            sql.statements("failures/category.sql")[0],
            {
                "key": category.key,
                "name": category.name,
                "class": category.class_ or "unknown",
                "temporary": category.temporary,
                "action": category.action,
                "bug": category.bug,
                "description": category.description,
            },
        )


def _rename(connection: sqlite3.Connection, former: str, key: str) -> None:
    ids = dict(
        connection.execute(
            "SELECT key, id FROM main.categories WHERE key IN (?, ?)", (former, key)
        ).fetchall()
    )
    if former not in ids:
        return
    if key in ids:
        sql.run(connection, "failures/merged_categories.sql", {"former": ids[former], "id": ids[key]})
    else:
        connection.execute("UPDATE main.categories SET key = ? WHERE id = ?", (key, ids[former]))


def forget_unused(connection: sqlite3.Connection, categories: Iterable[Category]) -> None:
    """Remove categories that no rule has and nothing is counted in."""
    connection.execute("CREATE TEMP TABLE current_keys (key TEXT PRIMARY KEY) WITHOUT ROWID")
    connection.executemany("INSERT INTO current_keys VALUES (?)", ((c.key,) for c in categories))
    connection.execute(
        "DELETE FROM main.categories WHERE key NOT IN (SELECT key FROM current_keys)"
        " AND id NOT IN (SELECT category_id FROM main.failures)"
        " AND id NOT IN (SELECT category_id FROM main.snapshot_categories)"
    )
    connection.execute("DROP TABLE temp.current_keys")
