"""Finds plugins: our own, those of installed packages, and files of the operator's.

A plugin that cannot be loaded is a problem to report, and nothing else suffers.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType

from pluggy import PluginManager

from ingest import __version__, hookspecs


@dataclass(slots=True)
class Plugins:
    """``versions``: of each plugin's package, None where it is a file. ``problems``: one sentence each."""

    manager: PluginManager
    versions: dict[str, str | None] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def add(self, name: str, plugin: object, version: str | None) -> None:
        self.manager.register(plugin, name)
        self.versions[name] = version


@cache
def load(folder: Path | None = None) -> Plugins:
    """All plugins, with the ``*.py`` files of ``folder``; loaded once in a process."""
    # Imported here: a run that finds nothing due needs neither.
    from importlib.metadata import entry_points

    from ingest.sinks import shipped as sinks
    from ingest.statistics import shipped

    manager = PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    plugins = Plugins(manager)
    plugins.add("rebuilderd-datasette", shipped, __version__)
    plugins.add("rebuilderd-datasette sinks", sinks, __version__)
    for point in entry_points(group=hookspecs.PROJECT):
        try:
            plugins.add(point.name, point.load(), point.dist.version if point.dist else None)
        except Exception as error:
            plugins.problems.append(f"plugin {point.name}: cannot be loaded ({_said(error)}).")
    for path in sorted(folder.glob("*.py")) if folder else ():
        try:
            plugins.add(path.name, _module(path), None)
        except Exception as error:
            plugins.problems.append(f"plugin {path.name}: cannot be loaded ({_said(error)}).")
    return plugins


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{hookspecs.PROJECT}_plugin_{path.stem}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
