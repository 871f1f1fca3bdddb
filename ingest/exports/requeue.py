"""``requeue``: a shell script with a ``rebuildctl`` command for each package that is worth another try.

Commands stand below the name of the rebuilder that they are for. A command queues that version in every
release that has it, and needs the component: a package whose component is not known is a comment.
"""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from ingest.exports.selection import Selection
from ingest.values import printable


def lines(connection: sqlite3.Connection, selection: Selection) -> Iterator[str]:
    candidates = selection.rows(connection, "requeue.sql")
    for rebuilder, packages in groupby(candidates, key=lambda package: package["rebuilder"]):
        yield f"# {printable(rebuilder)}\n"
        for package in packages:
            yield f"{_command(package)}\n"


def _command(package: dict[str, Any]) -> str:
    what = [package[name] for name in ("distribution", "component", "source", "version")]
    if None in what:
        source, version, architecture = (package[name] for name in ("source", "version", "architecture"))
        return printable(f"# {source} {version} ({architecture}): not queued, its component is not known")
    return shlex.join(["rebuildctl", "queue", "push", "--architecture", package["architecture"], "--", *what])
