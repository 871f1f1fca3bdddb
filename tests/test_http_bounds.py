"""What a server may cost us: where it leads, how much it sends, how long it takes, whether it ever ends."""

from __future__ import annotations

import errno
import gzip
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import stamina
import zstandard
from fake_server import Answer, answer, binary_package, build, page, rebuilderd, serve, source_package
from helpers import DAEMON, dump, ingest, is_sound, one, published, rows, run

from ingest.sources import api_v1, body, http
from ingest.sources.connection import is_within

MIB = 1024 * 1024
META = "/api/v1/meta/distributions"
SOURCES = "/api/v1/packages/source"
ARTIFACTS = "/api/v1/builds/1/artifacts"
LOG = "/api/v1/builds/1/log"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(http, "SILENCE_SECONDS", 1.0)
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


def with_a_failure(**changed: Answer) -> dict[str, Answer]:
    """A rebuilderd whose first build is BAD, so that its artifacts and its log are asked for."""
    answers = rebuilderd(
        source=page(source_package(1, "acl", status="BAD")), builds=page(build(1, "acl", status="BAD"))
    )
    artifact = {"id": 1, "name": "a", "has_diffoscope": False, "has_attestation": False, "status": "BAD"}
    return answers | {ARTIFACTS: answer([artifact]), LOG: answer(b"a log")}


def said(database: Path, url: str) -> str:
    """What a run says, whether it fails in one sentence or notes what it could not read."""
    before = dump(database, without=("rebuilders",)) if database.exists() else None
    result = run("ingest", database, url, "--name", "r")
    assert is_sound(database)
    if result.exit_code == 0:
        return str(one(database, "SELECT notes FROM ingest_runs ORDER BY id DESC LIMIT 1"))
    assert result.exit_code == 1 and result.stderr.count("\n") == 1
    assert before is None or dump(database, without=("rebuilders",)) == before
    return result.stderr


# Redirects


@pytest.mark.parametrize("path", [META, SOURCES, ARTIFACTS, LOG])
def test_what_another_server_answers_is_not_read(path: str, tmp_path: Path) -> None:
    with serve({"/latest/meta-data": answer(b"internal")}) as internal, serve(with_a_failure()) as server:
        server.answers[path] = answer(b"", 302, Location=f"{internal.url}/latest/meta-data")
        text = said(tmp_path / "r.db", server.url)
        assert f"{server.url}{path}: redirects to another server ({internal.url})" in text
    assert internal.asked == []


@pytest.mark.parametrize("path", [META, SOURCES, ARTIFACTS, LOG])
def test_a_redirect_on_the_same_server_is_followed(path: str, tmp_path: Path) -> None:
    with serve(with_a_failure()) as server:
        server.answers["/moved"] = server.answers[path]
        server.answers[path] = answer(b"", 308, Location="/moved")
        result = ingest(tmp_path / "r.db", server.url)
    assert result.notes == [] and (result.builds, result.failures) == (1, 1)


def test_what_a_redirect_has_for_a_body_is_not_read(tmp_path: Path) -> None:
    with serve(rebuilderd()) as server:
        healthy = server.answers[SOURCES]
        server.answers["/moved"] = healthy
        moved = {"Location": "/moved", "Content_Encoding": "zstd"}
        server.answers[SOURCES] = answer(b"no zstd", 302, **moved)
        assert ingest(tmp_path / "r.db", server.url).builds == 3


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "http://", "//[", "gopher://127.0.0.1/", "http://a b/"]
)
def test_a_redirect_to_no_web_server_is_a_sentence(target: str, tmp_path: Path) -> None:
    with serve({META: answer(b"", 302, Location=target)}) as server:
        assert f"{server.url}{META}: " in said(tmp_path / "r.db", server.url)


@pytest.mark.parametrize(
    ("origin", "target", "is_followed"),
    [
        ("http://r.example", "http://r.example/x", True),
        ("http://r.example", "http://R.example:80/x", True),
        ("http://r.example", "https://r.example/x", True),
        ("http://r.example:8484", "https://r.example/x", True),
        ("http://r.example:8484", "https://r.example:8484/x", True),
        ("https://r.example", "https://somebody@r.example/x", True),
        ("https://r.example", "http://r.example/x", False),
        ("http://r.example", "http://r.example:8080/x", False),
        ("http://r.example", "https://r.example:8443/x", False),
        ("https://r.example", "https://r.example:8443/x", False),
        ("http://r.example", "http://www.r.example/x", False),
        ("http://r.example", "http://r.example@127.0.0.1/x", False),
        ("http://r.example", "ftp://r.example/x", False),
    ],
)
def test_a_redirect_stays_on_the_server_that_was_named(origin: str, target: str, is_followed: bool) -> None:
    assert is_within(httpx.URL(origin), httpx.URL(target)) == is_followed


# Size and time


def spaces(encoding: str) -> Answer:
    """An answer of four MiB that takes some kB."""
    content = b" " * (4 * MIB)
    compressed = zstandard.compress(content) if encoding == "zstd" else gzip.compress(content)
    assert len(compressed) < MIB / 100
    return answer(compressed, Content_Encoding=encoding)


