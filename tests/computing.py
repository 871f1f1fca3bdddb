"""Statistics for tests: computed by a plugin that exists in memory only."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from helpers import Row, rows
from pluggy import PluginManager

from ingest import hookspecs, plugins, store
from ingest.logs import store_of
from ingest.statistics import Statistic, engine

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)


def install(monkeypatch: pytest.MonkeyPatch, *statistics: Statistic) -> None:
    """Let these be the only statistics there are."""

    @hookspecs.hookimpl
    def register_statistics() -> list[Statistic]:
        return list(statistics)

    manager = PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    installed = plugins.Plugins(manager)
    installed.add("test", lambda: SimpleNamespace(register_statistics=register_statistics), "1.0")
    monkeypatch.setattr(plugins, "load", lambda folder=None: installed)


def update(
    database: Path, now: datetime = NOW, *, changed: bool = True, name: str | None = None
) -> engine.Report:
    with (
        store.open_database(database) as connection,
        store_of(database, connection) as logs,
        store.transaction(connection, database),
    ):
        return engine.update(connection, now, logs, changed=changed, name=name)


def values(database: Path, name: str, columns: str = "at, value") -> list[Row]:
    return rows(
        database, f"SELECT {columns} FROM statistic_values WHERE statistic = ? ORDER BY at, value", name
    )


def days(values: Iterable[Row]) -> dict[str, int]:
    """Day and value of daily values."""
    return {at[:10]: value for at, value in values}
