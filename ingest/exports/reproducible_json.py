"""``reproducible-json``: the interchange format that distributions compare their results in.

A record is a source package in a release and architecture; ``build_date`` is in seconds since 1970. What was
never tried is left out.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from ingest.exports.selection import Selection, json_array

_FIELDS = ("package", "version", "architecture", "release", "build_date", "status")


def lines(connection: sqlite3.Connection, selection: Selection) -> Iterator[str]:
    packages = selection.rows(connection, "packages.sql")
    return json_array({name: package[name] for name in _FIELDS} for package in packages)