@pytest.mark.parametrize("encoding", ["zstd", "gzip"])
@pytest.mark.parametrize("path", [META, SOURCES, ARTIFACTS])
def test_a_small_answer_that_stands_for_a_large_one_is_refused(
    path: str, encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in ((http, "SMALL_BODY"), (http, "LARGEST_LIST"), (api_v1, "LARGEST_ARTIFACTS")):
        monkeypatch.setattr(module, name, MIB)
    with serve(with_a_failure() | {path: spaces(encoding)}) as server:
        assert f"{server.url}{path}: the answer is larger than 1 MiB; refused" in said(
            tmp_path / "r.db", server.url
        )


def test_a_log_in_gzip_that_stands_for_a_large_one_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "LARGEST_LOG", MIB)
    with serve(with_a_failure() | {LOG: spaces("gzip")}) as server:
        assert "1 × log that could not be read" in said(tmp_path / "r.db", server.url)


def test_a_list_may_be_as_long_as_its_known_rows_need() -> None:
    assert http.largest_list(0) == http.largest_list(100_000) == 1024 * MIB
    assert http.largest_list(10_000_000) > 10_000_000 * 400


def test_an_answer_may_take_long_as_long_as_it_makes_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "LONGEST_SECONDS", 0.2)
    monkeypatch.setattr(body, "SLOWEST", 1000)

    def trickle(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for piece in [b" " * size] * 20 + [b'{"total":0,"records":[]}']:
            handler.wfile.write(piece)
            time.sleep(0.05)

    with serve(rebuilderd(queue=trickle)) as server:
        size = 200
        assert ingest(tmp_path / "r.db", server.url).builds == 3
        size = 1
        assert "took longer than" in said(tmp_path / "r.db", server.url)


def test_an_unknown_compression_is_a_sentence(tmp_path: Path) -> None:
    with serve(rebuilderd(source=answer(b"abc", Content_Encoding="sdch"))) as server:
        assert "compressed in a way that was not asked for ('sdch')" in said(tmp_path / "r.db", server.url)


def test_a_full_temporary_folder_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(body.tempfile, "SpooledTemporaryFile", full)
    with serve(rebuilderd()) as server:
        text = said(tmp_path / "r.db", server.url)
    assert "cannot be kept in the temporary folder (No space left on device); free some space" in text


# Lists without end


Records = Callable[[int, int, bool], list[dict[str, Any]]]


def builds_of(records: Records, total: int) -> Answer:
    """Pages of builds: ``records`` makes those after an id, as many as wanted, in which direction."""

    def paged(handler: BaseHTTPRequestHandler) -> None:
        query = parse_qs(urlsplit(handler.path).query)
        after, limit = int(query["after"][0]), int(query["limit"][0])
        page(*records(after, limit, "direction" in query), total=total)(handler)

    return paged


def numbered(ids: range) -> list[dict[str, Any]]:
    return [build(id, "acl") for id in ids]


@pytest.mark.parametrize("total", [30, 10**9])
def test_builds_that_go_on_for_ever_are_left(
    total: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_v1, "BUILDS_A_PAGE", 50)
    monkeypatch.setattr(api_v1, "UNANNOUNCED", 50)
    for_ever = builds_of(lambda after, limit, newest: numbered(range(after + 1, after + limit + 1)), total)
    with serve(rebuilderd(builds=for_ever)) as server:
        text = said(tmp_path / "r.db", server.url)
        assert len([path for path in server.asked if "/builds?" in path]) < 10
    assert "builds of 1000000000" in text or "more records than the 30" in text


@pytest.mark.parametrize(
    "ids",
    [
        lambda after, limit: range(1, limit + 1),
        lambda after, limit: range(after, after + limit),
        lambda after, limit: [after + 1] * limit,
    ],
    ids=["the first page", "one again", "one new"],
)
def test_builds_that_come_again_are_left(
    ids: Callable[[int, int], range], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_v1, "BUILDS_A_PAGE", 10)
    again = builds_of(lambda after, limit, newest: [build(id, "acl") for id in ids(after, limit)], 10**9)
    with serve(rebuilderd(builds=again)) as server:
        assert "gives the same builds again" in said(tmp_path / "r.db", server.url)
        assert len([path for path in server.asked if "/builds?" in path]) < 5


def test_several_builds_with_one_id_are_none(tmp_path: Path) -> None:
    with serve(rebuilderd()) as server:
        ingest(tmp_path / "r.db", server.url)
        server.answers["/api/v1/builds"] = page(build(2, "acl"), build(2, "curl"))
        assert "gives several builds the id 2" in said(tmp_path / "r.db", server.url)
        server.answers["/api/v1/builds"] = page(*[build(id, "acl") for id in (1, 1)], total=2)
        assert ingest(tmp_path / "new.db", server.url).builds == 1


@pytest.mark.parametrize(
    ("kind", "record"), [("source", source_package), ("binary", binary_package)], ids=["source", "binary"]
)
def test_several_packages_with_one_id_are_none(
    tmp_path: Path, kind: str, record: Callable[[int, str], dict[str, Any]]
) -> None:
    with serve(rebuilderd()) as server:
        ingest(tmp_path / "r.db", server.url)
        before = published(tmp_path / "r.db")
        server.answers[f"/api/v1/packages/{kind}"] = page(record(1, "acl"), record(1, "curl"))
        assert f"gives several {kind} packages the id 1" in said(tmp_path / "r.db", server.url)
        assert published(tmp_path / "r.db") == before


def test_many_builds_are_read_page_by_page_to_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_v1, "BUILDS_A_PAGE", 50)
    there = 505

    def some(after: int, limit: int, newest: bool) -> list[dict[str, Any]]:
        rest = range(after + 1, there + 1)
        return numbered(rest[-limit:][::-1] if newest else rest[:limit])

    with serve(rebuilderd(builds=builds_of(some, there))) as server:
        assert ingest(tmp_path / "r.db", server.url).builds == 505
        there = 1000
        assert ingest(tmp_path / "r.db", server.url, full=True).builds == 495


