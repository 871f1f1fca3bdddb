"""The shipped site for nginx, run by a real nginx in front of a real Datasette: clients, hosts, encodings, limits."""

from __future__ import annotations

import gzip
import os
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
import zstandard
from browsing import Visit
from conftest import unavailable
from helpers import rows
from playwright.sync_api import Browser
from real_nginx import NAME, NOBODY, PUBLIC, Front, nginx
from real_rebuilderd import Unavailable, program
from served import serving

pytest_plugins = ("site_fixtures",)

LIST = "/api/v0/pkgs/list"
LISTS = (LIST, "/api/v1/packages/binary?limit=1000&sort=name")
"""What debian-repro-status and rebuildctl ask for, word for word."""
ENDLESS = "WITH RECURSIVE n(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"
Client = Callable[[str], None]
"""Asks by way of the proxy of that address; fails where it cannot read the answer."""
DECODERS = {
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
    "gzip": gzip.decompress,
    None: bytes,
}
ENCODINGS = {
    "zstd": "zstd",
    "ZSTD ; q=0.5": "zstd",
    "gzip;q=0, zstd;q=1.0": "zstd",
    "gzip,deflate,br,zstd": "zstd",
    "zstd;q=0.0, gzip": "gzip",
    "br;q=1.0, gzip;q=0.8, *;q=0.1": "gzip",
    "zstd;q=0": None,
    "gzip;q=0.00": None,
    "x-zstd": None,
    "identity": None,
    "*": None,
    "": None,
    None: None,
}
"""What clients say that they take, and what they get."""


@pytest.fixture(scope="module")
def upstream(site_folder: Path) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PUBLIC_URL", PUBLIC)
        with serving(site_folder) as address:
            yield address


@pytest.fixture(scope="module")
def front(upstream: str) -> Iterator[Front]:
    with nginx(upstream) as front:
        yield front


@pytest.fixture
def proxy(front: Front) -> Iterator[str]:
    """Each test is a reader of its own, with limits of its own."""
    with front.reader() as proxy:
        yield proxy


def visitor(front: Front, proxy: str) -> httpx.Client:
    """A client that says nothing of encodings by itself."""
    client = httpx.Client(base_url=PUBLIC, proxy=proxy, verify=front.trust, timeout=60)
    del client.headers["Accept-Encoding"]
    return client


@pytest.fixture
def reader(front: Front, proxy: str) -> Iterator[httpx.Client]:
    with visitor(front, proxy) as client:
        yield client


# Who starts it


@pytest.mark.parametrize("user", [None, NOBODY] if os.getuid() == 0 else [None])
def test_it_runs_whoever_starts_it_and_keeps_answers(upstream: str, user: int | None) -> None:
    with nginx(upstream, user=user) as front, front.reader() as proxy, visitor(front, proxy) as reader:
        answers = [reader.get(LIST).raise_for_status() for _ in range(2)]
        assert [answer.headers["X-Cache-Status"] for answer in answers] == ["MISS", "HIT"]
        assert answers[0].json() == answers[1].json() != []
        page = reader.get("/")
        for header in ("Strict-Transport-Security", "Content-Security-Policy", "X-Content-Type-Options"):
            assert len(page.headers.get_list(header)) == 1, header


# Clients


def body_of(client: httpx.Client, path: str, accepted: str | None) -> tuple[str | None, bytes]:
    """The encoding in which a body came, and what it says."""
    headers = {} if accepted is None else {"Accept-Encoding": accepted}
    with client.stream("GET", path, headers=headers) as answer:
        body = b"".join(answer.iter_raw())
    assert answer.status_code == 200
    encoding = answer.headers.get("Content-Encoding")
    return encoding, DECODERS[encoding](body)


def command(front: Front, folder: Path, version: str, name: str, *options: str) -> Client:
    """A program of Debian's rebuilderd packages."""
    try:
        arguments = [*program(version, name), "-H", PUBLIC, *options]
    except Unavailable as error:
        unavailable(str(error))
    (folder / "cookie").write_text("none\n")
    own = {"SSL_CERT_FILE": str(front.certificate), "REBUILDERD_COOKIE_PATH": str(folder / "cookie")}

    def ask(proxy: str) -> None:
        environment = {**os.environ, **own, "https_proxy": proxy}
        done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and "bzip2" in done.stdout, done.stderr

    return ask


