"""Measures what statistics cost, as shares of a first ingest without them.

    python benchmarks/measurements.py medium.db.zst [--repeat 3] [--write]

Each ingest is a process of its own, in which the time of the statistics is told
apart: for the whole past, after a hundred new builds, and when nothing is new.
Memory is that of computing the whole past, also on a database four times as large.
``--write`` keeps the table in README.md. (Not called statistics.py: Python would
take it for its own module of that name.)
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from run import HERE, TIMES_LARGER, add_builds, keep, multiply, unpacked

sys.path.insert(0, str(HERE.parent))

BEGIN = "<!-- table: make bench, statistics -->"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("database", type=Path, help="a rebuilderd database, or it as .zst")
    parser.add_argument("source", type=Path, nargs="?", help=argparse.SUPPRESS)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="keep the table in benchmarks/README.md")
    parser.add_argument("--measure", choices=["ingest", "past"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure == "ingest":
        print(json.dumps(ingest(arguments.database, arguments.source)))
    elif arguments.measure == "past":
        print(json.dumps(past(arguments.database)))
    else:
        with tempfile.TemporaryDirectory() as folder:
            report = compare(unpacked(arguments.database, Path(folder)), Path(folder), arguments.repeat)
        print(report)
        if arguments.write:
            keep(report, BEGIN)


def compare(upstream: Path, folder: Path, repeat: int) -> str:
    recent, larger = folder / "recent.db", folder / "larger.db"
    add_builds(upstream, recent, days=0)
    multiply(upstream, larger)
    runs: list[dict[str, dict[str, float]]] = []
    for _ in range(repeat):
        ours = folder / "ours.db"
        for old in folder.glob("ours*"):
            old.unlink()
        runs.append(
            {
                "past": measure("ingest", ours, upstream),
                "increment": measure("ingest", ours, recent),
                "unchanged": measure("ingest", ours, recent),
            }
        )
    first = median(run["past"]["ingest"] for run in runs)
    lines = [
        f"First ingest without statistics {first:.2f} s; median of {repeat}, {os.cpu_count()} cores.",
        "",
        "| statistics | seconds | of the first ingest | at most |",
        "| --- | ---: | ---: | ---: |",
    ]
    for what, name, most in (
        ("of the whole past", "past", "50%"),
        ("after 100 new builds", "increment", "2%"),
        ("when nothing is new", "unchanged", ""),
    ):
        seconds = median(run[name]["statistics"] for run in runs)
        lines.append(f"| {what} | {seconds:.3f} | {seconds / first:.1%} | {most} |")
    measure("ingest", folder / "ours-larger.db", larger)
    memory = [measure("past", path)["mebibytes"] for path in (ours, folder / "ours-larger.db")]
    lines += [
        "",
        f"Peak memory of the whole past: {memory[0]:.0f} MB; of a database {TIMES_LARGER} times as large:"
        f" {memory[1]:.0f} MB.",
    ]
    return "\n".join(lines)


def measure(what: str, *paths: Path) -> dict[str, float]:
    command = [sys.executable, __file__, *map(str, paths), "--measure", what]
    measured: dict[str, float] = json.loads(
        subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    )
    return measured


def ingest(database: Path, source: Path) -> dict[str, float]:
    from ingest import pipeline
    from ingest.config import Instance
    from ingest.progress import Progress
    from ingest.statistics import engine

    seconds = 0.0
    update = engine.update

    def timed(*arguments: object, **options: object) -> engine.Report:
        nonlocal seconds
        started = time.perf_counter()
        report = update(*arguments, **options)  # type: ignore[arg-type]
        seconds = time.perf_counter() - started
        return report

    engine.update = timed
    started = time.perf_counter()
    pipeline.ingest(database, Instance(str(source), "bench"), full=False, progress=Progress(silent=True))
    return {"ingest": time.perf_counter() - started - seconds, "statistics": seconds}


def past(database: Path) -> dict[str, float]:
    from ingest import store
    from ingest.logs import store_of
    from ingest.statistics import engine

    with store.open_database(database) as connection, store_of(database, connection) as logs:
        with store.transaction(connection, database):
            connection.execute("DELETE FROM measurements")
            connection.execute("DELETE FROM statistics")
        with store.transaction(connection, database):
            report = engine.update(connection, datetime.now(UTC).replace(microsecond=0), logs)
    assert not report.problems, report.problems
    return {"mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


if __name__ == "__main__":
    main()