def test_builds_that_come_in_while_others_are_read_wait_for_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_v1, "BUILDS_A_PAGE", 50)
    there = 100

    def growing(handler: BaseHTTPRequestHandler) -> None:
        nonlocal there
        query = parse_qs(urlsplit(handler.path).query)
        after, limit = int(query.get("after", ["0"])[0]), int(query["limit"][0])
        rest = range(after + 1, there + 1)
        found = rest[-limit:][::-1] if "direction" in query else rest[:limit]
        page(*numbered(found), total=there)(handler)
        there += 50 * (limit == 50)

    with serve(rebuilderd(builds=growing)) as server:
        first = ingest(tmp_path / "r.db", server.url).builds
        assert 100 <= first <= 200
        ingest(tmp_path / "r.db", server.url)
    assert one(tmp_path / "r.db", "SELECT count(*) FROM builds") > first


def test_a_list_that_gives_more_than_it_says_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_v1, "UNANNOUNCED", 10)
    many = page(*(source_package(id, f"p{id}") for id in range(1, 20)), total=3)
    with serve(rebuilderd(source=many)) as server:
        assert "gives more records than the 3 that it says" in said(tmp_path / "r.db", server.url)


# The environment

ENVIRONMENT = [
    ("NO_PROXY", "[::1]"),
    ("NO_PROXY", "fd00::/8"),
    ("ALL_PROXY", "socks5://somebody:hush@127.0.0.1:1080"),
    ("ALL_PROXY", "socks://somebody:hush@127.0.0.1:1080"),
    ("HTTPS_PROXY", "http://somebody:hu/sh@127.0.0.1:1080"),
    ("SSL_CERT_FILE", "/nonexistent"),
    ("SSL_CERT_FILE", "/etc/passwd"),
    ("SSLKEYLOGFILE", "/nonexistent/keys"),
]


@pytest.mark.parametrize(("variable", "value"), ENVIRONMENT)
def test_a_wrong_environment_is_a_sentence_and_stops_neither_files_nor_other_sinks(
    variable: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv(variable, value)
    (tmp_path / "rebuilders.toml").write_text(f"""
        [rebuilders.there]
        source = "http://rebuilder.example/"
        [rebuilders.here]
        source = "{DAEMON.resolve()}"
        [sinks.influx]
        kind = "influxdb"
        url = "http://influxdb.example"
        database = "x"
        [sinks.archive]
        kind = "jsonlines"
        path = "measurements.jsonl"
    """)
    database = tmp_path / "r.db"
    result = run("ingest", database, "--config", tmp_path / "rebuilders.toml")
    error, warning = result.stderr.splitlines()
    assert error.startswith("Error: http://rebuilder.example: ") and variable in error
    assert warning.startswith("Warning: sink influx: http://influxdb.example: ") and variable in warning
    assert result.exit_code == 1 and "hush" not in result.stderr and "hu/sh" not in result.stderr
    assert rows(database, "SELECT name FROM rebuilders") == [("here",)]
    assert (tmp_path / "measurements.jsonl").stat().st_size > 1000


@pytest.mark.parametrize("host", ["a" * 70 + ".example", ".example", "a..example", "xn--\u00e4"])
def test_a_host_that_cannot_be_one_is_a_sentence(host: str, tmp_path: Path) -> None:
    assert said(tmp_path / "r.db", f"http://{host}/").startswith("Error: http://")


def test_what_nobody_foresaw_stops_no_other_rebuilder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(address: str, release: str | None) -> None:
        raise LookupError("gone\nfor ever")

    monkeypatch.setattr(http, "open_api", break_down)
    (tmp_path / "rebuilders.toml").write_text(
        '[rebuilders.there]\nsource = "http://rebuilder.example"\n'
        f'[rebuilders.here]\nsource = "{DAEMON.resolve()}"\n'
    )
    result = run("ingest", tmp_path / "r.db", "--config", tmp_path / "rebuilders.toml")
    assert result.exit_code == 1 and result.stderr.count("\n") == 1
    assert "Error: there: a fault of rebuilderd-datasette (LookupError: gone for ever, at" in result.stderr
    assert rows(tmp_path / "r.db", "SELECT name FROM rebuilders") == [("here",)]
