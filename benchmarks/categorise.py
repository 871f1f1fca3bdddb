"""Measures how long the failures of a rebuilder take to be explained.

    python benchmarks/categorise.py medium.db [--rules FILE]... [--workers 2] [--repeat 5]

The measure is what decompressing the same logs once in one thread takes; both
read the database, alternately, and the medians are compared. Each measurement
is a process of its own, so that its peak memory is known.
"""

from __future__ import annotations

import argparse
import json
import resource
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

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
    parser.add_argument("database", type=Path, help="a rebuilderd database, 0.25 or later; it is only read")
    parser.add_argument(
        "--rules", type=Path, action="append", default=[], help="instead of the default rules"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--measure", choices=["decompress", "categorise"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure == "decompress":
        measured = decompress(arguments.database)
    elif arguments.measure == "categorise":
        measured = categorise(arguments.database, arguments.rules, arguments.workers)
    else:
        compare(arguments.repeat)
        return
    measured["mebibytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(measured))


def compare(repeat: int) -> None:
    seconds: dict[str, list[float]] = {"decompress": [], "categorise": []}
    last: dict[str, dict] = {}
    for _ in range(repeat):
        for name, measurements in seconds.items():
            output = subprocess.run(
                [sys.executable, *sys.argv, "--measure", name], check=True, stdout=subprocess.PIPE
            )
            last[name] = json.loads(output.stdout)
            measurements.append(last[name]["seconds"])
    base = median(seconds["decompress"])
    print("| | seconds | ratio | peak MiB |\n| --- | --- | --- | --- |")
    for name, measurements in seconds.items():
        middle = median(measurements)
        print(f"| {name} | {middle:.3f} | {middle / base:.2f} | {last[name]['mebibytes']} |")
    logs, bytes_ = last["decompress"]["logs"], last["decompress"]["bytes"]
    print(
        f"\n{logs:,} logs, {bytes_ / 1e6:.0f} MB; {last['categorise']['verdicts']:,} verdicts, median of {repeat}:"
    )
    for category, count in last["categorise"]["categories"]:
        print(f"  {count:6,} {category}")


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
    return {"seconds": seconds, "verdicts": counts.total(), "categories": counts.most_common()}


if __name__ == "__main__":
    main()
