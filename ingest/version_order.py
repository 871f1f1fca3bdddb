"""Which of two versions a distribution takes for the newer one."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import import_module
from threading import Thread
from typing import Any

_FORMATS = {
    "debian": "DebianVersion",
    "ubuntu": "DebianVersion",
    "archlinux": "ArchLinuxVersion",
    "fedora": "RpmVersion",
    "opensuse": "RpmVersion",
    "alpine": "AlpineLinuxVersion",
}


@cache
def _version_class(distribution: str) -> Any:
    # Imported here: most runs meet no two versions of one package.
    from univers import versions

    name = _FORMATS.get(distribution)
    return getattr(versions, name) if name else None


def import_meanwhile() -> None:
    """Start to import what compares versions, for a caller that lets SQLite work for a while.

    The import takes as long as indexing the names does, and SQLite leaves Python free.
    """
    Thread(target=import_module, args=("univers.versions",), daemon=True).start()


def newest(distribution: str, versions: Iterable[str]) -> str | None:
    """The newest of some versions; None where the distribution's order is not known to us."""
    candidates = list(versions)
    if len(set(candidates)) == 1:
        return candidates[0]
    version_class = _version_class(distribution)
    if version_class is None:
        return None
    try:
        return max(candidates, key=version_class)
    except (ValueError, TypeError, AttributeError):
        return None
