"""Server time of every page, question, table, view and chart with its defaults, on one database.

    python benchmarks/pages.py medium.db.zst [--times 5] [--all] [--write]

The database is a rebuilder's, or it as .zst, or one that the ingest made. Pages are asked for in this process, without
a network: once to begin with, then so often as wanted, and then as often with a commit before each, after which nothing
that was kept of the database is good any more. Medians count. ``--write`` keeps the table in README.md.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from urllib.parse import urlencode

from datasette.app import Datasette
from datasette.utils import tilde_encode
from run import HERE, keep, unpacked

sys.path.insert(0, str(HERE.parent))

ROOT = HERE.parent
SITE = ("metadata.yml", "settings.json", "canned_queries", "dashboards", "plugins", "static", "templates")
LIMIT, FRONT_PAGE = 100, 50
SHOWN = 10
BEGIN = "<!-- table: make bench, pages -->"


@dataclass(frozen=True)
class Taken:
    """Milliseconds until the answer was there, and how much of it a processor worked; both also after a commit."""

    kept: float
    kept_worked: float
    anew: float
    anew_worked: float

    @property
    def longest(self) -> float:
        return max(self.kept, self.anew)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("database", type=Path, help="a rebuilder's database, or one that the ingest made")
    parser.add_argument("--times", type=int, default=5, help="how often each is asked for (5)")
    parser.add_argument("--all", action="store_true", help="print all that take longer than they should")
    parser.add_argument("--write", action="store_true", help="keep the table in benchmarks/README.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as aside:
        folder = Path(name)
        for part in SITE:
            (folder / part).symlink_to(ROOT / part)
        is_packed = options.database.suffix == ".zst"
        given = unpacked(options.database, Path(aside)) if is_packed else options.database
        lay_down(given, folder / "reproducibility.db")
        measured = asyncio.run(measure(folder, options.times))
    slow = sum(taken.longest > limit(name) for name, taken in measured.items())
    print(report(measured, options.times, max(SHOWN, slow) if options.all else SHOWN))
    if options.write:
        keep(report(measured, options.times, SHOWN), BEGIN)


def lay_down(source: Path, database: Path) -> None:
    """A copy of the database, which is written to here; ingested first where a rebuilder's own is given."""
    with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as given:
        if given.execute("SELECT 1 FROM sqlite_master WHERE name = 'ingest_runs'").fetchone():
            with closing(sqlite3.connect(database)) as ours:
                given.backup(ours)
                ours.execute("PRAGMA journal_mode = WAL")
            return
    from ingest import pipeline
    from ingest.config import Instance
    from ingest.progress import Progress

    pipeline.ingest(database, Instance(str(source), "bench"), full=False, progress=Progress(silent=True))


async def measure(folder: Path, times: int) -> dict[str, Taken]:
    """What each page takes."""
    site = Datasette(config_dir=folder)
    await site.invoke_startup()
    with closing(sqlite3.connect(folder / "reproducibility.db", isolation_level=None)) as database:
        pages = {path: path for path in addresses(database)} | dict(charts(site))

        def change() -> None:
            database.execute("UPDATE rebuilders SET name = name")

        measured = {}
        for name, path in pages.items():
            await milliseconds(site, path)
            kept = [await milliseconds(site, path) for _ in range(times)]
            anew = [await milliseconds(site, path, change) for _ in range(times)]
            measured[name] = Taken(
                *(median(each) for times in (kept, anew) for each in zip(*times, strict=True))
            )
    return measured


async def milliseconds(
    site: Datasette, path: str, before: Callable[[], None] | None = None
) -> tuple[float, float]:
    """Until the answer is there, and how much of it a processor worked."""
    if before:
        before()
    started, worked = perf_counter(), process_time()
    response = await site.client.get(path)
    taken = 1000 * (perf_counter() - started), 1000 * (process_time() - worked)
    if response.status_code != 200:
        raise SystemExit(f"{path} answers {response.status_code}: {response.text[:300]}")
    return taken


def addresses(database: sqlite3.Connection) -> Iterator[str]:
    """Every kind of page, of what has most to show; every table, view and question."""
    yield from (
        "/",
        "/questions",
        "/data",
        "/statistics",
        "/search?q=zip",
        "/search?q=memory",
        "/reproducibility",
        "/-/dashboards",
    )
    kinds = {
        "package": "SELECT name FROM source_packages GROUP BY name ORDER BY sum(attempts) DESC LIMIT 1",
        "rebuilder": "SELECT name FROM rebuilders LIMIT 1",
        "category": "SELECT key FROM categories JOIN failures ON category_id = categories.id WHERE is_current"
        " GROUP BY key ORDER BY count(*) DESC LIMIT 1",
        "origin": "SELECT distribution, coalesce(release, '-'), architecture FROM origins LIMIT 1",
        "statistics": "SELECT name FROM statistics WHERE first_at IS NOT NULL",
    }
    for kind, sql in kinds.items():
        for row in database.execute(sql):
            yield "/".join(("", kind, *map(tilde_encode, row)))
    relations = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE '%_fts%'"
    for (name,) in database.execute(f"{relations} AND name NOT LIKE 'sqlite_%' ORDER BY name"):
        yield f"/reproducibility/{name}"
    for path in sorted((ROOT / "canned_queries" / "reproducibility").glob("*.sql")):
        yield f"/reproducibility/{path.stem}"


def charts(site: Datasette) -> Iterator[tuple[str, str]]:
    """What the browser asks for to draw each dashboard."""
    for slug, dashboard in site.plugin_config("datasette-dashboards").items():
        yield f"/-/dashboards/{slug}", f"/-/dashboards/{slug}"
        for name, chart in dashboard["charts"].items():
            if "query" in chart:
                sql = re.sub(r"\[\[.*?\]\]", "", chart["query"])
                query = urlencode({"sql": sql, "_shape": "objects"})
                yield f"/-/dashboards/{slug}: {name}", f"/reproducibility.json?{query}"


def limit(name: str) -> int:
    return FRONT_PAGE if name == "/" else LIMIT


def report(measured: dict[str, Taken], times: int, most: int) -> str:
    slowest = sorted(measured.items(), key=lambda item: -item[1].longest)
    over = [
        sum(getattr(taken, which) > limit(name) for name, taken in measured.items())
        for which in ("kept", "kept_worked", "anew", "anew_worked")
    ]
    shown = [("/", measured["/"]), *slowest[:most]]
    return "\n".join(
        [
            f"{len(measured)} pages, questions, tables, views and charts; median of {times}; {os.cpu_count()} cores.",
            "",
            "| milliseconds | | of a processor | after a change | of a processor |",
            "| --- | ---: | ---: | ---: | ---: |",
            f"| how many take more than {LIMIT} ({FRONT_PAGE} for the front page) | {' | '.join(map(str, over))} |",
            *(
                f"| `{name}` | {taken.kept:.0f} | {taken.kept_worked:.0f} | {taken.anew:.0f} | {taken.anew_worked:.0f} |"
                for name, taken in shown
            ),
        ]
    )


if __name__ == "__main__":
    main()
