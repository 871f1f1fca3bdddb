"""Measures our API beside the real rebuilderd on the same database, in one run.

    python benchmarks/api.py --database medium.db.zst [--repeat 7] [--seconds 20] [--write]

Machines differ and are busy, so both are asked in turn and the medians are
compared. After a change everything is made anew; else answers are kept. ``--write`` keeps the table in README.md. Needs what the tests
need: Debian's rebuilderd is fetched and unpacked on first use.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from itertools import count
from pathlib import Path
from random import Random
from statistics import median, quantiles
from typing import NamedTuple
from urllib.parse import quote, urlsplit

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "tests")]

from real_rebuilderd import RealRebuilderd  # noqa: E402
from run import ingest, unpacked  # noqa: E402
from served import lay_out, serving  # noqa: E402

README = HERE / "README.md"
BEGIN, END = "<!-- table: benchmarks/api.py -->", "<!-- end of table of the API -->"
CLIENTS = 64
NAMES = 20_000


class Server(NamedTuple):
    """Where one of the two answers: host with port, and what stands before ``/api/``."""

    netloc: str
    prefix: str

    def seconds(self, path: str, encoding: str = "identity") -> float:
        """How long one answer takes, connecting and the last byte included."""
        start = time.perf_counter()
        with closing(HTTPConnection(self.netloc, timeout=120)) as connection:
            connection.request("GET", f"{self.prefix}/api/{path}", headers={"Accept-Encoding": encoding})
            answer = connection.getresponse()
            answer.read()
        if answer.status != 200:
            raise SystemExit(f"{self.netloc}{self.prefix}/api/{path} answered {answer.status}")
        return time.perf_counter() - start


class Load(NamedTuple):
    """What many clients at once got to see."""

    milliseconds: list[float]
    errors: int

    def text(self) -> str:
        p50, p99 = median(self.milliseconds), quantiles(self.milliseconds, n=100)[98]
        return f"{p50:.0f} ms, p99 {p99:.0f} ms, {len(self.milliseconds):,} answers, {self.errors} errors"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--database", type=Path, required=True, help="a rebuilderd database, or it as .zst")
    parser.add_argument("--repeat", type=int, default=7, help="how often to measure (default: 7)")
    parser.add_argument("--seconds", type=float, default=20, help="how long 64 clients ask (default: 20)")
    parser.add_argument("--write", action="store_true", help="keep the table in benchmarks/README.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        upstream = unpacked(arguments.database, Path(folder))
        with both(upstream, Path(folder)) as (daemon, ours, database):
            report = measure(daemon, ours, database, upstream, arguments.repeat, arguments.seconds)
    print(report)
    if arguments.write:
        keep(report)


@contextmanager
def both(upstream: Path, folder: Path) -> Iterator[tuple[Server, Server, Path]]:
    site = lay_out(folder / "site")
    database = site / "reproducibility.db"
    ingest(database, upstream)
    with RealRebuilderd("0.28", upstream) as daemon, serving(site) as address:
        yield Server(urlsplit(daemon.url).netloc, ""), Server(urlsplit(address).netloc, "/r/bench"), database


def measure(daemon: Server, ours: Server, database: Path, upstream: Path, repeat: int, seconds: float) -> str:
    ids, names = known(upstream)
    after = (ids[len(ids) * number // 50] for number in count(1))

    def in_turn(
        path: Callable[[], str], before: Callable[[], None], encoding: str = "identity"
    ) -> list[float]:
        pairs = []
        for _ in range(repeat):
            asked = path()
            theirs = daemon.seconds(asked, encoding)
            before()
            pairs.append((theirs, ours.seconds(asked, encoding)))
        return [median(column) for column in zip(*pairs, strict=True)]

    rows = [
        ("dashboard", 20, in_turn(lambda: "v1/dashboard", lambda: None)),
        ("dashboard, after a change", 2, in_turn(lambda: "v1/dashboard", lambda: touch(database))),
        (
            "a page of 1,000 binary packages", 10,
            in_turn(lambda: f"v1/packages/binary?limit=1000&after={next(after)}", lambda: None),
        ),
        (
            "whole v0 list, after a change", 2,
            in_turn(lambda: "v0/pkgs/list", lambda: touch(database)),
        ),
        ("whole v0 list, asked again", 2, in_turn(lambda: "v0/pkgs/list", lambda: None)),
        ("whole v0 list, asked again, zstd", 20, in_turn(lambda: "v0/pkgs/list", lambda: None, "zstd")),
    ]  # fmt: skip
    under_load = {
        name: asyncio.run(load(server, names, seconds))
        for name, server in (("daemon", daemon), ("ours", ours))
    }
    lines = [
        f"Median of {repeat}, {len(ids):,} binary packages; identity where nothing else is said.",
        "",
        "| what | rebuilderd 0.28 | ours | ratio | at least | |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
        *(
            f"| {what} | {theirs * 1000:.0f} ms | {mine * 1000:.1f} ms | {theirs / mine:.1f} × | {least} × |"
            f" {'yes' if theirs >= least * mine else '**no**'} |"
            for what, least, (theirs, mine) in rows
        ),
        "",
        f"{CLIENTS} clients at once asking for the status of packages by name, for {seconds:.0f} seconds:",
        "",
        *(f"- {name}: {measured.text()}" for name, measured in under_load.items()),
    ]
    return "\n".join(lines)


def known(upstream: Path) -> tuple[list[int], list[str]]:
    """Ids of binary packages in their order, and names in none."""
    with closing(sqlite3.connect(f"{upstream.as_uri()}?immutable=1", uri=True)) as connection:
        ids = [id for (id,) in connection.execute("SELECT id FROM binary_packages ORDER BY id")]
        names = [
            name for (name,) in connection.execute("SELECT DISTINCT name FROM binary_packages ORDER BY 1")
        ]
    return ids, Random(1).sample(names, min(NAMES, len(names)))


def touch(database: Path) -> None:
    """Commit something, so that all answers have to be made anew."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE rebuilders SET url = hex(randomblob(8))")


async def load(server: Server, names: list[str], seconds: float) -> Load:
    """Every client asks for one package after the other, each for its own."""
    measured = Load([], 0)
    errors = 0
    end = time.perf_counter() + seconds

    async def client(number: int) -> None:
        nonlocal errors
        host, _, port = server.netloc.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        for name in names[number::CLIENTS] * 1000:
            start = time.perf_counter()
            if start > end:
                break
            path = f"{server.prefix}/api/v1/packages/binary?name={quote(name)}"
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {server.netloc}\r\n\r\n".encode())
            if not await answered(reader):
                errors += 1
            measured.milliseconds.append((time.perf_counter() - start) * 1000)
        writer.close()

    await asyncio.gather(*(client(number) for number in range(CLIENTS)))
    return measured._replace(errors=errors)


async def answered(reader: asyncio.StreamReader) -> bool:
    """Whether a whole answer came that names a package."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
    body = await reader.readexactly(length)
    return b" 200 " in head[:20] and b'"records":[{' in body


def keep(report: str) -> None:
    text = README.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n{report}\n{END}{after}")


if __name__ == "__main__":
    main()
