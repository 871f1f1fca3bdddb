"""Measures how long the failures of a rebuilder take to be explained.

    python benchmarks/categorise.py medium.db [--rules FILE]... [--workers 2] [--repeat 5] [--write]

The measure is what decompressing the same logs once in one thread takes; both
read the database, alternately, and the medians are compared. Each measurement
is a process of its own, so that its peak memory is known. ``--write`` keeps the
table in README.md.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from run import keep, unpacked

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

BEGIN = "<!-- table: make bench, categories -->"

FAILURES = """
SELECT rebuilds.id, distribution, architecture, build_log, rebuild_artifacts.name, diffoscope_log
FROM rebuilds
JOIN build_inputs ON build_inputs.id = build_input_id
JOIN source_packages ON source_packages.id = source_package_id
JOIN build_logs ON build_logs.id = build_log_id
LEFT JOIN rebuild_artifacts ON rebuild_id = rebuilds.id AND rebuild_artifacts.status = 'BAD'
LEFT JOIN diffoscope_logs ON diffoscope_logs.id = diffoscope_log_id
WHERE rebuilds.status IN ('BAD', 'FAIL')
ORDER BY rebuilds.id
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("database", type=Path, help="a rebuilderd database, 0.25 or later, or it as .zst")
    parser.add_argument(
        "--rules", type=Path, action="append", default=[], help="instead of the default rules"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--write", action="store_true", help="keep the table in benchmarks/README.md")
    parser.add_argument("--measure", choices=["decompress", "categorise"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure == "decompress":
        measured = decompress(arguments.database)
    elif arguments.measure == "categorise":
        measured = categorise(arguments.database, arguments.rules, arguments.workers)
    else:
        with tempfile.TemporaryDirectory() as folder:
            database = unpacked(arguments.database, Path(folder))
            rules = [option for file in arguments.rules for option in ("--rules", str(file))]
            report, categories = compare(
                database, [*rules, "--workers", str(arguments.workers)], arguments.repeat
            )
        print(f"{report}\n\n{categories}")
        if arguments.write:
            keep(report, BEGIN)
        return
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    measured["processor"] = sum(usage.ru_utime + usage.ru_stime for usage in (own, others))
    # What forks share with their parent counts once for each.
    measured["mebibytes"] = (own.ru_maxrss + arguments.workers * others.ru_maxrss) // 1024
    print(json.dumps(measured))


def compare(database: Path, options: list[str], repeat: int) -> tuple[str, str]:
    seconds: dict[str, list[float]] = {"decompress": [], "categorise": []}
    last: dict[str, dict] = {}
    for _ in range(repeat):
        for name, measurements in seconds.items():
            command = [sys.executable, __file__, database, *options, "--measure", name]
            output = subprocess.run(command, check=True, stdout=subprocess.PIPE)
            last[name] = json.loads(output.stdout)
            measurements.append(last[name]["seconds"])
    plain, explained = (median(measurements) for measurements in seconds.values())
    logs, size = last["decompress"]["logs"], last["decompress"]["bytes"]
    memory, verdicts = last["categorise"]["mebibytes"], last["categorise"]["verdicts"]
    lines = [
        f"{logs:,} logs, {size / 1e6:.0f} MB; {verdicts:,} failures; median of {repeat}; decompressing {plain:.2f} s "
        f"({last['decompress']['processor']:.2f} s of a processor, Python's start included), explaining "
        f"{explained:.2f} s ({last['categorise']['processor']:.2f} s); {os.cpu_count()} cores.",
        "",
        "| what | measured | at most | |",
        "| --- | ---: | ---: | --- |",
        row(
            "explaining all failures, to decompressing their logs once in one thread",
            explained / plain,
            1.5,
            " ×",
        ),
        row("peak memory of explaining", memory, 250, " MB"),
    ]
    categories = (f"{count:6,} {name}" for name, count in last["categorise"]["categories"])
    return "\n".join(lines), "\n".join(categories)


def row(what: str, measured: float, limit: float, unit: str) -> str:
    digits = 1 if isinstance(limit, float) else 0
    verdict = "yes" if measured <= limit else "**no**"
    return f"| {what} | {measured:.{digits}f}{unit} | {limit}{unit} | {verdict} |"


def builds(database: Path) -> Iterator[tuple[tuple, list[tuple[str, bytes | None]]]]:
    """Each failed build once, with its artifacts."""
    connection = sqlite3.connect(f"file:{database}?immutable=1", uri=True)
    build, artifacts = None, []
    for *row, name, diffoscope in connection.execute(FAILURES):
        if build is not None and row[0] != build[0]:
            yield build, artifacts
            artifacts = []
        build = tuple(row)
        if name is not None:
            artifacts.append((name, diffoscope))
    if build is not None:
        yield build, artifacts


def decompress(database: Path) -> dict:
    import zstandard

    start = time.perf_counter()
    decompressor = zstandard.ZstdDecompressor()
    logs = size = 0
    for (*_, log), artifacts in builds(database):
        for frame in (log, *(diffoscope for _, diffoscope in artifacts)):
            if frame:
                logs += 1
                size += len(
                    decompressor.decompress(
                        frame, max_output_size=1 << 25 if len(frame) > 1 << 16 else 1 << 22
                    )
                )
    return {"seconds": time.perf_counter() - start, "logs": logs, "bytes": size}


def categorise(database: Path, rules: list[Path], workers: int) -> dict:
    from ingest.categories.matcher import Matcher
    from ingest.categories.rules import load_rules
    from ingest.categories.verdicts import FailedArtifact, FailedBuild
    from ingest.categories.work import verdicts

    start = time.perf_counter()
    matcher = Matcher(load_rules(rules))
    failed = (
        FailedBuild(*build, tuple(FailedArtifact(*artifact) for artifact in artifacts))
        for build, artifacts in builds(database)
    )
    counts = Counter(verdict.category for verdict in verdicts(matcher, failed, workers))
    seconds = time.perf_counter() - start
    for helper in multiprocessing.active_children():
        helper.join()
    return {"seconds": seconds, "verdicts": counts.total(), "categories": counts.most_common()}


if __name__ == "__main__":
    main()
