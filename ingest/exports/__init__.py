"""What others read: formats of the reproducible-builds world, from our database.

A format is a function that gives the lines of its file, one at a time and always in the same order.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator

from ingest.exports import reproducible_json, requeue, stats_json, tracker_json
from ingest.exports.selection import Selection

FORMATS: dict[str, Callable[[sqlite3.Connection, Selection], Iterator[str]]] = {
    "reproducible-json": reproducible_json.lines,
    "tracker-json": tracker_json.lines,
    "stats-json": stats_json.lines,
    "requeue": requeue.lines,
}
