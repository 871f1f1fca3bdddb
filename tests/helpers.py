"""Small words for tests: ingest a file, look at the rows, change an upstream file."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from ingest import pipeline
from ingest.cli import cli
from ingest.config import Instance
from ingest.failures import Options
from ingest.progress import Progress

FIXTURES = Path(__file__).parent / "fixtures"
DAEMON = FIXTURES / "tiny-0.28.db"
LEGACY = FIXTURES / "tiny-0.24.db"
MIGRATED = FIXTURES / "tiny-0.24-migrated.db"

Row = tuple[Any, ...]


def run(*arguments: str | Path) -> Result:
    """The command as a user calls it."""
    return CliRunner().invoke(cli, [str(argument) for argument in arguments])


UNPRIVILEGED = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []


def without_privileges(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The command as somebody to whom a file's permissions apply, as they do not to root."""
    return subprocess.run(
        [*UNPRIVILEGED, sys.executable, "-m", "ingest", *map(str, arguments)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def restore_interrupts() -> None:
    """For ``preexec_fn``: let Ctrl-C reach a process, also where pytest itself ignores it, as in a background job."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def ingest(
    database: Path,
    source: Path,
    *,
    name: str = "r",
    release: str | None = None,
    full: bool = False,
    log_days: int | None = None,
) -> pipeline.Result:
    """One run, in this process; raises IngestError."""
    instance, options = Instance(str(source), name, release), Options(log_days=log_days)
    return pipeline.ingest(database, instance, full=full, progress=Progress(silent=True), options=options)


def copy(source: Path, folder: Path) -> Path:
    """A copy that a test may change."""
    target = folder / source.name
    shutil.copyfile(source, target)
    return target


def rows(database: Path, sql: str, *parameters: Any) -> list[Row]:
    with closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", uri=True)) as connection:
        return connection.execute(sql, parameters).fetchall()


def one(database: Path, sql: str, *parameters: Any) -> Any:
    """The only value of the only row."""
    ((value,),) = rows(database, sql, *parameters)
    return value


def change(database: Path, *statements: str) -> None:
    """Change a file as its owner would; foreign keys are not looked at."""
    with closing(sqlite3.connect(database)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def add_build(
    database: Path, build_input: int, status: str, built_at: str, artifacts: Iterable[tuple[str, str]] = ()
) -> int:
    """Report one more build to a daemon's file; returns its id."""
    with closing(sqlite3.connect(database)) as connection, connection:
        log = connection.execute(
            "INSERT INTO build_logs (build_log) VALUES (x'28B52FFD2000010000')"
        ).lastrowid
        build = connection.execute(
            "INSERT INTO rebuilds (build_input_id, started_at, built_at, build_log_id, status)"
            " VALUES (?, ?, ?, ?, ?)",
            (build_input, built_at, built_at, log, status),
        ).lastrowid
        connection.executemany(
            "INSERT INTO rebuild_artifacts (rebuild_id, name, status) VALUES (?, ?, ?)",
            [(build, *artifact) for artifact in artifacts],
        )
    assert build is not None
    return build


TIMES = {
    "rebuilds": ("started_at", "built_at"),
    "source_packages": ("last_seen",),
    "build_inputs": ("next_retry",),
    "queue": ("queued_at", "started_at"),
}


def move_to_today(daemon: Path) -> None:
    """Move all times of a daemon's file by so many days that its newest build is of the last 24 hours."""
    days = one(daemon, "SELECT CAST(julianday('now') - julianday(max(built_at)) AS INTEGER) FROM rebuilds")
    for table, columns in TIMES.items():
        later = [f"{column} = date({column}, '{days} days') || substr({column}, 11)" for column in columns]
        change(daemon, f"UPDATE {table} SET {', '.join(later)}")


NOTES_OF_RUNS = ("ingest_runs", "statistics", "changed_days")
"""Tables that say when something was done, even where it changed nothing."""


def dump(database: Path, *, without: Iterable[str] = ()) -> dict[str, list[Row]]:
    """Every row of every table, but of some and of the notes of runs."""
    names = [name for (name,) in rows(database, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {
        name: rows(database, f'SELECT * FROM "{name}"')
        for name in names
        if name not in {*NOTES_OF_RUNS, *without}
    }


def is_sound(database: Path) -> bool:
    """Whether SQLite finds the file whole and every reference answered."""
    return rows(database, "PRAGMA integrity_check") == [("ok",)] and not rows(
        database, "PRAGMA foreign_key_check"
    )


PUBLISHED = {
    "source_packages": """
        SELECT o.label, s.name, s.version, s.ordinal, s.status, s.is_current, s.attempts, s.input_url,
            s.backend, s.retries, s.next_retry, s.last_seen, b.upstream_id, n.name
        FROM source_packages AS s JOIN origins AS o ON o.id = s.origin_id
        JOIN package_names AS n ON n.id = s.name_id LEFT JOIN builds AS b ON b.id = s.latest_build_id""",
    "binary_packages": """
        SELECT o.label, s.name, s.version, s.ordinal, b.name, b.version, b.architecture, b.component,
            b.status, b.is_current, b.artifact_url, a.upstream_id, n.name
        FROM binary_packages AS b JOIN origins AS o ON o.id = b.origin_id
        JOIN package_names AS n ON n.id = b.name_id
        LEFT JOIN source_packages AS s ON s.id = b.source_package_id
        LEFT JOIN build_artifacts AS a ON a.id = b.latest_artifact_id""",
    "builds": """
        SELECT o.label, s.name, s.version, s.ordinal, b.attempt, b.status, b.started_at, b.built_at,
            b.duration, b.upstream_id, b.upstream_log_id, c.upstream_id
        FROM builds AS b JOIN origins AS o ON o.id = b.origin_id
        JOIN source_packages AS s ON s.id = b.source_package_id LEFT JOIN builds AS c ON c.id = b.copy_of""",
    "build_artifacts": """
        SELECT b.upstream_id, a.name, a.status, a.has_diffoscope, a.has_attestation, a.upstream_id
        FROM build_artifacts AS a JOIN builds AS b ON b.id = a.build_id""",
    "queue": """
        SELECT s.name, s.version, q.priority, q.queued_at, q.started_at, w.name
        FROM queue AS q JOIN source_packages AS s ON s.id = q.source_package_id
        LEFT JOIN workers AS w ON w.id = q.worker_id""",
    "workers": "SELECT name, status, last_ping, is_online, upstream_id FROM workers",
    "status_changes": """
        SELECT o.label, c.name, c.from_status, c.to_status, c.from_version, c.to_version, f.upstream_id,
            t.upstream_id, c.changed_at, c.days_since_previous
        FROM status_changes AS c JOIN origins AS o ON o.id = c.origin_id
        JOIN builds AS f ON f.id = c.from_build_id JOIN builds AS t ON t.id = c.to_build_id""",
    "failures": """
        SELECT o.label, s.name, s.version, s.ordinal, b.upstream_id, a.name, f.is_current, k.key,
            f.evidence, f.evidence_from, f.rule_set, f.log_bytes, f.diffoscope_bytes, f.log_upstream_id,
            f.diffoscope_upstream_id
        FROM failures AS f JOIN origins AS o ON o.id = f.origin_id
        JOIN source_packages AS s ON s.id = f.source_package_id JOIN builds AS b ON b.id = f.build_id
        JOIN categories AS k ON k.id = f.category_id
        LEFT JOIN build_artifacts AS a ON a.id = f.build_artifact_id""",
    "snapshots": """
        SELECT scope, kind, iif(kind = 'taken', NULL, substr(captured_at, 1, 10)), counted, good, bad, fail, unknown,
            corrected_good, corrected_bad, corrected_fail, corrected_unknown
        FROM snapshots AS s WHERE kind <> 'taken' OR id = (
            SELECT max(id) FROM snapshots AS x
            WHERE x.rebuilder_id = s.rebuilder_id AND x.scope = s.scope AND x.kind = 'taken'
        )""",
    "measurements": """
        SELECT statistic, iif(statistic = 'queue-depth', NULL, at), value, origin, category,
            CASE WHEN dimensions ->> 'build' IS NULL THEN dimensions END
        FROM statistic_values WHERE statistic <> 'oldest-result'""",
    "build_properties": """
        SELECT b.upstream_id, p.name, p.value
        FROM build_properties AS p JOIN builds AS b ON b.id = p.build_id""",
    "search": "SELECT rowid IS NOT NULL, name FROM package_names_fts",
}


def published(database: Path) -> dict[str, list[Row]]:
    """What readers see, in words instead of our own ids, in a fixed order; of taken snapshots the last.

    Neither the day nor the hour at which it was read matters.
    """
    return {
        table: sorted(rows(database, sql), key=lambda row: [(value is None, str(value)) for value in row])
        for table, sql in PUBLISHED.items()
    }


def text(value: str) -> str:
    """A text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"