def library(front: Front, accepted: str | None) -> Client:
    """A library that reads what it says."""

    def ask(proxy: str) -> None:
        with visitor(front, proxy) as client:
            for path in LISTS:
                encoding, body = body_of(client, path, accepted)
                assert (encoding or "identity") in (accepted or "identity") and b'"bzip2"' in body

    return ask


def standard_library(front: Front) -> Client:
    def ask(proxy: str) -> None:
        handlers = (
            urllib.request.ProxyHandler({"https": proxy}),
            urllib.request.HTTPSHandler(context=front.trust),
        )
        for path in LISTS:
            with urllib.request.build_opener(*handlers).open(PUBLIC + path, timeout=60) as answer:
                assert b'"bzip2"' in answer.read()

    return ask


def chromium(browser: Browser) -> Client:
    def ask(proxy: str) -> None:
        context = browser.new_context(proxy={"server": proxy}, ignore_https_errors=True)
        page = context.new_page()
        for path in LISTS:
            answer = page.goto(PUBLIC + path)
            assert answer and '"bzip2"' in answer.text()
        context.close()

    return ask


def test_every_client_reads_what_was_kept_for_every_other(
    front: Front, browser: Browser, tmp_path: Path
) -> None:
    installed = tmp_path / "installed"
    installed.write_text("installed bzip2 amd64 1.0.8-6\n")
    options = ("--architecture", "amd64", "--dpkg-query-output", str(installed))
    clients = {
        "debian-repro-status 0.3.1": command(front, tmp_path, "0.24", "debian-repro-status", *options),
        "debian-repro-status 0.4.0": command(front, tmp_path, "0.28", "debian-repro-status", *options),
        "rebuildctl": command(front, tmp_path, "0.28", "rebuildctl", "pkgs", "ls"),
        "urllib": standard_library(front),
        "requests": library(front, "gzip, deflate"),
        "httpx": library(front, "gzip, deflate, br, zstd"),
        "a browser": chromium(browser),
    }
    for first, ask_first in clients.items():
        front.forget()
        with front.reader() as proxy:
            ask_first(proxy)
            for then, ask in clients.items():
                try:
                    ask(proxy)
                except Exception as error:
                    raise AssertionError(f"after {first}, {then} failed") from error


def test_every_way_to_name_encodings_gets_one_of_them(front: Front) -> None:
    for first in ("zstd", "gzip", None):
        front.forget()
        with front.reader() as proxy, visitor(front, proxy) as client:
            body_of(client, LIST, first)
            answers = {accepted: body_of(client, LIST, accepted) for accepted in ENCODINGS}
        assert {accepted: encoding for accepted, (encoding, _) in answers.items()} == ENCODINGS
        assert len({body for _, body in answers.values()}) == 1


def test_metrics_have_the_type_that_was_asked_for(reader: httpx.Client) -> None:
    asked = ["application/openmetrics-text;version=1.0.0,text/plain;q=0.5", "text/plain", "*/*"]
    for _ in range(2):
        kinds = [
            reader.get("/metrics", headers={"Accept": kind}).headers["Content-Type"].partition(";")[0]
            for kind in asked
        ]
        assert kinds == ["application/openmetrics-text", "text/plain", "text/plain"]


def test_pages_are_kept_once_for_all_who_read_them(reader: httpx.Client) -> None:
    """Of a page there is one encoding, and no reader is another one than the next."""
    seen = [
        reader.get("/questions", headers=headers).headers["X-Cache-Status"]
        for headers in (
            {},
            {"Accept-Encoding": "zstd"},
            {"Accept": "text/html", "Cookie": "a=b"},
            {"Authorization": "Basic YTpi"},
        )
    ]
    assert seen[1:] == ["HIT"] * 3


# Hosts


