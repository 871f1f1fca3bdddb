"""Logs as the sources read them: from files and over HTTP, from real daemons and from broken servers."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import stamina
import zstandard
from conftest import StartRebuilderd
from fake_server import Answer, FakeServer, answer, build, page, rebuilderd, serve, source_package
from helpers import DAEMON, FIXTURES, LEGACY, MIGRATED, change, copy, ingest, one, rows

from ingest import logs as log_store
from ingest import store
from ingest.progress import Progress
from ingest.sources import at_once, http, log_frames, open_source
from ingest.sources.base import Known, Log, LogRequest

ROOT = Path(__file__).parent.parent
SILENT = Progress(silent=True)
FAILED = """
SELECT DISTINCT
    b.upstream_id, CASE WHEN a.has_diffoscope THEN coalesce(a.upstream_id, a.upstream_build_id) END
FROM incoming_builds AS b
LEFT JOIN incoming_build_artifacts AS a ON a.upstream_build_id = b.upstream_id AND a.status = 'BAD'
WHERE b.status IN ('BAD', 'FAIL')
"""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No pause between attempts, and half a second of patience."""
    monkeypatch.setattr(http, "LOG_SILENCE_SECONDS", 0.5)
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Our own database, to stage in."""
    with staging(tmp_path / "r.db") as connection:
        yield connection


@contextmanager
def staging(path: Path) -> Iterator[sqlite3.Connection]:
    with store.open_database(path) as connection:
        connection.execute("CREATE TEMP TABLE skipped (relation, problem, count, key)")
        yield connection


def asked(connection: sqlite3.Connection, address: Path | str, *wanted: LogRequest) -> dict[LogRequest, Log]:
    """What a source answers; without particular requests, about the logs of all that failed."""
    release = "trixie" if "0.24" in str(address) else None
    with closing(open_source(str(address), release)) as source:
        assert source.carries_logs
        source.stage(connection, Known(), SILENT)
        logs = source.logs(connection, wanted or failed(connection), SILENT)
        return {log.request: log for log in logs}


def failed(connection: sqlite3.Connection) -> list[LogRequest]:
    found = connection.execute(FAILED).fetchall()
    builds = [LogRequest("build", build, build) for build in sorted({build for build, _ in found})]
    outputs = [LogRequest("diffoscope", id, build) for build, id in found if id is not None]
    return builds + outputs


def text(content: bytes | None) -> bytes:
    return zstandard.ZstdDecompressor().decompressobj().decompress(content) if content else b""


def texts(logs: dict[LogRequest, Log]) -> dict[LogRequest, bytes]:
    assert [log for log in logs.values() if log.problem] == []
    return {request: text(log.content) for request, log in logs.items()}


def build_logs(*ids: int) -> tuple[LogRequest, ...]:
    return tuple(LogRequest("build", id, id) for id in ids)


# Files


def test_a_daemons_file_gives_each_log_as_it_stores_it(database: sqlite3.Connection) -> None:
    logs = asked(database, DAEMON)
    builds = "SELECT r.id, l.build_log FROM rebuilds AS r JOIN build_logs AS l ON l.id = r.build_log_id"
    outputs = (
        "SELECT a.id, l.diffoscope_log FROM rebuild_artifacts AS a"
        " JOIN diffoscope_logs AS l ON l.id = a.diffoscope_log_id"
    )
    stored = {
        **{("build", id): log for id, log in rows(DAEMON, builds)},
        **{("diffoscope", id): log for id, log in rows(DAEMON, outputs)},
    }
    found = {(request.kind, request.id): log.content for request, log in logs.items()}
    assert found == {key: stored[key] if text(stored[key]) else None for key in found}
    assert len(found) > 100


def test_the_old_schema_has_a_log_for_each_binary(database: sqlite3.Connection) -> None:
    logs = asked(database, LEGACY)
    builds = rows(LEGACY, "SELECT id, build_log, diffoscope FROM builds")
    stored = {("build", id): log for id, log, _ in builds} | {
        ("diffoscope", id): log for id, _, log in builds
    }
    found = {(request.kind, request.id): log.content for request, log in logs.items()}
    assert found == {key: stored[key] if text(stored[key]) else None for key in found}
    assert {kind for kind, _ in found} == {"build", "diffoscope"}


def test_a_log_that_was_kept_as_plain_text_is_compressed(
    tmp_path: Path, database: sqlite3.Connection
) -> None:
    file = copy(LEGACY, tmp_path)
    first, second, third, *_ = [id for (id,) in rows(file, "SELECT id FROM builds ORDER BY id")]
    columns = "CREATE TABLE builds (id INTEGER PRIMARY KEY, diffoscope, build_log, attestation)"
    values = f"({first}, NULL, 'plain ü'), ({second}, NULL, x'ff00'), ({third}, NULL, NULL)"
    change(
        file, "DROP TABLE builds", columns, f"INSERT INTO builds (id, diffoscope, build_log) VALUES {values}"
    )
    logs = texts(asked(database, file, *build_logs(first, second, third)))
    assert list(logs.values()) == ["plain ü".encode(), b"\xff\x00", b""]


@pytest.mark.parametrize("frame", ["28B52FFD2000010000", "28b52ffd240001000099e9d851"])
def test_an_empty_log_is_none(frame: str, tmp_path: Path, database: sqlite3.Connection) -> None:
    file = copy(DAEMON, tmp_path)
    change(file, f"UPDATE build_logs SET build_log = x'{frame}'")
    (build,) = rows(file, "SELECT min(id) FROM rebuilds")[0]
    (request,) = build_logs(build)
    assert asked(database, file, request) == {request: Log(request, None)}


def test_a_log_that_upstream_does_not_have_is_none_and_no_problem(database: sqlite3.Connection) -> None:
    (request,) = build_logs(10**9)
    assert asked(database, DAEMON, request) == {request: Log(request, None)}


def test_a_log_larger_than_any_should_be_is_left_out_of_a_file(
    database: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_frames, "LARGEST_LOG", 1000)
    logs = asked(database, DAEMON)
    large = [log for log in logs.values() if log.problem]
    assert large and all("tiny-0.28.db: the log is larger than" in str(log.problem) for log in large)
    assert all(len(log.content) <= 1000 for log in logs.values() if log.content)


def test_a_damaged_page_costs_only_the_logs_on_it(tmp_path: Path, database: sqlite3.Connection) -> None:
    file = copy(DAEMON, tmp_path)
    whole = texts(asked(database, DAEMON))
    with closing(sqlite3.connect(file)) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        (page,) = connection.execute(
            "SELECT pageno FROM dbstat WHERE name = 'build_logs' AND pagetype = 'leaf' LIMIT 1 OFFSET 3"
        ).fetchone()
    with file.open("r+b") as content:
        content.seek((page - 1) * size)
        content.write(b"\xff" * size)
    with staging(tmp_path / "other.db") as other:
        logs = asked(other, file)
    lost = {request for request, log in logs.items() if log.problem}
    assert lost and len(lost) < len(logs) / 2
    assert {"the database is damaged" in str(logs[request].problem) for request in lost} == {True}
    assert texts({r: log for r, log in logs.items() if r not in lost}) == {
        r: log for r, log in whole.items() if r not in lost
    }


def test_a_file_without_logs_says_that_it_carries_none(tmp_path: Path) -> None:
    file = copy(DAEMON, tmp_path)
    change(file, "DROP TABLE diffoscope_logs")
    with closing(open_source(str(file), None)) as source:
        assert not source.carries_logs
    with closing(open_source(str(FIXTURES / "pkgs-list-0.24.json"), "trixie")) as source:
        assert not source.carries_logs


# Real daemons


@pytest.mark.parametrize("file", [DAEMON, MIGRATED])
def test_api_v1_gives_the_logs_that_the_file_holds(
    file: Path, rebuilderd_028: StartRebuilderd, database: sqlite3.Connection, tmp_path: Path
) -> None:
    from_file = texts(asked(database, file))
    daemon = rebuilderd_028(file)
    before = rows(daemon.database, "SELECT count(*), max(id) FROM attestation_logs")
    with staging(tmp_path / "other.db") as other:
        logs = asked(other, daemon.url)
    assert texts(logs) == from_file and any(from_file.values())
    assert rows(daemon.database, "SELECT count(*), max(id) FROM attestation_logs") == before
    for log in logs.values():
        assert log.content is None or log.content.startswith(b"\x28\xb5\x2f\xfd")


def test_api_v0_gives_the_logs_that_the_old_file_holds(
    rebuilderd_024: StartRebuilderd, database: sqlite3.Connection, tmp_path: Path
) -> None:
    from_file = texts(asked(database, LEGACY))
    with staging(tmp_path / "other.db") as other:
        over_http = texts(asked(other, rebuilderd_024(LEGACY).url, *from_file))
    assert over_http == from_file and any(from_file.values())


def test_a_log_that_a_daemon_lost_is_a_problem_of_that_log_alone(
    rebuilderd_028: StartRebuilderd, database: sqlite3.Connection
) -> None:
    daemon = rebuilderd_028(DAEMON)
    (lost,), (kept,) = rows(daemon.database, "SELECT id FROM rebuilds ORDER BY id LIMIT 2")
    change(daemon.database, f"UPDATE rebuilds SET build_log_id = 999999 WHERE id = {lost}")
    with stamina.set_testing(True, attempts=3, cap=True):
        logs = asked(database, daemon.url, *build_logs(lost, kept))
    problems = {request.id: log.problem for request, log in logs.items()}
    assert problems[kept] is None
    assert "answered 500" in str(problems[lost])


# Servers that stall or lie


def log_path(id: int) -> str:
    return f"/api/v1/builds/{id}/log"


def of_server(connection: sqlite3.Connection, server: FakeServer, count: int) -> dict[int, Log]:
    logs = asked(connection, server.url, *build_logs(*range(1, count + 1)))
    return {request.id: log for request, log in logs.items()}


def stalled(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(1.5)


def cut(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"half a ")
    handler.close_connection = True


@pytest.mark.usefixtures("impatient")
def test_logs_that_cannot_be_fetched_do_not_stop_the_others(database: sqlite3.Connection) -> None:
    compressed = zstandard.compress(b"compressed")
    answers = {
        1: answer(b"plain"),
        2: answer(compressed, Content_Encoding="zstd"),
        3: answer(b"a lie", Content_Encoding="zstd"),
        4: answer(b"", 404),
        5: answer(b"", 500),
        6: stalled,
        7: cut,
        8: answer(b"", Content_Encoding="zstd"),
        9: answer(b"no gzip", Content_Encoding="gzip"),
        10: answer(b"<\xff\x00>"),
    }
    with serve(rebuilderd() | {log_path(id): each for id, each in answers.items()}) as server:
        logs = of_server(database, server, len(answers))
    assert {id: text(log.content) for id, log in logs.items() if not log.problem} == {
        1: b"plain",
        2: b"compressed",
        8: b"",
        10: b"<\xff\x00>",
    }
    assert logs[2].content == compressed
    said = {
        3: "not compressed with zstd as the server says",
        4: "answered 404",
        5: "answered 500",
        6: "no answer within",
        7: "the connection broke off",
        9: "cannot be decompressed",
    }
    for id, problem in said.items():
        assert logs[id].content is None
        assert problem in str(logs[id].problem) and f"{server.url}{log_path(id)}: " in str(logs[id].problem)
    assert {id: server.asked.count(log_path(id)) for id in (4, 5, 6, 7)} == {4: 1, 5: 2, 6: 1, 7: 2}


@pytest.mark.usefixtures("impatient")
def test_a_log_larger_than_any_should_be_is_refused_while_it_is_sent(
    database: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "LARGEST_LOG", 2**20)

    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(10_000):
            handler.wfile.write(b"x" * 2**16)

    with serve(rebuilderd() | {log_path(1): endless}) as server:
        logs = of_server(database, server, 1)
    assert "larger than 1 MiB" in str(logs[1].problem)


@pytest.mark.usefixtures("impatient")
def test_a_log_that_trickles_in_is_not_waited_for(
    database: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "LONGEST_LOG_SECONDS", 0.5)

    def trickle(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(100):
            handler.wfile.write(b"x")
            time.sleep(0.05)

    with serve(rebuilderd() | {log_path(1): trickle}) as server:
        started = time.monotonic()
        logs = of_server(database, server, 1)
        assert time.monotonic() - started < 4
    assert "took longer than" in str(logs[1].problem)


@pytest.mark.usefixtures("impatient")
def test_a_server_that_is_gone_is_not_asked_for_every_log(database: sqlite3.Connection) -> None:
    answers = {log_path(id): stalled for id in range(1, 501)}
    with serve(rebuilderd() | answers) as server:
        started = time.monotonic()
        logs = of_server(database, server, 500)
        seconds = time.monotonic() - started
        asked_for = {path for path in server.asked if path.endswith("/log")}
    assert len(logs) == 500 and all(log.problem for log in logs.values())
    assert "stopped answering" in str(logs[500].problem)
    assert len(asked_for) <= at_once.GIVE_UP_AFTER + at_once.REQUESTS_AT_ONCE
    assert seconds < 10


@pytest.mark.usefixtures("impatient")
def test_lost_logs_are_no_sign_of_a_server_that_is_gone(database: sqlite3.Connection) -> None:
    lost = {log_path(id): answer(b"", 500) for id in range(1, 31)}
    with serve(rebuilderd() | lost | {log_path(31): answer(b"here")}) as server:
        logs = of_server(database, server, 31)
    assert text(logs[31].content) == b"here"
    assert sum("answered 500" in str(log.problem) for log in logs.values()) == 30


@pytest.mark.usefixtures("impatient")
def test_no_more_logs_are_fetched_at_once_than_a_server_should_bear(database: sqlite3.Connection) -> None:
    running, most = set(), []

    def slow(handler: BaseHTTPRequestHandler) -> None:
        running.add(handler)
        most.append(len(running))
        time.sleep(0.02)
        running.discard(handler)
        answer(b"log")(handler)

    with serve(rebuilderd() | {log_path(id): slow for id in range(1, 61)}) as server:
        logs = of_server(database, server, 60)
    assert {text(log.content) for log in logs.values()} == {b"log"}
    assert 1 < max(most) <= at_once.REQUESTS_AT_ONCE


def test_credentials_of_a_url_are_in_no_problem(database: sqlite3.Connection) -> None:
    with serve(rebuilderd()) as server:
        logs = asked(database, server.url.replace("//", "//user:secret@"), *build_logs(1))
    ((problem,),) = ({log.problem for log in logs.values()},)
    assert "answered 404" in str(problem) and "secret" not in str(problem)


# Runs


def failing(count: int, **logs: Answer) -> dict[str, Answer]:
    """A rebuilderd whose builds all failed; their logs by number."""
    names = [(id, f"package-{id}") for id in range(1, count + 1)]
    answers = rebuilderd(
        source=page(*(source_package(id, name, status="FAIL") for id, name in names)),
        binary=page(),
        builds=page(*(build(id, name, status="FAIL") for id, name in names)),
    )
    return answers | {log_path(id): logs.get(f"log_{id}", answer(b"log %d" % id)) for id, _ in names}


@pytest.mark.usefixtures("impatient")
def test_a_log_that_cannot_be_fetched_is_noted_on_the_run_and_asked_for_again(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    with serve(failing(3, log_2=answer(b"", 500))) as server:
        ingest(database, server.url)
        assert one(database, "SELECT unread_logs FROM ingest_runs") == 1
        assert log_path(2) in one(database, "SELECT notes FROM ingest_runs")
        reasons = (
            "SELECT f.log_upstream_id, c.key = 'log-not-available' FROM failures AS f JOIN categories AS c"
        )
        assert rows(database, f"{reasons} ON c.id = f.category_id ORDER BY 1") == [(1, 0), (2, 1), (3, 0)]
        server.answers[log_path(2)] = answer(b"here it is")
        server.asked.clear()
        ingest(database, server.url)
        assert [path for path in server.asked if path.endswith("/log")] == [log_path(2)]
    assert rows(database, f"{reasons} ON c.id = f.category_id ORDER BY 1") == [(1, 0), (2, 0), (3, 0)]
    assert one(database, "SELECT unread_logs FROM ingest_runs ORDER BY id DESC LIMIT 1") == 0


def test_a_run_killed_while_logs_come_goes_on_where_it_was(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    quick = log_store.BATCH_LOGS * 2 + 20
    count = quick + 30
    slow = {f"log_{id}": stalled for id in range(quick + 1, count + 1)}
    waiting = {log_path(id) for id in range(quick + 1, count + 1)}
    with serve(failing(count, **slow)) as server:
        command = [sys.executable, "-m", "ingest", "ingest", str(database), server.url, "--name", "r"]
        run = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)})
        deadline = time.monotonic() + 30
        while not waiting & set(server.asked) and time.monotonic() < deadline:
            time.sleep(0.05)
        run.kill()
        run.wait()
        kept = one(log_store.beside(database), "SELECT count(*) FROM logs")
        assert log_store.BATCH_LOGS <= kept < count
        server.asked.clear()
        server.answers |= failing(count)
        ingest(database, server.url)
        assert len([path for path in server.asked if path.endswith("/log")]) == count - kept
    assert one(database, "SELECT count(*) FROM failures WHERE rule_set IS NOT NULL") == count
