"""Servers that stall, lie, break off or answer nonsense."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import stamina
import zstandard
from fake_server import answer, binary_package, build, page, rebuilderd, serve, source_package
from helpers import DAEMON, dump, ingest, one, rows, run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.errors import IngestError, SourceError
from ingest.sources import api_v1, at_once, http


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Three attempts without a pause between them, and one second of patience."""
    monkeypatch.setattr(http, "SILENCE_SECONDS", 1.0)
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


def fails(database: Path, url: str, saying: str) -> None:
    """One sentence on stderr, exit code 1, the data as before, the error kept."""
    before = dump(database) if database.exists() else None
    result = run("ingest", database, url, "--name", "r")
    assert result.exit_code == 1, result.output
    assert result.stderr.startswith("Error: ") and result.stderr.count("\n") == 1
    assert saying in result.stderr
    assert saying in one(database, "SELECT error FROM ingest_runs ORDER BY id DESC LIMIT 1")
    if before is not None:
        assert dump(database) == before


def test_a_healthy_server_is_read(tmp_path: Path) -> None:
    with serve(rebuilderd()) as server:
        ingest(tmp_path / "r.db", server.url)
    assert rows(tmp_path / "r.db", "SELECT name, status FROM source_packages ORDER BY name") == [
        ("acl", "GOOD"),
        ("bzip2", "GOOD"),
        ("curl", "GOOD"),
    ]


@pytest.mark.parametrize(
    ("first", "saying"),
    [
        (answer(b"<html>It works!</html>"), "not JSON"),
        (answer(b"", 404), "answered 404"),
        (answer({"hello": "world"}), "not as a rebuilderd does"),
        (answer([1, 2]), "not as a rebuilderd does"),
        (answer(b"forbidden", 403), "answered 403"),
    ],
)
def test_a_url_that_is_no_rebuilderd_is_named(first: object, saying: str, tmp_path: Path) -> None:
    with serve({"/api/v1/meta/distributions": first}) as server:  # type: ignore[dict-item]
        fails(tmp_path / "r.db", server.url, saying)


