"""Merges the incoming relations into the published tables, by SQL set operations."""

from __future__ import annotations

import sqlite3
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from ingest import gaps, sql, store, version_order
from ingest.errors import SourceError
from ingest.values import printable

MOST_SKIPPED_SHARE = 0.02
"""Of the records of a run; with more that are unusable it is the source that is."""
ALWAYS_ALLOWED = 20
"""Records of a run that may be skipped whatever their share."""

_LISTED_TWICE = "listed twice"
_SKIPPED = """
SELECT relation, problem, count, CASE WHEN typeof(key) = 'text' THEN CAST(key AS BLOB) ELSE key END FROM skipped
"""
"""Texts as bytes: where an id is a text, it need not be UTF-8."""
_COUNTED = ("source_packages", "binary_packages")
"""Tables whose rows a merge may write several times, and that count once."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the merge has to know of the run besides the incoming relations.

    ``after`` is the highest upstream build id that need not be read again;
    artifacts are merged of builds after ``artifacts_after``.
    ``carries_inputs``: the source knows input URLs, retries and their times.
    ``carries_status``: the source says the status of packages itself.
    ``lists_queue``, ``lists_workers``: it told all of them.
    """

    rebuilder_id: int
    generation: int
    after: int
    artifacts_after: int
    now: str
    previous_ingest_at: str | None
    carries_inputs: bool
    carries_status: bool
    lists_queue: bool
    lists_workers: bool


@dataclass(slots=True)
class Outcome:
    """What a merge did: rows written per table, records left out, words for the run."""

    written: Counter[str] = field(default_factory=Counter)
    skipped: int = 0
    orphans: int = 0
    notes: list[str] = field(default_factory=list)


def merge(connection: sqlite3.Connection, context: Context) -> Outcome:
    """Bring the published tables to what the incoming relations say.

    Raises SourceError when more than a small share of the records is unusable.
    """
    outcome = Outcome()
    known_before = _knows_packages(connection, context)
    tables = ("source_packages", "binary_packages", "builds", "package_names")
    last_source, last_binary, last_build, last_name = (_highest_id(connection, table) for table in tables)
    parameters: dict[str, str | int | None] = {
        **asdict(context),
        "known_before": known_before,
        "last_source_id": last_source,
        "last_binary_id": last_binary,
        "last_build_id": last_build,
    }

    def step(name: str) -> None:
        outcome.written.update(sql.run(connection, f"merge/{name}.sql", parameters))

    for table in _COUNTED:
        _remember_updates(connection, table)
    if known_before and not context.carries_inputs and not context.carries_status:
        step("repeated_inputs")
    step("sources")
    outcome.notes += gaps.settle(connection, context.rebuilder_id, context.generation)
    step("sources_write")
    _forget_duplicates(connection, last_source)
    for name in ("builds", "artifacts", "binaries", "jobs"):
        step(name)
    if not known_before:
        version_order.import_meanwhile()
    connection.execute(
        "INSERT INTO main.package_names_fts (rowid, name) "
        "SELECT id, name FROM main.package_names WHERE id > ?",
        (last_name,),
    )
    if not known_before:
        store.make_room(connection)
    for table, last in zip(_COUNTED, (last_source, last_binary), strict=True):
        outcome.written[table] = _rows_written(connection, table, last)
    _count_skipped(connection, outcome)
    return outcome


def _knows_packages(connection: sqlite3.Connection, context: Context) -> bool:
    found = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM main.source_packages WHERE rebuilder_id = ? AND generation = ?)",
        (context.rebuilder_id, context.generation),
    ).fetchone()
    return bool(found[0])


def _highest_id(connection: sqlite3.Connection, table: str) -> int:
    row = connection.execute(f"SELECT coalesce(max(id), 0) FROM main.{table}").fetchone()
    return int(row[0])


def _remember_updates(connection: sqlite3.Connection, table: str) -> None:
    """Keep the ids of the rows that were there before and are really updated."""
    connection.execute(f"CREATE TEMP TABLE updated_{table} (id INTEGER PRIMARY KEY)")
    last = _highest_id(connection, table)
    if last:
        connection.execute(
            f"CREATE TEMP TRIGGER remember_{table} AFTER UPDATE ON main.{table} WHEN old.id <= {last}"
            f" BEGIN INSERT OR IGNORE INTO updated_{table} VALUES (old.id); END"
        )


def _rows_written(connection: sqlite3.Connection, table: str, last_id: int) -> int:
    row = connection.execute(
        f"SELECT (SELECT count(*) FROM updated_{table}) + (SELECT count(*) FROM main.{table} WHERE id > ?)",
        (last_id,),
    ).fetchone()
    return int(row[0])


def _forget_duplicates(connection: sqlite3.Connection, last_id: int) -> None:
    """Take from the map what the table refused because an equal row was there already."""
    count = connection.execute(
        "DELETE FROM source_map WHERE id > ? AND id NOT IN (SELECT id FROM main.source_packages)", (last_id,)
    ).rowcount
    if count:
        connection.execute(
            "INSERT INTO skipped VALUES ('source package', ?, ?, NULL)", (_LISTED_TWICE, count)
        )


def _shown(key: Any) -> str:
    """An id, which may be anything where it is the problem."""
    return printable(key[:40].decode(errors="replace") if isinstance(key, bytes) else str(key))


def _count_skipped(connection: sqlite3.Connection, outcome: Outcome) -> None:
    (read,) = connection.execute(
        "SELECT (SELECT count(*) FROM source_map) + (SELECT count(id) FROM binary_map)"
        " + (SELECT count(*) FROM changed_binaries WHERE id IS NULL)"
        " + (SELECT count(*) FROM new_builds) + (SELECT count(*) FROM new_artifacts)"
    ).fetchone()
    report_skipped(connection, outcome, read)


def report_skipped(connection: sqlite3.Connection, outcome: Outcome, read: int) -> None:
    """Count the records that were left out beside those that were ``read``, and say why.

    Raises SourceError when they are more than a small share.
    """
    for relation, problem, count, key in connection.execute(_SKIPPED).fetchall():
        if problem == "no source package":
            outcome.orphans += count
            outcome.notes.append(f"{count} × {relation} that belongs to no source package, not attributed")
        else:
            outcome.skipped += count
            where = "" if key is None else f", the first with id {_shown(key)}"
            what = problem if problem == _LISTED_TWICE else f"bad {problem}"
            outcome.notes.append(f"{count} × {relation} skipped: {what}{where}")
    total = read + outcome.skipped
    if outcome.skipped > max(ALWAYS_ALLOWED, MOST_SKIPPED_SHARE * total):
        raise SourceError(
            f"{outcome.skipped} of {total} records are unusable ({'; '.join(outcome.notes[:3])}), "
            "more than a small share; nothing was taken over, check the source."
        )
