"""Finds plugins: our own, those of installed packages, and files of the operator's.

A plugin that cannot be loaded is a problem to report, and nothing else suffers.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from types import ModuleType

from pluggy import PluginManager

from ingest import __version__, hookspecs

FAILURES = (Exception, SystemExit)
"""What a plugin may raise without harm to others; a script in the folder may call ``sys.exit()``."""

_HOOKS = "register_statistics or register_sinks"


@dataclass(slots=True)
class Plugins:
    """``versions``: of each plugin's package, None where it is a file. ``problems``: one sentence each."""

    manager: PluginManager
    versions: dict[str, str | None] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def add(self, name: str, plugin: Callable[[], object], version: str | None) -> None:
        try:
            module = plugin()
            self.manager.register(module, name)
        except FAILURES as error:
            self.problems.append(f"plugin {name}: cannot be loaded ({type(error).__name__}: {error}).")
            return
        self.versions[name] = version
        hooks = self.manager.get_hookcallers(module) or []
        if unknown := sorted(hook.name for hook in hooks if not hook.has_spec()):
            self.problems.append(f"plugin {name}: there is no hook {unknown[0]}; use {_HOOKS}.")
        elif not hooks:
            self.problems.append(f"plugin {name}: brings nothing; write @hookimpl above {_HOOKS}.")


@cache
def load(folder: Path | None = None) -> Plugins:
    """All plugins, with the ``*.py`` files of ``folder``; loaded once in a process."""
    # Imported here: a run that finds nothing due has no use for them.
    from importlib.metadata import entry_points

    from ingest.statistics import shipped

    manager = PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    plugins = Plugins(manager)
    plugins.add("rebuilderd-datasette", lambda: shipped, __version__)
    for point in entry_points(group=hookspecs.PROJECT):
        plugins.add(point.name, point.load, point.dist.version if point.dist else None)
    for path in sorted(folder.glob("*.py")) if folder else ():
        plugins.add(path.name, partial(_module, path), None)
    return plugins


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{hookspecs.PROJECT}_plugin_{path.stem}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for what annotations mean
    spec.loader.exec_module(module)
    return module