def test_nobody_listening_is_named(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    fails(tmp_path / "r.db", f"http://127.0.0.1:{port}", "cannot connect")


@pytest.mark.parametrize("url", ["http://", "http://[", "http://a b/", "https://:99999/", "http://a\udcff/"])
def test_an_unusable_url_is_named(url: str, tmp_path: Path) -> None:
    result = run("ingest", tmp_path / "r.db", url, "--name", "r")
    assert result.exit_code == 1 and result.stderr.count("\n") == 1


def stall(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"total": 3, "records": [')
    handler.wfile.flush()
    time.sleep(3)


def reset(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"total": 3, "records": [')
    handler.wfile.flush()
    handler.close_connection = True


def undecodable(handler: BaseHTTPRequestHandler) -> None:
    answer(b"this is not zstd", Content_Encoding="zstd")(handler)


@pytest.mark.parametrize(
    ("binary", "saying"),
    [
        (stall, "no answer within 1 seconds"),
        (reset, "the connection broke off"),
        (undecodable, "cannot be decompressed"),
        (answer(b'{"total": 3, "records": [{"id": 1'), "broken or cut short"),
        (answer(b'{"records": []}'), "without a total"),
        (answer(b"[]"), "without a total"),
        (answer(b'{"total": "many", "records": []}'), "without a total"),
        (page(binary_package(1, "acl"), total=3), "gave 1 records of 3"),
        (answer(b"busy", 503), "answered 503 again and again"),
        (answer(b"", 302, Location="/api/v1/packages/binary"), "redirects without end"),
    ],
)
def test_a_list_that_does_not_come_whole_leaves_the_database_as_it_was(
    binary: object, saying: str, tmp_path: Path
) -> None:
    database = tmp_path / "r.db"
    with serve(rebuilderd()) as server:
        ingest(database, server.url)
        server.answers["/api/v1/packages/binary"] = binary  # type: ignore[assignment]
        fails(database, server.url, saying)
        assert rows(database, "SELECT count(*) FROM binary_packages") == [(3,)]


def test_a_slow_server_that_keeps_talking_is_waited_for(tmp_path: Path) -> None:
    content = json.dumps({"total": 1, "records": [binary_package(1, "acl")]}).encode()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        for start in range(0, len(content), 200):
            handler.wfile.write(content[start : start + 200])
            handler.wfile.flush()
            time.sleep(0.4)

    with serve(rebuilderd(binary=slow)) as server:
        ingest(tmp_path / "r.db", server.url)
    assert one(tmp_path / "r.db", "SELECT name FROM binary_packages") == "acl"


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again_after_the_time_it_names(status: int, tmp_path: Path) -> None:
    answers = rebuilderd()
    healthy = answers["/api/v1/packages/source"]
    times: list[float] = []

    def busy_once(handler: BaseHTTPRequestHandler) -> None:
        times.append(time.monotonic())
        (healthy if len(times) > 1 else answer(b"", status, Retry_After="1"))(handler)

    answers["/api/v1/packages/source"] = busy_once
    with serve(answers) as server, stamina.set_testing(False):
        ingest(tmp_path / "r.db", server.url)
    assert len(times) == 2 and times[1] - times[0] >= 1.0
    assert one(tmp_path / "r.db", "SELECT count(*) FROM source_packages") == 3


@pytest.mark.parametrize("asked", ["9" * 5000, "\u00b2", "Mon, 01 Jan 2026 00:00:00 +" + "9" * 20])
def test_a_time_to_wait_that_is_none_is_passed_over(asked: str, tmp_path: Path) -> None:
    busy = answer(b"", 503, Retry_After=asked)
    with serve({"/api/v1/meta/distributions": busy}) as server:
        fails(tmp_path / "r.db", server.url, "answered 503 again and again")


def test_a_connection_that_breaks_once_is_tried_again(tmp_path: Path) -> None:
    answers = rebuilderd()
    healthy = answers["/api/v1/builds"]
    tries: list[int] = []

    def flaky(handler: BaseHTTPRequestHandler) -> None:
        tries.append(1)
        (healthy if len(tries) > 1 else reset)(handler)

    answers["/api/v1/builds"] = flaky
    with serve(answers) as server:
        ingest(tmp_path / "r.db", server.url)
    assert one(tmp_path / "r.db", "SELECT count(*) FROM builds") == 3


def test_zstd_is_asked_for_and_understood(tmp_path: Path) -> None:
    answers = rebuilderd()
    content = json.dumps({"total": 1, "records": [binary_package(1, "acl")]}).encode()
    accepted: list[str] = []

    def compressed(handler: BaseHTTPRequestHandler) -> None:
        accepted.append(handler.headers["Accept-Encoding"])
        answer(zstandard.compress(content), Content_Encoding="zstd")(handler)

    answers["/api/v1/packages/binary"] = compressed
    with serve(answers) as server:
        ingest(tmp_path / "r.db", server.url)
    assert "zstd" in accepted[0]
    assert one(tmp_path / "r.db", "SELECT name FROM binary_packages") == "acl"


@pytest.mark.parametrize(
    ("relation", "record"),
    [
        ("source", source_package(9, "dash", id="nine")),
        ("source", source_package(9, "dash", name=["a", "list"])),
        ("source", source_package(9, "dash", name=None)),
        ("source", source_package(9, "dash", last_seen="yesterday")),
        ("source", source_package(9, "dash", seen_in_last_sync="yes")),
        ("source", "no object"),
        ("source", {"id": 9}),
        ("binary", binary_package(9, "dash", version={"no": "text"})),
        ("binary", binary_package(9, "dash", name="a" * 10_000)),
        ("binary", binary_package(9, "dash", name="evil\x1b[31m\u202e")),
        ("binary", None),
        ("builds", build(9, "acl", built_at="99999-01-01T00:00:00")),
        ("builds", build(9, "acl", built_at="2026-02-31T00:00:00")),
        ("builds", build(9, "acl", status="SPLENDID")),
        ("builds", build(9, "acl", id=2**70)),
        ("builds", build(9, "acl", id=True)),
        ("builds", build(9, "acl", started_at=12345)),
        ("builds", build(9, "acl", retries="many")),
    ],
)
def test_one_bad_record_is_skipped_counted_and_named_and_the_rest_taken(
    relation: str, record: object, tmp_path: Path
) -> None:
    good = {"source": source_package, "binary": binary_package, "builds": build}[relation]
    numbered = enumerate(("acl", "bzip2", "curl"), 1)
    changed = page(*(good(id, name) for id, name in numbered), record)
    database = tmp_path / "r.db"
    with serve(rebuilderd(**{relation: changed})) as server:
        ingest(database, server.url)
    skipped, notes = rows(database, "SELECT skipped_records, notes FROM ingest_runs")[0]
    assert skipped == 1 and "skipped: bad" in notes
    for table in ("source_packages", "binary_packages", "builds"):
        assert one(database, f"SELECT count(*) FROM {table}") == 3


def test_names_with_quotes_and_markup_are_taken_as_they_are(tmp_path: Path) -> None:
    odd = """'; DROP TABLE builds; -- <script>alert("1")</script> ünï"""
    with serve(rebuilderd(source=page(source_package(1, odd)))) as server:
        ingest(tmp_path / "r.db", server.url)
    assert one(tmp_path / "r.db", "SELECT name FROM source_packages") == odd


def test_more_than_a_small_share_of_bad_records_fails_the_run(tmp_path: Path) -> None:
    bad = page(*(source_package(id, f"p{id}", last_seen="?") for id in range(1, 60)))
    with serve(rebuilderd(source=bad)) as server:
        fails(tmp_path / "r.db", server.url, "more than a small share")
    assert one(tmp_path / "r.db", "SELECT count(*) FROM source_packages") == 0


def test_artifacts_that_cannot_be_read_are_noted_and_tried_again(tmp_path: Path) -> None:
    answers = rebuilderd(builds=page(build(1, "acl", status="BAD"), build(2, "bzip2"), build(3, "curl")))
    artifacts = "/api/v1/builds/1/artifacts"
    answers[artifacts] = answer(b"", 500)
    database = tmp_path / "r.db"
    with serve(answers) as server:
        ingest(database, server.url)
        assert "1 × BAD build whose artifacts could not be read" in one(
            database, "SELECT notes FROM ingest_runs"
        )
        assert one(database, "SELECT unread_artifacts FROM rebuilders") == "[1]"
        assert one(database, "SELECT count(*) FROM build_artifacts") == 3
        record = {
            "id": 7,
            "name": "acl-dev",
            "has_diffoscope": True,
            "has_attestation": False,
            "status": "BAD",
        }
        server.answers[artifacts] = answer([record])
        ingest(database, server.url)
    assert rows(database, "SELECT a.name, a.status FROM build_artifacts AS a WHERE upstream_id = 7") == [
        ("acl-dev", "BAD")
    ]
    assert one(database, "SELECT unread_artifacts FROM rebuilders") is None


def test_a_server_that_is_gone_is_not_asked_for_all_artifacts(tmp_path: Path) -> None:
    ids = range(1, 101)
    answers = rebuilderd(
        source=page(*(source_package(id, f"p{id}") for id in ids)),
        builds=page(*(build(id, f"p{id}", status="BAD") for id in ids)),
    )
    gone = {f"/api/v1/builds/{id}/artifacts": answer(b"", 502) for id in ids}
    database = tmp_path / "r.db"
    with serve(answers | gone) as server:
        ingest(database, server.url)
        asked = {path for path in server.asked if path.endswith("/artifacts")}
        assert len(asked) <= at_once.GIVE_UP_AFTER + at_once.REQUESTS_AT_ONCE
        notes = json.loads(one(database, "SELECT notes FROM ingest_runs"))
        (note,) = (note for note in notes if "artifacts" in note)
        assert note.startswith("100 × BAD build whose artifacts could not be read") and "502" in note
        unread = json.loads(one(database, "SELECT unread_artifacts FROM rebuilders"))
        assert sorted(unread) == list(ids)
        server.answers |= {path: answer([]) for path in gone}
        ingest(database, server.url)
    assert one(database, "SELECT unread_artifacts FROM rebuilders") is None


def test_an_empty_answer_where_packages_were_is_a_gap_not_a_collapse(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    with serve(rebuilderd()) as server:
        ingest(database, server.url)
        before = dump(database, without=("ingest_runs", "rebuilders"))
        server.answers.update({"/api/v1/packages/source": page(), "/api/v1/packages/binary": page()})
        ingest(database, server.url)
    assert dump(database, without=("ingest_runs", "rebuilders")) == before
    assert "sync gap" in one(database, "SELECT notes FROM ingest_runs ORDER BY id DESC LIMIT 1")


def test_credentials_in_a_url_are_used_but_never_published(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    with serve(rebuilderd()) as server:
        ingest(database, server.url.replace("//", "//somebody:hush@"), name="r")
    assert one(database, "SELECT url FROM rebuilders") == server.url
    assert b"hush" not in database.read_bytes()


def test_a_query_in_a_url_is_left_out(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    with serve(rebuilderd()) as server:
        ingest(database, f"{server.url}/?token=hush#top")
        assert one(database, "SELECT url FROM rebuilders") == f"{server.url}/"
    assert not any("hush" in path for path in server.asked)
    assert b"hush" not in database.read_bytes()


@pytest.mark.parametrize("url", ["ftp://somebody:hush@rebuilder.example/x", "ssh://somebody:hush@[x"])
def test_another_kind_of_url_is_refused_without_its_credentials(tmp_path: Path, url: str) -> None:
    result = run("ingest", tmp_path / "r.db", url, "--name", "r")
    assert (result.exit_code, "use http or https" in result.stderr) == (1, True)
    assert "hush" not in result.output
    assert b"hush" not in (tmp_path / "r.db").read_bytes()


def test_credentials_do_not_get_into_notes_nor_errors(tmp_path: Path) -> None:
    answers = rebuilderd(builds=page(build(1, "acl", status="BAD"), build(2, "bzip2"), build(3, "curl")))
    answers["/api/v1/builds/1/artifacts"] = answer(b"", 403)
    database = tmp_path / "r.db"
    with serve(answers) as server:
        url = server.url.replace("//", "//somebody:hush@")
        noted = run("ingest", database, f"{url}//", "--name", "r")
        assert noted.exit_code == 0 and "answered 403" in noted.stdout
        server.answers["/api/v1/builds"] = answer(b"", 403)
        failed = run("ingest", database, f"{url}//", "--name", "r")
        assert failed.exit_code == 1
    assert "hush" not in noted.output + failed.output
    assert b"hush" not in database.read_bytes()


def test_a_bad_record_in_a_full_page_of_builds_does_not_end_the_paging(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_v1, "BUILDS_A_PAGE", 2)
    builds = [build(1, "acl"), build(2, "bzip2", id=None), build(3, "curl"), build(4, "acl"), build(5, "acl")]

    def paged(handler: BaseHTTPRequestHandler) -> None:
        query = parse_qs(urlsplit(handler.path).query)
        after, limit = int(query["after"][0]), int(query["limit"][0])
        rest = [record for record in builds[after:] if record["id"] is None or record["id"] > after]
        page(*rest[:limit], total=len(builds))(handler)

    with serve(rebuilderd(builds=paged)) as server:
        ingest(tmp_path / "r.db", server.url)
    assert rows(tmp_path / "r.db", "SELECT upstream_id FROM builds") == [(1,), (3,), (4,), (5,)]


def test_a_server_that_gives_the_same_page_for_ever_is_asked_for_no_more_than_its_newest_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_v1, "BUILDS_A_PAGE", 3)
    with serve(rebuilderd()) as server:
        assert ingest(tmp_path / "r.db", server.url).builds == 3
        assert len([path for path in server.asked if path.startswith("/api/v1/builds?")]) == 2


def test_what_is_not_told_stays_as_it_was(tmp_path: Path) -> None:
    worker = {
        "id": 1, "name": "w", "address": "10.0.0.1", "status": None,
        "last_ping": "2026-11-19T10:00:00", "is_online": True,
    }  # fmt: skip
    database = tmp_path / "r.db"
    with serve(rebuilderd(workers=page(worker))) as server:
        ingest(database, server.url)
        server.answers["/api/v1/workers"] = answer(b"", 404)
        ingest(database, server.url)
        assert one(database, "SELECT name FROM workers") == "w"
        server.answers["/api/v1/workers"] = page()
        ingest(database, server.url)
    assert one(database, "SELECT count(*) FROM workers") == 0


def test_another_ingest_that_finished_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    answers = rebuilderd()
    healthy = answers["/api/v1/workers"]

    def overtaken(handler: BaseHTTPRequestHandler) -> None:
        ingest(database, DAEMON)
        healthy(handler)

    answers["/api/v1/workers"] = overtaken
    with serve(answers) as server, pytest.raises(IngestError, match="another ingest of r finished"):
        ingest(database, server.url)
    assert one(database, "SELECT kind FROM rebuilders") == "database"


def test_a_failing_source_does_not_stop_the_others_of_a_configuration(tmp_path: Path) -> None:
    with serve({}) as nothing:
        (tmp_path / "rebuilders.toml").write_text(
            f'[rebuilders.absent]\nsource = "{nothing.url}"\n'
            f'[rebuilders.here]\nsource = "{DAEMON.resolve()}"\n'
        )
        result = run("ingest", tmp_path / "r.db", "--config", tmp_path / "rebuilders.toml")
    assert result.exit_code == 1 and result.stderr.count("Error: ") == 1
    assert rows(tmp_path / "r.db", "SELECT name FROM rebuilders") == [("here",)]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_arbitrary_json_anywhere_is_survived_without_a_traceback(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    answers = rebuilderd()
    path = data.draw(st.sampled_from(sorted(answers)))
    records = st.dictionaries(
        st.sampled_from(sorted(source_package(1, "a") | binary_package(1, "a") | build(1, "a"))), json_values
    )
    body = data.draw(
        json_values
        | st.builds(lambda found: {"total": len(found), "records": found}, st.lists(records, max_size=3))
    )
    answers[path] = answer(json.dumps(body).encode())
    database = tmp_path_factory.mktemp("json") / "r.db"
    with serve(answers) as server:
        try:
            ingest(database, server.url)
        except IngestError as error:
            assert str(error)
            assert one(database, "SELECT count(*) FROM source_packages") == 0


def test_a_record_nested_without_end_is_refused(tmp_path: Path) -> None:
    deep = b'{"total": 1, "records": [' + b'{"a":' * 200_000 + b"1" + b"}" * 200_000 + b"]}"
    with serve(rebuilderd(source=answer(deep))) as server, pytest.raises(SourceError):
        ingest(tmp_path / "r.db", server.url)