def test_other_hosts_are_refused_and_leave_nothing_behind(front: Front, reader: httpx.Client) -> None:
    paths = {
        "/reproducibility/builds.json?_size=1": f'"next_url": "{PUBLIC}/reproducibility/builds.json?',
        "/reproducibility/feed_failures.atom": f"<id>tag:{NAME},",
        "/statistics.json": f'"{PUBLIC}/statistics/',
    }
    front.forget()
    strange = ["stranger.example", f"{NAME}.stranger.example", "127.0.0.1", f"stranger.example:{front.https}"]
    for path, link in paths.items():
        for host in strange:
            assert reader.get(path, headers={"Host": host}).status_code == 421
        forwarded = {
            "X-Forwarded-Host": strange[0],
            "X-Forwarded-Prefix": "/x",
            "Forwarded": f"host={strange[0]}",
        }
        for headers in (forwarded, {"Host": NAME.upper()}, {"Host": f"{NAME}:444"}, {}):
            text = reader.get(path, headers=headers).raise_for_status().text.replace("\\/", "/")
            assert link in text and "stranger" not in text


def test_without_encryption_one_is_sent_to_the_site_and_nowhere_else(front: Front) -> None:
    address = f"http://127.0.0.1:{front.http}/package/bzip2?a=b"
    assert httpx.get(address, headers={"Host": "stranger.example"}).status_code == 421
    sent = httpx.get(address, headers={"Host": NAME})
    assert (sent.status_code, sent.headers["Location"]) == (301, f"{PUBLIC}/package/bzip2?a=b")


def test_health_checks_may_ask_datasette_under_any_name(upstream: str) -> None:
    answer = httpx.get(f"{upstream}/reproducibility/builds.json?_size=1").raise_for_status()
    assert answer.json()["next_url"].startswith(f"{PUBLIC}/")


# Limits


def at_once(reader: httpx.Client, paths: list[str], number: int) -> list[httpx.Response]:
    """The answers to what is asked by so many at the same time."""
    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(reader.get, paths))


def test_a_page_that_reads_a_hundred_logs_gets_them_in_ten_seconds(
    reader: httpx.Client, site_folder: Path
) -> None:
    logs = rows(site_folder / "reproducibility.db", "SELECT id FROM failures WHERE log_bytes > 0")
    paths = [f"/failures/{id}/log?{again}" for again in range(100) for (id,) in logs][:100]
    start = time.monotonic()
    assert [answer.status_code for answer in at_once(reader, paths, 6)] == [200] * 100
    assert time.monotonic() - start < 10


@pytest.mark.parametrize(
    ("table", "name", "sql"),
    [("", "sql", ENDLESS), ("/builds", "_where", f"id < ({ENDLESS})"), ("", "%73ql", ENDLESS)],
    ids=["sql", "_where", "in other letters"],
)
def test_of_ten_heavy_questions_at_most_six_are_asked(
    reader: httpx.Client, table: str, name: str, sql: str
) -> None:
    paths = [
        f"/reproducibility{table}.json?{name}={quote(sql)}&_timelimit=2000&_n={number}"
        for number in range(10)
    ]
    with ThreadPoolExecutor(1) as another:
        heavy = another.submit(at_once, reader, paths, 10)
        time.sleep(0.5)
        assert reader.get("/questions").status_code == 200
    refused = [answer for answer in heavy.result() if answer.status_code == 429]
    assert 4 <= len(refused) < 10
    assert {answer.headers["Retry-After"] for answer in refused} == {"10"}


def test_who_asks_for_one_list_after_another_is_not_refused(reader: httpx.Client) -> None:
    tables = ("builds", "source_packages", "binary_packages", "failures", "status_changes")
    for number in range(5):
        for table in tables:
            path = f"/reproducibility/{table}.csv?_stream=on&_size=max&_col=id&id={number}"
            assert reader.get(path).status_code == 200


def test_two_dashboards_in_a_row_have_all_their_charts(browser: Browser, front: Front, proxy: str) -> None:
    context = browser.new_context(proxy={"server": proxy}, ignore_https_errors=True)
    visit = Visit(context.new_page(), PUBLIC)
    for dashboard in ("compare", "operations"):
        visit.open(f"/-/dashboards/{dashboard}")
        assert visit.page.locator(".dashboard-card-chart").count() > 5
    assert visit.problems == []
    context.close()
