"""The logs of failures, shown by a real Datasette and read by a real browser."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
import zstandard
from helpers import DAEMON, change, ingest, one, rows
from playwright.sync_api import Browser
from served import lay_out, serving

from ingest import logs
from ingest.logs import LogKey, LogStore

pytest_plugins = ("site_fixtures",)

HOSTILE = b"<script>document.title = 'run'</script><img src=x onerror=\"document.title = 'run'\">\x00\x1b[31m\xff\xfe end\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site with the failures of a small database."""
    folder = lay_out(tmp_path_factory.mktemp("logs") / "site")
    ingest(folder / "reproducibility.db", DAEMON, name="tiny")
    return folder


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with serving(folder) as address:
        yield address


def failure(folder: Path, where: str) -> int:
    """Some failure's id."""
    return int(one(folder / "reproducibility.db", f"SELECT min(id) FROM failures WHERE {where}"))


def keep(folder: Path, failure: int, content: bytes | None) -> None:
    """Keep something else as the log of a failure."""
    ((name, generation, id, built_at),) = rows(
        folder / "reproducibility.db",
        "SELECT r.name, b.generation, f.log_upstream_id, b.built_at FROM failures AS f"
        " JOIN builds AS b ON b.id = f.build_id JOIN rebuilders AS r ON r.id = f.rebuilder_id WHERE f.id = ?",
        failure,
    )
    with LogStore(logs.beside(folder / "reproducibility.db")) as kept:
        kept.put(LogKey(name, generation, "build", id), built_at, content)


def test_every_log_of_a_failure_is_shown_as_upstream_has_it(site: str, site_folder: Path) -> None:
    def text(log: bytes) -> bytes:
        return zstandard.ZstdDecompressor().decompressobj().decompress(log)

    with closing(sqlite3.connect(f"{DAEMON.as_uri()}?immutable=1", uri=True)) as daemon:
        build_logs = dict(
            daemon.execute(
                "SELECT r.id, l.build_log FROM rebuilds AS r JOIN build_logs AS l ON l.id = r.build_log_id"
            )
        )
        outputs = dict(
            daemon.execute(
                "SELECT a.id, l.diffoscope_log FROM rebuild_artifacts AS a"
                " JOIN diffoscope_logs AS l ON l.id = a.diffoscope_log_id"
            )
        )
    found = rows(
        site_folder / "reproducibility.db", "SELECT id, log_upstream_id, diffoscope_upstream_id FROM failures"
    )
    assert len(found) > 50
    with httpx.Client(base_url=site) as client:
        for id, log, diffoscope in found:
            assert client.get(f"/failures/{id}/log").content == text(build_logs[log])
            if diffoscope is not None:
                assert client.get(f"/failures/{id}/diffoscope").content == text(outputs[diffoscope])


def test_a_log_is_sent_so_that_nothing_in_it_can_be_executed(address: str, folder: Path) -> None:
    id = failure(folder, "log_upstream_id IS NOT NULL")
    keep(folder, id, zstandard.compress(HOSTILE))
    answer = httpx.get(f"{address}/failures/{id}/log")
    assert answer.content == HOSTILE
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    assert "immutable" in answer.headers["Cache-Control"]


def test_a_browser_shows_a_hostile_log_as_text(address: str, folder: Path, browser: Browser) -> None:
    id = failure(folder, "log_upstream_id IS NOT NULL")
    keep(folder, id, zstandard.compress(HOSTILE))
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}/failures/{id}/log")
    shown = page.inner_text("body")
    assert "<script>document.title = 'run'</script>" in shown and shown.rstrip().endswith("end")
    assert page.title() != "run" and page.locator("script, img").count() == 0
    assert [url for url in asked if not url.endswith("/favicon.ico")] == [f"{address}/failures/{id}/log"]
    page.close()


def test_a_head_request_gives_the_headers_alone(address: str, folder: Path) -> None:
    id = failure(folder, "log_upstream_id IS NOT NULL")
    answer = httpx.head(f"{address}/failures/{id}/log")
    assert answer.status_code == 200 and answer.content == b""
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_an_empty_log_is_an_empty_page(address: str, folder: Path) -> None:
    id = failure(folder, "log_upstream_id IS NOT NULL")
    keep(folder, id, None)
    answer = httpx.get(f"{address}/failures/{id}/log")
    assert answer.status_code == 200 and answer.content == b""


