"""The published database: migrations, views and what each table and column means."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from ingest.sql import split

migrations = Migrations("rebuilderd_datasette")


def _script(name: str) -> str:
    return files("ingest.schema").joinpath(name).read_text()


@migrations(name="0001_tables")
def tables(database: Database) -> None:
    for statement in split(_script("0001_tables.sql")):
        database.execute(statement)


def views() -> dict[str, str]:
    """Name and SELECT of each published view, one ``.sql`` file each."""
    folder = files("ingest.schema").joinpath("views")
    return {
        path.name.removesuffix(".sql"): path.read_text().rstrip()  # SQLite keeps no space at the end
        for path in sorted(folder.iterdir(), key=lambda path: path.name)
        if path.name.endswith(".sql")
    }


def apply(database: Database) -> None:
    """Bring a database of any earlier version to this one; does nothing to a current one."""
    if migrations.pending(database):
        migrations.apply(database)
    known = {view.name: view.schema for view in database.views}
    for name, select in views().items():
        if known.get(name) != f"CREATE VIEW [{name}] AS {select}":
            with database.atomic():
                database.execute(f"DROP VIEW IF EXISTS [{name}]")
                database.execute(f"CREATE VIEW [{name}] AS {select}")


def descriptions() -> dict[str, dict[str, Any]]:
    """What Datasette shows of each table and view: description, columns, units, labels."""
    import yaml

    loaded: dict[str, dict[str, Any]] = yaml.safe_load(_script("descriptions.yml"))
    return loaded
