"""The published database: tables, views and what each of their columns means.

Every ``NNNN_*.sql`` file is a migration, applied once and in order; every file
in ``views`` is a view.
"""

from __future__ import annotations

import sqlite3
from importlib.resources import files
from typing import Any

MIGRATION_SET = "rebuilderd_datasette"


def script(name: str) -> str:
    """The text of a file that lies beside this one."""
    return files("ingest.schema").joinpath(name).read_text(encoding="utf-8")


def migration_names() -> list[str]:
    """The migrations in their order, without the files' ending."""
    found = (path.name for path in files("ingest.schema").iterdir())
    return sorted(name.removesuffix(".sql") for name in found if name.endswith(".sql"))


def views() -> dict[str, str]:
    """Name and SELECT of each published view."""
    folder = files("ingest.schema").joinpath("views")
    return {
        path.name.removesuffix(".sql"): path.read_text(
            encoding="utf-8"
        ).rstrip()  # SQLite keeps no space at the end
        for path in sorted(folder.iterdir(), key=lambda path: path.name)
        if path.name.endswith(".sql")
    }


def apply(connection: sqlite3.Connection) -> None:
    """Bring a database of any earlier version to this one; does nothing to a current one."""
    if not _is_migrated(connection):
        # Imported here: it takes longer than an ingest that finds nothing new.
        from ingest.schema.migrations import migrate

        migrate(connection)
    for name, create in _other_views(connection).items():
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            connection.execute(f"DROP VIEW IF EXISTS [{name}]")
            connection.execute(create)


def is_current(connection: sqlite3.Connection) -> bool:
    """Whether there is nothing to apply."""
    return _is_migrated(connection) and not _other_views(connection)


def _is_migrated(connection: sqlite3.Connection) -> bool:
    return set(migration_names()) <= _applied(connection)


def _other_views(connection: sqlite3.Connection) -> dict[str, str]:
    """How to create the views that are missing or say something else."""
    known = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'view'"))
    wanted = {name: f"CREATE VIEW [{name}] AS {select}" for name, select in views().items()}
    return {name: create for name, create in wanted.items() if known.get(name) != create}


def _applied(connection: sqlite3.Connection) -> set[str]:
    tables = connection.execute("SELECT 1 FROM sqlite_master WHERE name = '_sqlite_migrations'")
    if not tables.fetchone():
        return set()
    names = connection.execute(
        "SELECT name FROM _sqlite_migrations WHERE migration_set = ?", (MIGRATION_SET,)
    )
    return {name for (name,) in names}


def descriptions() -> dict[str, dict[str, Any]]:
    """What Datasette shows of each table and view: description, columns, units, labels."""
    import yaml

    loaded: dict[str, dict[str, Any]] = yaml.safe_load(script("descriptions.yml"))
    return loaded