def test_a_decompression_bomb_is_cut(address: str, folder: Path) -> None:
    id = failure(folder, "log_upstream_id IS NOT NULL")
    compressor = zstandard.ZstdCompressor().compressobj()
    chunk = b"a" * 1024**2
    keep(folder, id, b"".join(compressor.compress(chunk) for _ in range(300)) + compressor.flush())
    received, end = 0, b""
    with httpx.stream("GET", f"{address}/failures/{id}/log", timeout=60) as answer:
        for part in answer.iter_bytes():
            received, end = received + len(part), (end + part)[-100:]
    assert end.endswith(b"[The rest is not shown: the log is longer than 256 MiB.]\n")
    assert 256 * 1024**2 <= received < 257 * 1024**2


def test_a_broken_log_is_shown_as_far_as_it_goes(address: str, folder: Path) -> None:
    id = failure(folder, "log_upstream_id IS NOT NULL")
    keep(folder, id, b"\x28\xb5\x2f\xfd" + b"\xff" * 50)
    answer = httpx.get(f"{address}/failures/{id}/log")
    assert answer.status_code == 200 and answer.content.endswith(
        b"[The rest cannot be shown: it cannot be decompressed.]\n"
    )


def test_a_log_whose_end_is_missing_says_so(address: str, folder: Path) -> None:
    id = failure(folder, "log_upstream_id IS NOT NULL")
    lines = b"".join(b"gcc -c %d.c\n" % number for number in range(100_000))
    keep(folder, id, zstandard.compress(lines)[:-20])
    shown, end = httpx.get(f"{address}/failures/{id}/log").content.split(b"\n\n[The rest ")
    assert len(shown) > 1_000_000 and lines.startswith(shown)
    assert end == b"cannot be shown: it cannot be decompressed.]\n"


def test_a_failure_that_is_not_there_is_not_found(address: str) -> None:
    for path in ("/failures/999999/log", "/failures/999999999999999999/diffoscope"):
        answer = httpx.get(address + path)
        assert (answer.status_code, answer.text) == (404, "There is no such failure.\n")
    for path in ("/failures/1/else", "/failures/-1/log", "/failures/x/log"):
        assert httpx.get(address + path).status_code == 404


def test_a_failure_without_diffoscope_output_says_so(address: str, folder: Path) -> None:
    id = failure(folder, "diffoscope_upstream_id IS NULL AND log_upstream_id IS NOT NULL")
    answer = httpx.get(f"{address}/failures/{id}/diffoscope")
    assert (answer.status_code, answer.text) == (404, "This failure has no diffoscope output.\n")


def test_the_rows_of_failures_link_to_their_logs(address: str, folder: Path) -> None:
    id = failure(folder, "diffoscope_upstream_id IS NOT NULL")
    page = httpx.get(f"{address}/reproducibility/failures/{id}").text
    for which in ("log", "diffoscope"):
        assert f'<a href="/failures/{id}/{which}">' in page


@pytest.fixture
def bare(tmp_path: Path, folder: Path) -> Path:
    """The site with the same failures and no kept logs."""
    copied = lay_out(tmp_path / "bare")
    with closing(sqlite3.connect(folder / "reproducibility.db")) as source:
        source.execute("VACUUM INTO ?", (str(copied / "reproducibility.db"),))
    return copied


