"""Reads properties of builds from their kept logs, each once: logs may be gone later."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import product
from typing import Any

from ingest import compressed, sql
from ingest.logs import LogKey, LogStore
from ingest.statistics.periods import Span, limit, pieces

HEAD = 64 * 1024
"""Bytes at the start of a log that are looked at: machines and tools introduce themselves there."""
_LONGEST = 200
_STEP = timedelta(hours=1)


def read(
    connection: sqlite3.Connection, logs: LogStore, properties: Mapping[str, str], span: Span, *, again: bool
) -> None:
    """Find the properties of builds of a period in their logs, as far as these are kept.

    With ``again`` also those that were looked for before, since the regex may be another one.
    """
    (select,) = sql.statements("statistics/unread_properties.sql")
    for (name, pattern), piece in product(properties.items(), pieces(span, _STEP)):
        builds = connection.execute(
            select,
            {"name": name, "start": limit(piece.start), "stop": limit(piece.stop), "again": again},
        ).fetchall()
        connection.executemany(
            "INSERT INTO main.build_properties (build_id, name, value) VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET value = excluded.value",
            _found(logs, builds, name, pattern),
        )


def _found(
    logs: LogStore, builds: list[tuple[Any, ...]], name: str, pattern: str
) -> Iterator[tuple[int, str, str | None]]:
    # Imported here: most runs find nothing new to read.
    import re

    expression = re.compile(pattern.encode())
    for build, built_at, *key in builds:
        stored = logs.get(LogKey(*key), built_at)
        if stored is None:
            continue
        match = expression.search(compressed.start(stored.content, HEAD)) if stored.content else None
        yield build, name, _text(match[1] if match.re.groups else match[0]) if match else None


def _text(value: bytes | None) -> str | None:
    text = (value or b"").decode("utf-8", "replace")
    if not text.isprintable():
        text = "".join(character for character in text if character.isprintable())
    return text[:_LONGEST] or None
