"""``requeue``: a shell script with the ``rebuildctl`` commands for what is worth another try.

Commands stand below the name of the rebuilder that they are for, with their number and that of the packages. A command
queues that version in every release that has it, and needs the component: without a known one it is a comment.
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
    for rebuilder, group in groupby(candidates, key=lambda package: package["rebuilder"]):
        packages = list(group)
        count = sum(package["packages"] for package in packages)
        yield f"# {printable(rebuilder)}: {_number(len(packages), 'command')} for {_number(count, 'package')}\n"
        for package in packages:
            yield f"{_command(package)}\n"


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _command(package: dict[str, Any]) -> str:
    what = [package[name] for name in ("distribution", "component", "source", "version")]
    if None in what:
        source, version, architecture = (package[name] for name in ("source", "version", "architecture"))
        return printable(f"# {source} {version} ({architecture}): not queued, its component is not known")
    return shlex.join(["rebuildctl", "queue", "push", "--architecture", package["architecture"], "--", *what])
