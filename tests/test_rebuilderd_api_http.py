"""What HTTP promises of our API, what it gives over all rebuilders, and how real clients get on with it."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import sqlite3
import subprocess
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import zstandard
from conftest import StartRebuilderd
from helpers import DAEMON, FIXTURES, add_build, copy, ingest, one, rows
from real_rebuilderd import program
from served import lay_out, serving

from ingest.api import answers, routes
from ingest.api import serving as serving_api
from ingest.api.body import SHORT, Body, decompressed, kept
from ingest.api.cache import Cache

LEGACY_LIST = FIXTURES / "pkgs-list-0.24.json"
LIST = "/r/tiny/api/v0/pkgs/list"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three rebuilders: two that agree in everything, and one that is known by a list of API v0 only."""
    folder = lay_out(tmp_path_factory.mktemp("api") / "site")
    ingest(folder / "reproducibility.db", DAEMON, name="tiny")
    ingest(folder / "reproducibility.db", DAEMON, name="twin")
    ingest(folder / "reproducibility.db", LEGACY_LIST, name="listed", release="trixie")
    return folder


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[httpx.Client]:
    with serving(folder) as address, httpx.Client(base_url=address, timeout=30) as client:
        yield client


def test_over_all_rebuilders_ids_are_ours_and_each_record_says_whose_it_is(
    site: httpx.Client, folder: Path
) -> None:
    for path, table in {
        "packages/source": "source_packages",
        "packages/binary": "binary_packages",
        "builds": "builds",
        "queue": "queue",
        "workers": "workers",
    }.items():
        known = rows(
            folder / "reproducibility.db",
            f"SELECT t.id, r.name FROM {table} AS t JOIN rebuilders AS r ON r.id = t.rebuilder_id ORDER BY 1",
        )
        answer = site.get(f"/api/v1/{path}?limit=-1").json()
        assert [(record["id"], record["rebuilder"]) for record in answer["records"]] == known
        assert answer["total"] == len(known)
        assert site.get(f"/api/v1/{path}/{known[-1][0]}").json() == answer["records"][-1]


def test_the_dashboard_over_all_rebuilders_adds_theirs_up(site: httpx.Client) -> None:
    single = [site.get(f"/r/{name}/api/v1/dashboard").json() for name in ("tiny", "twin", "listed")]
    together = site.get("/api/v1/dashboard").json()
    for part in ("rebuilds", "jobs"):
        assert together[part] == {key: sum(each[part][key] for each in single) for key in together[part]}


def test_the_list_over_all_rebuilders_has_each_package_once(site: httpx.Client) -> None:
    def keys(path: str) -> list[tuple[str, ...]]:
        keys = ("distro", "name", "version", "architecture")
        return [tuple(record[key] for key in keys) for record in site.get(path).json()]

    together = keys("/api/v0/pkgs/list")
    assert len(together) == len(set(together))
    assert set(together) == {*keys("/r/tiny/api/v0/pkgs/list"), *keys("/r/listed/api/v0/pkgs/list")}


def test_logs_over_all_rebuilders_are_found_by_our_ids(site: httpx.Client, folder: Path) -> None:
    some = rows(
        folder / "reproducibility.db",
        "SELECT r.name, b.id, b.upstream_id FROM builds AS b JOIN rebuilders AS r ON r.id = b.rebuilder_id"
        " WHERE b.status = 'FAIL' AND r.name IN ('tiny', 'twin')",
    )
    assert len(some) > 5
    for name, id, upstream_id in some:
        log = site.get(f"/api/v1/builds/{id}/log")
        assert log.status_code == 200
        assert log.content == site.get(f"/r/{name}/api/v1/builds/{upstream_id}/log").content


