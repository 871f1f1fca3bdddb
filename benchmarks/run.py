"""Measures what a run of the ingest costs, as ratios to what the sqlite3 program needs.

    python benchmarks/run.py --database medium.db.zst [--repeat 3] [--write]

Machines differ and are busy, so everything is measured alternately in one run
and the medians are compared. ``--write`` keeps the table in README.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
README = HERE / "README.md"
BEGIN, END = "<!-- table: make bench -->", "<!-- end of table -->"

COPIED = (
    "source_packages", "build_inputs", "binary_packages", "rebuilds", "rebuild_artifacts", "queue", "workers",
)  # fmt: skip
LOGS = {
    "build_logs": "SELECT build_log_id FROM upstream.rebuilds WHERE status IN ('BAD', 'FAIL')",
    "diffoscope_logs": "SELECT diffoscope_log_id FROM upstream.rebuild_artifacts WHERE status = 'BAD'",
}
"""Of these an ingest keeps what failures need."""
NEW_BUILDS = 100
TIMES_LARGER = 4
SHIFT = 10_000_000

IDS = {
    "source_packages": ("id",),
    "build_inputs": ("id", "source_package_id"),
    "binary_packages": ("id", "source_package_id", "build_input_id"),
    "rebuilds": ("id", "build_input_id"),
    "rebuild_artifacts": ("id", "rebuild_id"),
    "queue": ("id", "build_input_id"),
}
"""What has to be shifted to copy the rows of a table beside themselves."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--database", type=Path, required=True, help="a rebuilderd database, or it as .zst")
    parser.add_argument("--repeat", type=int, default=3, help="how often to measure (default: 3)")
    parser.add_argument("--write", action="store_true", help="keep the table in benchmarks/README.md")
    parser.add_argument("--tables", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.tables:
        ingest_tables(arguments.tables, arguments.database)
        return
    with tempfile.TemporaryDirectory() as folder:
        report = measure(unpacked(arguments.database, Path(folder)), Path(folder), arguments.repeat)
    print(report)
    if arguments.write:
        keep(report)


def unpacked(database: Path, folder: Path) -> Path:
    """A copy to work on: what lies beside the given file stays as it is."""
    target = folder / "upstream.db"
    if database.suffix == ".zst":
        import zstandard

        with database.open("rb") as packed, target.open("wb") as file:
            zstandard.ZstdDecompressor().copy_stream(packed, file)
    else:
        shutil.copy(database, target)
    return target


def measure(upstream: Path, folder: Path, repeat: int) -> str:
    recent, scattered, larger = (folder / name for name in ("recent.db", "scattered.db", "larger.db"))
    add_builds(upstream, recent, days=0)
    add_builds(upstream, scattered, days=5)
    multiply(upstream, larger)
    without_logs, with_logs = copy_script(upstream, COPIED), copy_script(upstream, (*COPIED, *LOGS))
    seconds: dict[str, list[float]] = defaultdict(list)
    memory: dict[str, int] = defaultdict(int)

    def note(name: str, measured: tuple[float, int]) -> None:
        elapsed, kib = measured
        seconds[name].append(elapsed)
        memory[name] = max(memory[name], kib)

    for _ in range(repeat):
        first, second, third = (folder / f"ours{number}.db" for number in range(3))
        for old in folder.glob("ours*"):
            old.unlink()
        for name, script in (("copy", without_logs), ("copy with logs", with_logs)):
            (folder / "copy.db").unlink(missing_ok=True)
            note(name, child(["sqlite3", str(folder / "copy.db"), script]))
        note(
            "tables", child([sys.executable, __file__, "--tables", str(second), "--database", str(upstream)])
        )
        second.unlink()
        note("first", ingest(first, upstream))
        for copy in (second, third):
            shutil.copy(first, copy)
        note("unchanged", ingest(first, upstream))
        note("recent", ingest(second, recent))
        note("scattered", ingest(third, scattered))
    note("larger", ingest(folder / "ours-larger.db", larger))
    return table(upstream, {name: median(values) for name, values in seconds.items()}, memory, repeat)


def ingest(database: Path, upstream: Path) -> tuple[float, int]:
    # Always the same name: to the ingest it is one rebuilder that goes on.
    return child(
        [
            sys.executable,
            "-m",
            "ingest",
            "ingest",
            str(database),
            str(upstream),
            "--name",
            "bench",
            "--silent",
        ]
    )


def ingest_tables(database: Path, upstream: Path) -> None:
    """A first ingest that neither explains failures nor computes statistics; these are measured apart."""
    sys.path.insert(0, str(HERE.parent))
    from ingest import pipeline
    from ingest.config import Instance
    from ingest.progress import Progress
    from ingest.statistics import engine

    class NotExplained(pipeline.Failures):
        def fetch(self, *_: object) -> None:
            """No log is needed."""

        def update(self, _: object, progress: Progress) -> int:
            self.connection.execute("CREATE TEMP TABLE unexplained (build_id)")
            return self._explain(progress)

    pipeline.Failures = NotExplained
    engine.update = lambda *_, **__: engine.Report()
    pipeline.ingest(database, Instance(str(upstream), "bench"), full=False, progress=Progress(silent=True))


def child(command: list[str]) -> tuple[float, int]:
    """Run a program to its end; returns seconds of wall time and the peak of its memory in KiB."""
    # An installed program has its bytecode already.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=HERE.parent, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command[:4])} … failed with {process.returncode}")
    return elapsed, usage.ru_maxrss


def copy_script(upstream: Path, tables: tuple[str, ...]) -> str:
    """SQL for the sqlite3 program: these tables and their indexes into a new file, of logs those of failures."""
    with sqlite3.connect(upstream) as connection:
        marks = ", ".join("?" * len(tables))
        schema = connection.execute(
            f"SELECT type, name, sql FROM sqlite_master WHERE tbl_name IN ({marks}) AND sql IS NOT NULL"
            " AND type IN ('table', 'index') ORDER BY type DESC, rowid",
            tables,
        ).fetchall()
    lines = [f"ATTACH '{upstream}' AS upstream;", "BEGIN;"]
    for kind, name, sql in schema:
        lines.append(f"{sql};")
        if kind == "table":
            needed = f" WHERE id IN ({LOGS[name]})" if name in LOGS else ""
            lines.append(f'INSERT INTO main."{name}" SELECT * FROM upstream."{name}"{needed};')
    return "\n".join([*lines, "COMMIT;"])


def add_builds(upstream: Path, target: Path, days: float) -> None:
    """A copy of the database after a hundred more builds, the last of them now."""
    shutil.copy(upstream, target)
    report_builds(target, days)


def report_builds(database: Path, days: float) -> None:
    """Report a hundred more builds to a daemon's database, the last of them now."""
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("BEGIN")
    inputs = connection.execute(
        "SELECT i.id, (SELECT min(build_log_id) FROM rebuilds) FROM build_inputs AS i"
        " JOIN source_packages AS s ON s.id = i.source_package_id WHERE s.seen_in_last_sync"
        " ORDER BY i.id * 7919 % 100003 LIMIT ?",
        (NEW_BUILDS,),
    ).fetchall()
    for number, (build_input, log) in enumerate(inputs):
        built = datetime.now(UTC).replace(tzinfo=None) - timedelta(
            days=days * number / NEW_BUILDS, seconds=7 * number
        )
        status = ("GOOD", "GOOD", "GOOD", "BAD", "FAIL")[number % 5]
        build = connection.execute(
            "INSERT INTO rebuilds (build_input_id, started_at, built_at, build_log_id, status)"
            " VALUES (?, ?, ?, ?, ?)",
            (build_input, str(built - timedelta(seconds=99)), str(built), log, status),
        ).lastrowid
        if status != "FAIL":
            connection.execute(
                "INSERT INTO rebuild_artifacts (rebuild_id, name, status)"
                " SELECT ?, name, ? FROM binary_packages WHERE build_input_id = ?",
                (build, status, build_input),
            )
    connection.execute("COMMIT")
    connection.close()


def multiply(upstream: Path, target: Path) -> None:
    """A copy of the database with the same packages and builds under more releases."""
    shutil.copy(upstream, target)
    connection = sqlite3.connect(target, isolation_level=None)
    connection.execute("BEGIN")
    for number in range(1, TIMES_LARGER):
        for name, ids in IDS.items():
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
            values = []
            for column in columns:
                if column in ids:
                    values.append(f"{column} + {number * SHIFT}")
                elif column == "release":
                    values.append(f"coalesce(\"release\", 'release') || '-{number}'")
                elif column == "built_at":  # else they were copies of one report
                    values.append(f"datetime(built_at, '-{number} seconds')")
                else:
                    values.append(f'"{column}"')
            connection.execute(
                f"INSERT INTO {name} SELECT {', '.join(values)} FROM {name} WHERE id < {SHIFT}"
            )
    connection.execute("COMMIT")
    connection.close()


def table(upstream: Path, seconds: dict[str, float], memory: dict[str, int], repeat: int) -> str:
    with sqlite3.connect(upstream) as connection:
        sources, binaries, builds = (
            connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
            for name in ("build_inputs", "binary_packages", "rebuilds")
        )
    first = seconds["first"]
    rows = [
        *(
            (f"{what}, to the sqlite3 program's copy {of}", f"{seconds[name] / seconds[base]:.1f} ×", "5 ×",
                seconds[name] <= 5 * seconds[base])
            for what, name, of, base in (
                ("first ingest of the tables alone", "tables", "of them", "copy"),
                ("whole first ingest, failures explained and statistics computed", "first",
                    "of tables and logs", "copy with logs"),
            )
        ),
        *(
            (f"{what}, to the first", f"{seconds[name] / first:.0%}", f"{most}%", seconds[name] <= most / 100 * first)
            for what, name, most in (
                ("unchanged second run", "unchanged", 10),
                (f"after {NEW_BUILDS} new builds of now", "recent", 15),
                (f"after {NEW_BUILDS} new builds of five days", "scattered", 15),
            )
        ),
        *(
            (f"peak memory of the {what}", f"{memory[name] / 1024:.0f} MB", "150 MB", memory[name] <= 150 * 1024)
            for what, name in (
                ("first ingest", "first"),
                (f"first ingest of a database {TIMES_LARGER} times as large", "larger"),
            )
        ),
    ]  # fmt: skip
    lines = [
        f"{sources:,} source packages, {binaries:,} binary packages, {builds:,} builds; median of {repeat};"
        f" copy {seconds['copy']:.2f} s, first ingest {first:.2f} s; Python {platform.python_version()},"
        f" SQLite {sqlite3.sqlite_version}, {os.cpu_count()} cores.",
        "",
        "| what | measured | at most | |",
        "| --- | ---: | ---: | --- |",
        *(
            f"| {what} | {value} | {most} | {'yes' if kept else '**no**'} |"
            for what, value, most, kept in rows
        ),
    ]
    return "\n".join(lines)


def keep(report: str, begin: str = BEGIN) -> None:
    """Put a table where it stands in the README, after the comment ``begin``."""
    text = README.read_text()
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{begin}\n{report}\n{END}{after}")


if __name__ == "__main__":
    main()