@pytest.mark.parametrize(
    ("kind", "log", "diffoscope"),
    [
        ("API v1", "/api/v1/builds/{build}/log", "/api/v1/builds/{build}/artifacts/{artifact}/diffoscope"),
        ("API v0", "/api/v0/builds/{build}/log", "/api/v0/builds/{artifact}/diffoscope"),
    ],
)
def test_a_log_that_is_not_kept_is_linked_where_the_rebuilder_has_it(
    kind: str, log: str, diffoscope: str, bare: Path
) -> None:
    database = bare / "reproducibility.db"
    id = failure(bare, "diffoscope_upstream_id IS NOT NULL")
    change(database, f"UPDATE rebuilders SET kind = '{kind}', url = 'https://rebuilder.example/debian/'")
    ((build, artifact),) = rows(
        database,
        "SELECT b.upstream_id, a.upstream_id FROM failures AS f JOIN builds AS b ON b.id = f.build_id"
        " JOIN build_artifacts AS a ON a.id = f.build_artifact_id WHERE f.id = ?",
        id,
    )
    with serving(bare) as address:
        for which, path in (("log", log), ("diffoscope", diffoscope)):
            answer = httpx.get(f"{address}/failures/{id}/{which}")
            link = "https://rebuilder.example/debian" + path.format(build=build, artifact=artifact)
            assert (
                answer.status_code == 404
                and "is not kept here" in answer.text
                and answer.text.endswith(f"{link}\n")
            )
            assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
            assert "immutable" not in answer.headers.get("Cache-Control", "")
        change(database, "UPDATE rebuilders SET generation = generation + 1")
        assert (
            httpx.get(f"{address}/failures/{id}/log").text
            == "The build log of this failure is not kept here.\n"
        )
    assert not logs.beside(database).exists()


def test_logs_of_a_file_that_are_not_kept_have_no_link(bare: Path) -> None:
    id = failure(bare, "log_upstream_id IS NOT NULL")
    with serving(bare) as address:
        answer = httpx.get(f"{address}/failures/{id}/log")
    assert (answer.status_code, answer.text) == (404, "The build log of this failure is not kept here.\n")


def test_a_damaged_log_store_counts_as_empty(bare: Path) -> None:
    id = failure(bare, "log_upstream_id IS NOT NULL")
    logs.beside(bare / "reproducibility.db").write_bytes(b"no database" * 500)
    with serving(bare) as address:
        answer = httpx.get(f"{address}/failures/{id}/log")
    assert (answer.status_code, answer.text) == (404, "The build log of this failure is not kept here.\n")


def test_who_may_not_see_the_table_may_not_read_its_logs(bare: Path) -> None:
    id = failure(bare, "log_upstream_id IS NOT NULL")
    metadata = bare / "metadata.yml"
    content = metadata.read_text()
    metadata.unlink()
    metadata.write_text(f"{content}\nallow: {{id: nobody}}\n")
    with serving(bare) as address:
        assert httpx.get(f"{address}/failures/{id}/log").status_code == 403


def test_the_log_store_is_not_published_as_a_database(address: str, folder: Path) -> None:
    keep(folder, failure(folder, "log_upstream_id IS NOT NULL"), b"x")
    assert logs.beside(folder / "reproducibility.db").exists()
    assert set(httpx.get(f"{address}/.json").json()) == {"reproducibility"}
    for path in ("/reproducibility.logs", "/static/../reproducibility.logs"):
        assert b"SQLite format 3" not in httpx.get(address + path).content


@pytest.mark.parametrize("accepted", ["identity", "gzip", "zstd"])
def test_a_log_of_several_frames_is_shown_and_answered_whole(
    address: str, folder: Path, accepted: str
) -> None:
    id = failure(folder, "log_upstream_id IS NOT NULL")
    keep(
        folder,
        id,
        zstandard.compress(b"first\n") + b"\x50\x2a\x4d\x18\0\0\0\0" + zstandard.compress(b"last\n"),
    )
    build = one(folder / "reproducibility.db", "SELECT log_upstream_id FROM failures WHERE id = ?", id)
    for path in (f"failures/{id}/log", f"r/tiny/api/v1/builds/{build}/log"):
        answer = httpx.get(f"{address}/{path}", headers={"Accept-Encoding": accepted})
        assert answer.content == b"first\nlast\n"
        # Some clients read the first frame only, so this is not passed to them as it is.
        assert answer.headers.get("Content-Encoding") in (None, "gzip")


@pytest.mark.parametrize("accepted", ["identity", "gzip", "zstd"])
def test_the_api_says_what_is_missing_of_a_log_too(address: str, folder: Path, accepted: str) -> None:
    id = failure(folder, "log_upstream_id IS NOT NULL")
    keep(folder, id, zstandard.compress(HOSTILE * 9)[:-3])
    build = one(folder / "reproducibility.db", "SELECT log_upstream_id FROM failures WHERE id = ?", id)
    answer = httpx.get(f"{address}/r/tiny/api/v1/builds/{build}/log", headers={"Accept-Encoding": accepted})
    assert answer.content.endswith(b"[The rest cannot be shown: it cannot be decompressed.]\n")