def test_a_rebuilder_known_by_a_list_answers_with_that_list(site: httpx.Client) -> None:
    def by_package(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return sorted(records, key=lambda r: (r["name"], r["version"], r["architecture"]))

    found = by_package(site.get("/r/listed/api/v0/pkgs/list").json())
    assert found == by_package(json.loads(LEGACY_LIST.read_text()))
    binaries = site.get("/r/listed/api/v1/packages/binary?limit=-1").json()["records"]
    assert len(binaries) == len(found)
    assert all(record["last_seen"] and record["id"] for record in binaries)
    assert site.get(f"/r/listed/api/v1/packages/binary/{binaries[3]['id']}").json() == binaries[3]


def test_statistics_are_the_last_totals_of_each_day(site: httpx.Client, folder: Path) -> None:
    found = site.get("/r/tiny/api/v1/stats?release=trixie&architecture=amd64").json()
    assert len(found) == 1
    ((good, bad, fail, unknown),) = rows(
        folder / "reproducibility.db",
        "SELECT good, bad, fail, unknown FROM current_totals WHERE rebuilder = 'tiny'"
        " AND release = 'trixie' AND architecture = 'amd64'",
    )
    assert [found[0][key] for key in ("good", "bad", "fail", "unknown")] == [good, bad, fail, unknown]
    assert sum(category["count"] for category in found[0]["categories"]) >= fail
    assert not found[0]["captured_at"].endswith("Z")
    assert site.get("/r/tiny/api/v1/stats?since=2099-01-01T00:00:00").json() == []
    assert len(site.get("/api/v1/stats?limit=2").json()) == 2


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/nosuch", 404),
        ("GET", "/api/v2/dashboard", 404),
        ("GET", "/api", 404),
        ("GET", "/api/", 404),
        ("GET", "/r/tiny/api", 404),
        ("GET", "/r/nosuch/api/v1/dashboard", 404),
        ("GET", "/api/v1/builds/99999999", 404),
        ("GET", "/api/v1/builds/99999999999999999", 404),
        ("GET", "/api/v1/builds/abc", 404),
        ("GET", "/api/v1/builds/99999999/log", 404),
        ("GET", "/api/v0/builds/99999999/log", 404),
        ("GET", "/api/v1/builds/1/artifacts/99999999/diffoscope", 404),
        ("GET", "/api/v1/builds/1/artifacts/99999999/attestation", 404),
        ("GET", "/api/v1/builds?limit=abc", 400),
        ("GET", "/api/v1/builds?limit=", 400),
        ("GET", "/api/v1/builds?limit=2147483648", 400),
        ("GET", "/api/v1/builds?after=1.5", 400),
        ("GET", "/api/v1/builds?sort=nosuch", 400),
        ("GET", "/api/v1/builds?sort=id;drop", 400),
        ("GET", "/api/v1/builds?direction=desc", 400),
        ("GET", "/api/v1/builds?name=a&name=b", 400),
        ("GET", "/api/v1/packages/source?seen_only=1", 400),
        ("GET", "/api/v1/stats?limit=-1", 400),
        ("GET", "/api/v1/stats?since=yesterday", 400),
        ("GET", "/api/v0/pkgs/list?status=FAIL", 400),
        ("GET", "/api/v1/meta/public-keys", 501),
        ("GET", "/api/v0/public-keys", 501),
        ("GET", "/api/v0/workers", 403),
        ("POST", "/api/v0/pkgs/sync", 501),
        ("POST", "/api/v0/build/report", 501),
        ("POST", "/api/v1/packages", 501),
        ("POST", "/api/v1/builds", 501),
        ("POST", "/api/v1/stats", 501),
        ("DELETE", "/r/tiny/api/v1/queue/3", 501),
        ("POST", "/api/v1/nosuch", 404),
        ("POST", "/api/v1/dashboard", 405),
        ("GET", "/api/v0/queue/list", 405),
    ],
)
def test_a_refusal_is_json_with_a_sentence(site: httpx.Client, method: str, path: str, status: int) -> None:
    answer = site.request(method, path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/json")
    assert answer.json()["status"] == status
    assert answer.json()["error"].endswith(".")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert ("Allow" in answer.headers) == (status == 405)


def test_a_wrong_method_is_told_the_right_one(site: httpx.Client) -> None:
    assert site.post("/api/v1/dashboard").headers["Allow"] == "GET, HEAD, OPTIONS"
    assert site.get("/api/v0/queue/list").headers["Allow"] == "POST, OPTIONS"


def test_an_attestation_is_refused_only_where_there_is_one(site: httpx.Client, folder: Path) -> None:
    for has, status in ((1, 501), (0, 404)):
        ((build, artifact),) = rows(
            folder / "reproducibility.db",
            "SELECT build_id, id FROM build_artifacts WHERE has_attestation = ? LIMIT 1",
            has,
        )
        path = f"/api/v1/builds/{build}/artifacts/{artifact}/attestation"
        assert site.get(path).status_code == status


@pytest.mark.parametrize(
    "body", ["x", "[]", '{"limit": "3"}', '{"limit": true}', "\ud800".encode("utf-8", "surrogatepass")]
)
def test_a_queue_is_asked_for_with_json(site: httpx.Client, body: str | bytes) -> None:
    answer = site.post("/api/v0/queue/list", content=body)
    assert answer.status_code == 400 and answer.json()["error"].startswith("The body must be JSON")
    assert site.post("/api/v0/queue/list", content="9" * 5000).status_code == 413


@pytest.mark.parametrize("path", [LIST, "/api/v1/packages/binary?limit=3", "/api/v1/meta/distributions"])
def test_who_has_the_answer_already_is_told_so(site: httpx.Client, path: str) -> None:
    answer = site.get(path)
    known = {"If-None-Match": answer.headers["ETag"]}, {"If-Modified-Since": answer.headers["Last-Modified"]}
    for condition in known:
        again = site.get(path, headers=condition)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == answer.headers["ETag"]
    for condition in (
        {"If-None-Match": '"other"'},
        {"If-None-Match": '"other"', "If-Modified-Since": answer.headers["Last-Modified"]},
        {"If-Modified-Since": "Sat, 01 Jan 2000 00:00:00 GMT"},
        {"If-Modified-Since": "nonsense"},
        {"If-Modified-Since": f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT"},
        # What a site sent while its clock was ahead.
        {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"},
    ):
        assert site.get(path, headers=condition).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/r/tiny/api/v1/dashboard",
        "/api/v0/dashboard",
        "/api/v1/stats",
        "/api/v1/packages/binary?unique=true",
        "/api/v1/packages/status?source=acl",
    ],
)
def test_what_changes_between_runs_is_not_said_to_be_of_the_last_one(site: httpx.Client, path: str) -> None:
    """The clock moves what waits for its retry, and other rules explain failures in another way."""
    answer = site.get(path).raise_for_status()
    assert "Last-Modified" not in answer.headers
    assert site.get(path, headers={"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}).status_code == 200
    tag = site.get(path).headers["ETag"]
    assert "v0/dashboard" in path or site.get(path, headers={"If-None-Match": tag}).status_code == 304


def raw(site: httpx.Client, path: str, encoding: str) -> tuple[httpx.Headers, bytes]:
    with site.stream("GET", path, headers={"Accept-Encoding": encoding}) as answer:
        return answer.headers, b"".join(answer.iter_raw())


def test_an_answer_is_the_same_in_every_encoding(site: httpx.Client) -> None:
    headers, plain = raw(site, LIST, "identity")
    assert int(headers["Content-Length"]) == len(plain)
    for accepted, name, unpack in (
        ("gzip", "gzip", gzip.decompress),
        ("zstd", "zstd", lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body)),
        ("br, zstd;q=0, gzip;q=0.5", "gzip", gzip.decompress),
        ("zstd;q=0, *;q=0", None, bytes),
    ):
        headers, packed = raw(site, LIST, accepted)
        assert headers.get("Content-Encoding") == name
        assert "Accept-Encoding" in headers["Vary"]
        assert unpack(packed) == plain
        assert name is None or len(packed) < len(plain) / 5


@pytest.mark.parametrize("path", [LIST, "/api/v1/dashboard", "/api/v1/builds/1/log"])
def test_a_head_request_gives_the_headers_alone(site: httpx.Client, path: str) -> None:
    answer, head = site.get(path), site.head(path)
    assert (head.status_code, head.content) == (answer.status_code, b"")
    for name in ("Content-Type", "ETag", "Content-Encoding"):
        assert head.headers.get(name) == answer.headers.get(name) or path == "/api/v1/dashboard"


def test_pages_of_other_sites_may_ask(site: httpx.Client) -> None:
    asked = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "GET"}
    answer = site.options(LIST, headers=asked)
    assert answer.status_code == 204 and "GET" in answer.headers["Access-Control-Allow-Methods"]
    assert site.get(LIST, headers=asked).headers["Access-Control-Allow-Origin"] == "*"


def test_an_ingest_is_seen_at_once_and_changes_the_tag(tmp_path: Path) -> None:
    folder, source = lay_out(tmp_path / "site"), copy(DAEMON, tmp_path)
    ingest(folder / "reproducibility.db", source, name="tiny")
    with serving(folder) as address:
        before = httpx.get(address + LIST)
        build_input, name = rows(
            source,
            "SELECT build_input_id, name FROM binary_packages GROUP BY name, version HAVING count(*) = 1 LIMIT 1",
        )[0]
        build = add_build(source, build_input, "BAD", "2026-11-22 01:00:00", [(name, "BAD")])
        ingest(folder / "reproducibility.db", source, name="tiny")
        after = httpx.get(address + LIST, headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200 and after.headers["ETag"] != before.headers["ETag"]
    (record,) = [record for record in after.json() if record["build_id"] == build]
    assert (record["name"], record["status"], record["built_at"]) == (name, "BAD", "2026-11-22T01:00:00")


def test_a_private_site_keeps_its_api_to_itself(folder: Path, tmp_path: Path) -> None:
    closed = lay_out(tmp_path / "site")
    (closed / "reproducibility.db").symlink_to(folder / "reproducibility.db")
    metadata = (closed / "metadata.yml").read_text()
    (closed / "metadata.yml").unlink()
    (closed / "metadata.yml").write_text(f"allow: false\n{metadata}")
    with serving(closed) as address:
        for path in ("/api/v1/dashboard", LIST, "/api/v1/builds/1/log"):
            answer = httpx.get(address + path)
            assert answer.status_code == 403 and answer.json()["status"] == 403


def test_a_body_is_made_without_ever_being_held_uncompressed() -> None:
    tracemalloc.start()
    body = kept((f'{{"name":"package-{number}"}},' for number in range(500_000)), None)
    whole = sum(len(chunk) for chunk in decompressed(body.content))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert whole == body.length > 12_000_000
    assert peak < body.length / 2


def test_a_short_answer_is_sent_as_it_is_and_a_long_one_in_few_messages(site: httpx.Client) -> None:
    name = site.get("/r/tiny/api/v1/packages/binary?limit=1").json()["records"][0]["name"]
    path = f"/r/tiny/api/v1/packages/binary?name={name}"
    for encoding in ("identity", "gzip", "zstd"):
        headers, body = raw(site, path, encoding)
        assert "Content-Encoding" not in headers and int(headers["Content-Length"]) == len(body)
        assert "Accept-Encoding" in headers["Vary"] and len(body) < SHORT
    for pieces in (["x" * SHORT], ["x" * SHORT, "y"]):
        made = kept(pieces, None)
        assert made.is_frame == (len(pieces) > 1) and made.length == len("".join(pieces))
        assert len(made.content) <= SHORT


@pytest.mark.parametrize("rebuilder", [None, "tiny"])
@pytest.mark.parametrize(
    "query", [{}, {"name": "xdelta"}, {"architecture": "all"}, {"name": "nosuch"}], ids=str
)
def test_the_old_list_is_the_same_in_pieces_of_any_size(
    folder: Path, monkeypatch: pytest.MonkeyPatch, rebuilder: str | None, query: dict[str, str]
) -> None:
    route, words = routes.find("GET", "v0/pkgs/list")
    asked = serving_api.request(route, words, rebuilder, query)
    bodies = []
    with closing(sqlite3.connect(folder / "reproducibility.db")) as connection:
        for size in (100_000, 7, 1):
            monkeypatch.setattr(answers, "_BATCH", size)
            body = serving_api.answer(connection, asked)
            bodies.append(b"".join(decompressed(body.content)) if body.is_frame else body.content)
        assert connection.execute("PRAGMA cache_size").fetchone() == (-2000,)
    assert bodies[0] == bodies[1] == bodies[2]
    assert bool(json.loads(bodies[0])) == (query.get("name") != "nosuch")


def test_an_answer_that_many_ask_for_is_made_once_for_each_state() -> None:
    made: list[int] = []

    async def make() -> Body:
        made.append(1)
        await asyncio.sleep(0.01)
        return kept(["[]"], None)

    async def ask() -> None:
        cache = Cache()
        for state in (1, 1, 2):
            await asyncio.gather(*(cache.get(state, "key", make) for _ in range(20)))

    # A browser that other tests keep open has a loop of its own in this thread.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, ask()).result()
    assert len(made) == 2


def test_answers_that_were_not_asked_for_lately_are_dropped() -> None:
    made: list[int] = []

    async def ask() -> None:
        cache = Cache(largest=5000)
        for key in (0, 1, 2, 3, 4, 5, 0, 5):
            await cache.get("state", key, maker(key))

    def maker(key: int) -> Callable[[], Any]:
        async def make() -> Body:
            made.append(key)
            return kept(["[]"], None)

        return make

    # A browser that other tests keep open has a loop of its own in this thread.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, ask()).result()
    assert made == [0, 1, 2, 3, 4, 5, 0]


def run(version: str, name: str, *arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [*program(version, name), *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What dpkg would tell of a machine that has the sample's packages, and one that nobody knows."""
    packages = rows(
        folder / "reproducibility.db",
        "SELECT DISTINCT name, architecture, version FROM binary_packages WHERE architecture IN ('amd64', 'all')",
    )
    told = tmp_path_factory.mktemp("dpkg") / "installed"
    lines = [f"installed {' '.join(package)}" for package in (*packages, ("unheard-of", "all", "1"))]
    told.write_text("".join(f"{line}\n" for line in lines))
    return told


@pytest.mark.parametrize("version", ["0.24", "0.28"])
def test_debian_repro_status_gives_the_verdicts_that_it_gives_with_the_daemon(
    version: str,
    rebuilderd_028: StartRebuilderd,
    rebuilderd_024: StartRebuilderd,
    site: httpx.Client,
    installed: Path,
) -> None:
    """With Debian's stable and testing; each rebuilderd comes with its time's client."""
    daemon = rebuilderd_028(DAEMON).url
    listed = httpx.get(f"{daemon}/api/v0/pkgs/list").json()

    def verdicts(host: str) -> list[str]:
        return run(
            version, "debian-repro-status", "-H", host, "--architecture", "amd64",
            "--dpkg-query-output", str(installed),
        ).splitlines()  # fmt: skip

    # A package of two releases is listed twice by the daemon, and 0.3.1 believes what comes first.
    statuses: dict[str, set[str]] = {}
    for package in listed:
        line = f"{package['name']} {package['architecture']} {package['version']}"
        statuses.setdefault(line, set()).add(package["status"])
    unclear = {line for line, found in statuses.items() if len(found) > 1}

    def clear(lines: list[str]) -> list[str]:
        return [line for line in lines if " ".join(line.split()[1:4]) not in unclear and "INFO" not in line]

    theirs, ours, together = (
        verdicts(host) for host in (daemon, f"{site.base_url}/r/tiny", str(site.base_url))
    )
    assert clear(ours) == clear(theirs) and len(clear(ours)) > 60
    if version == "0.28":
        assert ours == theirs
    assert [line for line in ours if "unheard-of" in line] == ["[?] unheard-of all 1 UNKWN"]
    assert len(together) == len(ours)


def test_rebuildctl_lists_what_it_lists_with_the_daemon(
    rebuilderd_028: StartRebuilderd, site: httpx.Client, tmp_path: Path
) -> None:
    daemon = rebuilderd_028(DAEMON).url
    cookie = tmp_path / "cookie"
    cookie.write_text("none\n")
    for question in (
        ["pkgs", "ls", "--distro", "debian"],
        ["queue", "ls"],
        ["pkgs", "ls", "--name", "xdelta"],
    ):
        theirs, ours = (
            run("0.28", "rebuildctl", "-H", host, *question, REBUILDERD_COOKIE_PATH=str(cookie))
            for host in (daemon, f"{site.base_url}/r/tiny")
        )
        assert ours == theirs and ours


def test_the_build_of_one_rebuilder_is_not_another_ones(site: httpx.Client, folder: Path) -> None:
    """Ids of the one mean nothing to the other."""
    highest = one(folder / "reproducibility.db", "SELECT max(id) FROM builds")
    assert site.get(f"/api/v1/builds/{highest}").status_code == 200
    unknown = one(
        folder / "reproducibility.db",
        "SELECT min(b.id) FROM builds AS b WHERE NOT EXISTS (SELECT 1 FROM builds AS o WHERE o.upstream_id = b.id"
        " AND o.rebuilder_id = (SELECT id FROM rebuilders WHERE name = 'tiny'))",
    )
    assert site.get(f"/r/tiny/api/v1/builds/{unknown}").status_code == 404
