"""Server time of every page, question and chart with its defaults, on one database.

    python benchmarks/pages.py reproducibility.db [--times 5]

Each is asked for once and then so often as wanted, in this process, without a network; the median counts.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import median
from time import perf_counter
from urllib.parse import urlencode

from datasette.app import Datasette
from datasette.utils import tilde_encode

ROOT = Path(__file__).resolve().parent.parent
SITE = ("metadata.yml", "settings.json", "canned_queries", "dashboards", "plugins", "static", "templates")
LIMIT, FRONT_PAGE = 100, 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("database", type=Path, help="a database that the ingest made")
    parser.add_argument("--times", type=int, default=5, help="how often each is asked for (5)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in SITE:
            (folder / part).symlink_to(ROOT / part)
        (folder / "reproducibility.db").symlink_to(options.database.resolve(strict=True))
        report(asyncio.run(measure(folder, options.times)))


async def measure(folder: Path, times: int) -> dict[str, float]:
    """The median of each page in milliseconds."""
    site = Datasette(config_dir=folder)
    await site.invoke_startup()
    with closing(sqlite3.connect(f"file:{folder}/reproducibility.db?mode=ro", uri=True)) as database:
        pages = {path: path for path in addresses(database)}
    pages |= dict(charts(site))
    return {name: await milliseconds(site, path, times) for name, path in pages.items()}


async def milliseconds(site: Datasette, path: str, times: int) -> float:
    taken = []
    for _ in range(times + 1):
        started = perf_counter()
        response = await site.client.get(path)
        taken.append(1000 * (perf_counter() - started))
        if response.status_code != 200:
            raise SystemExit(f"{path} answers {response.status_code}: {response.text[:300]}")
    return median(taken[1:])


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


def report(measured: dict[str, float]) -> None:
    slowest = sorted(measured.items(), key=lambda item: -item[1])
    for name, taken in slowest[:10]:
        print(f"{taken:8.1f} ms  {name}")
    front = measured["/"]
    slow = [name for name, taken in slowest if taken > LIMIT]
    print(f"{len(measured)} pages, questions and charts; {len(slow)} take more than {LIMIT} ms.")
    print(f"The front page takes {front:.1f} ms of {FRONT_PAGE} ms: {'yes' if front <= FRONT_PAGE else 'NO'}")


if __name__ == "__main__":
    main()
