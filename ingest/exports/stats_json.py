"""``stats-json``: the array that upstream's proposed ``GET /api/v1/stats`` gives, from the first day to the last.

Reconstructed days are not in it, since upstream's ``unknown`` is a number.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import orjson

from ingest.exports.selection import Selection, json_array


def lines(connection: sqlite3.Connection, selection: Selection) -> Iterator[str]:
    snapshots = selection.rows(connection, "stats.sql")
    return json_array({**row, "categories": orjson.loads(row["categories"])} for row in snapshots)
