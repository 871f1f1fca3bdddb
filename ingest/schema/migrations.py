"""Applies the schema's migrations, with sqlite-utils."""

from __future__ import annotations

import sqlite3

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from ingest import schema
from ingest.sql import split


def migrate(connection: sqlite3.Connection) -> None:
    """Apply what was not applied yet, each migration in a transaction of its own."""
    migrations = Migrations(schema.MIGRATION_SET)
    for name in schema.migration_names():
        migrations(name=name)(_Script(name))
    migrations.apply(Database(connection, execute_plugins=False))


class _Script:
    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __call__(self, database: Database, /) -> None:
        for statement in split(schema.script(f"{self.__name__}.sql")):
            database.execute(statement)
