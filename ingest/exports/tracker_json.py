"""``tracker-json``: what Debian's package tracker reads, one record for each package and release.

The tracker turns FTBFS and FTBR (unreproducible) into work for maintainers, so what failed by infrastructure or
for want of something in the archive is left out, as is what has no result.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from ingest import version_order
from ingest.exports.selection import Selection, json_array

_WORDS = {"reproducible": "reproducible", "unreproducible": "FTBR", "FTBFS": "FTBFS"}
_WORST_LAST = tuple(_WORDS.values())
_BINARY_ONLY_REBUILD = re.compile(r"\+b\d+$", re.ASCII)


def lines(connection: sqlite3.Connection, selection: Selection) -> Iterator[str]:
    packages = groupby(
        selection.rows(connection, "packages.sql"),
        key=lambda package: (package["distribution"], package["package"], package["release"]),
    )
    summaries = (_summary(*names, builds) for names, builds in packages)
    return json_array(summary for summary in summaries if summary)


def _summary(
    distribution: str, name: str, release: str | None, builds: Iterable[dict[str, Any]]
) -> dict[str, Any] | None:
    """The newest version of the source, and the worst status of that version's architectures."""
    details = []
    for _, group in groupby(builds, key=lambda build: build["architecture"]):
        versions = {build["version"]: build for build in group}
        newest = versions[_newest(distribution, versions)]
        if newest["status"] in _WORDS and newest["is_about_package"]:
            details.append(_detail(newest))
    if not details:
        return None
    version = _newest(distribution, [_source(detail["version"]) for detail in details])
    statuses = [detail["status"] for detail in details if _source(detail["version"]) == version]
    return {
        "package": name,
        "version": version,
        "suite": release,
        "status": max(statuses, key=_WORST_LAST.index),
        "architecture_details": details,
    }


def _detail(build: dict[str, Any]) -> dict[str, Any]:
    seconds = build["build_date"]
    built_at = None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    return {
        "architecture": build["architecture"],
        "version": build["version"],
        "status": _WORDS[build["status"]],
        "build_date": built_at and built_at.strftime("%Y-%m-%d %H:%M"),
    }


def _newest(distribution: str, versions: Iterable[str]) -> str:
    known = list(versions)
    return version_order.newest(distribution, known) or known[-1]


def _source(version: str) -> str:
    """A binary-only rebuild (``1.2-3+b1``) has the version of its source."""
    return _BINARY_ONLY_REBUILD.sub("", version)
