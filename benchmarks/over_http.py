"""Measures runs that read a large database through the real rebuilderd's API v1.

    python benchmarks/over_http.py medium.db.zst [--repeat 3] [--write]

A first run, one with nothing new, and one after a hundred builds came in, beside what the daemon
itself takes of a processor to give its lists. ``--write`` keeps the table in README.md.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from run import HERE, NEW_BUILDS, keep, report_builds, unpacked

sys.path.insert(0, str(HERE.parent / "tests"))
from real_rebuilderd import RealRebuilderd

BEGIN = "<!-- table: make bench, over HTTP -->"
FIRST_SECONDS = 60
TIMES_THE_DAEMON, AND_SECONDS = 3, 3
MORE_SECONDS = 5


@dataclass(frozen=True)
class Cost:
    """Seconds of one run: by the clock, of a processor, and of the daemon's processor meanwhile."""

    wall: float
    own: float
    daemon: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("database", type=Path, help="a rebuilderd database, or it as .zst")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="keep the table in benchmarks/README.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        upstream = unpacked(arguments.database, Path(folder))
        report = table([measure(upstream, Path(folder)) for _ in range(arguments.repeat)])
    print(report)
    if arguments.write:
        keep(report, BEGIN)


def measure(upstream: Path, folder: Path) -> dict[str, Cost]:
    ours = folder / "ours.db"
    for old in folder.glob("ours*"):
        old.unlink()
    with RealRebuilderd("0.28", upstream) as daemon:
        costs = {"first": ingest(ours, daemon), "unchanged": ingest(ours, daemon)}
        report_builds(daemon.database, days=0)
        costs["news"] = ingest(ours, daemon)
    return costs


def ingest(database: Path, daemon: RealRebuilderd) -> Cost:
    command = [
        sys.executable,
        "-m",
        "ingest",
        "ingest",
        str(database),
        daemon.url,
        "--name",
        "bench",
        "--silent",
    ]
    before, start = daemon.processor_seconds, time.perf_counter()
    process = subprocess.Popen(command, cwd=HERE.parent)
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the ingest of {daemon.url} failed with {process.returncode}")
    return Cost(elapsed, usage.ru_utime + usage.ru_stime, daemon.processor_seconds - before)


def table(runs: list[dict[str, Cost]]) -> str:
    def middle(name: str, value: Callable[[Cost], float]) -> float:
        return median(value(costs[name]) for costs in runs)

    lists = middle("unchanged", lambda cost: cost.daemon)
    unchanged = middle("unchanged", lambda cost: cost.wall)
    lines = [
        f"Median of {len(runs)}, {os.cpu_count()} cores. The daemon takes {lists:.1f} s of a processor for its lists.",
        "",
        "| run | seconds | of a processor | of the daemon's | at most | |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for what, name, most, limit in (
        ("first", "first", "one minute", FIRST_SECONDS),
        (
            "with nothing new", "unchanged", f"{TIMES_THE_DAEMON} × the lists + {AND_SECONDS} s",
            TIMES_THE_DAEMON * lists + AND_SECONDS,
        ),
        (
            f"with {NEW_BUILDS} new builds", "news", f"{MORE_SECONDS} s more than with nothing new",
            unchanged + MORE_SECONDS,
        ),
    ):  # fmt: skip
        wall = middle(name, lambda cost: cost.wall)
        own, daemon = middle(name, lambda cost: cost.own), middle(name, lambda cost: cost.daemon)
        kept = "yes" if wall <= limit else "**no**"
        lines.append(f"| {what} | {wall:.1f} | {own:.1f} | {daemon:.1f} | {most} ({limit:.1f} s) | {kept} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
