"""What hangs together: a binary and its source, an artifact and its build, totals and an origin."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from conftest import StartRebuilderd
from fake_server import SEEN, binary_package, build, page, rebuilderd, serve, source_package
from helpers import (
    DAEMON,
    FIXTURES,
    LEGACY,
    add_build,
    change,
    copy,
    dump,
    ingest,
    is_sound,
    one,
    published,
    rows,
)

from ingest.cli import summary


def test_an_origin_that_was_renamed_is_not_counted_by_its_old_name_too(tmp_path: Path) -> None:
    file, database, fresh = copy(DAEMON, tmp_path), tmp_path / "r.db", tmp_path / "fresh.db"
    ingest(database, file)
    change(file, "UPDATE source_packages SET release = 'stable' WHERE release = 'trixie'")
    ingest(database, file)
    ingest(fresh, file)
    totals = "SELECT origin, good, bad, fail, unknown, total FROM current_totals ORDER BY 1"
    assert rows(database, totals) == rows(fresh, totals)
    current = one(database, "SELECT count(*) FROM source_packages WHERE is_current")
    assert one(database, "SELECT sum(total) FROM current_totals") == current


def test_an_origin_with_a_sync_gap_is_counted_as_it_was_last_known(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    ingest(database, file)
    before = rows(database, "SELECT origin, total FROM current_totals ORDER BY 1")
    change(file, "UPDATE source_packages SET seen_in_last_sync = 0 WHERE release = 'trixie'")
    ingest(database, file)
    assert rows(database, "SELECT origin, total FROM current_totals ORDER BY 1") == before


def test_totals_of_binary_packages_are_still_listed(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    ingest(database, LEGACY, release="trixie")
    assert one(database, "SELECT sum(total) FROM current_totals") == one(
        LEGACY, "SELECT count(*) FROM packages"
    )


def test_a_list_of_binaries_gives_way_to_the_file_of_the_same_rebuilder(
    rebuilderd_028: StartRebuilderd, tmp_path: Path
) -> None:
    daemon = rebuilderd_028(DAEMON)
    saved = tmp_path / "list.json"
    saved.write_bytes(httpx.get(f"{daemon.url}/api/v0/pkgs/list").content)
    for kind, source in {"file": daemon.database, "api": daemon.url}.items():
        database, fresh = tmp_path / f"{kind}.db", tmp_path / f"{kind}-fresh.db"
        ingest(database, saved, release="trixie")
        ingest(database, source)
        ingest(fresh, source)
        assert_same_results(database, fresh)


def test_a_list_of_binaries_adds_nothing_to_the_builds_of_the_file(
    rebuilderd_028: StartRebuilderd, tmp_path: Path
) -> None:
    daemon = rebuilderd_028(DAEMON)
    saved, database, fresh = tmp_path / "list.json", tmp_path / "r.db", tmp_path / "fresh.db"
    saved.write_bytes(httpx.get(f"{daemon.url}/api/v0/pkgs/list").content)
    ingest(fresh, daemon.database)
    for source in (daemon.database, saved, daemon.database):
        ingest(database, source, release="trixie")
    assert_same_results(database, fresh)


def assert_same_results(database: Path, fresh: Path) -> None:
    """Artifacts, current packages and their statuses are those of a first run.

    Not compared are ordinals: which of two inputs of one source is the first is anybody's choice.
    """
    assert published(database)["build_artifacts"] == published(fresh)["build_artifacts"]
    for current in (
        "SELECT o.label, s.name, s.version, s.status, s.attempts, b.upstream_id FROM source_packages AS s"
        " JOIN origins AS o ON o.id = s.origin_id LEFT JOIN builds AS b ON b.id = s.latest_build_id"
        " WHERE s.is_current ORDER BY 1, 2, 3, 4, 6",
        "SELECT o.label, s.name, s.version, s.status, b.name, b.version, b.architecture, b.component,"
        " b.status, a.upstream_id, b.upstream_id FROM binary_packages AS b"
        " JOIN origins AS o ON o.id = b.origin_id LEFT JOIN source_packages AS s ON s.id = b.source_package_id"
        " LEFT JOIN build_artifacts AS a ON a.id = b.latest_artifact_id WHERE b.is_current ORDER BY b.upstream_id",
    ):
        assert rows(database, current) == rows(fresh, current)
    assert is_sound(database)


def test_a_binary_that_is_linked_later_moves_to_the_origin_of_its_source(tmp_path: Path) -> None:
    database, fresh = tmp_path / "r.db", tmp_path / "fresh.db"
    elsewhere = {"architecture": "all", "url": "https://mirror.example/acl-doc.pkg"}
    unbuilt = {"build_id": None, "artifact_id": None, "status": None}
    answers = rebuilderd(("acl",), binary=page(binary_package(1, "acl-doc", **elsewhere, **unbuilt)))
    with serve(answers) as server:
        ingest(database, server.url)
        labels = "SELECT o.label, source_package_id IS NULL FROM binary_packages AS b" \
            " JOIN origins AS o ON o.id = b.origin_id"  # fmt: skip
        assert rows(database, labels) == [("debian/trixie/all", 1)]
        server.answers["/api/v1/packages/binary"] = page(binary_package(1, "acl-doc", **elsewhere))
        ingest(database, server.url)
        assert rows(database, labels) == [("debian/trixie/amd64", 0)]
        gone = SEEN | {"seen_in_last_sync": False}
        server.answers["/api/v1/packages/source"] = page(
            source_package(1, "acl", **gone), source_package(2, "bzip2")
        )
        server.answers["/api/v1/packages/binary"] = page(
            binary_package(1, "acl-doc", **elsewhere), binary_package(2, "bzip2", build_id=2)
        )
        server.answers["/api/v1/builds"] = page(build(1, "acl"), build(2, "bzip2"))
        ingest(database, server.url)
        ingest(fresh, server.url)
    assert published(database)["binary_packages"] == published(fresh)["binary_packages"]
    assert is_sound(database)


def test_a_binary_that_returns_to_its_source_is_current_again(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    ingest(database, file)
    before = published(database)["binary_packages"]
    binary = one(
        file, "SELECT min(b.id) FROM binary_packages AS b JOIN source_packages AS s"
        " ON s.id = b.source_package_id WHERE s.seen_in_last_sync"
    )  # fmt: skip
    (row,) = rows(file, "SELECT * FROM binary_packages WHERE id = ?", binary)
    change(file, f"DELETE FROM binary_packages WHERE id = {binary}")
    ingest(database, file)
    assert published(database)["binary_packages"] != before
    change(file, "INSERT INTO binary_packages VALUES ({})".format(
        ", ".join("NULL" if value is None else repr(value) for value in row)))  # fmt: skip
    ingest(database, file)
    assert published(database)["binary_packages"] == before


def test_a_run_of_the_api_without_news_writes_nothing_and_says_so(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    with serve(rebuilderd()) as server:
        ingest(database, server.url)
        before = dump(database)
        for full in (False, True):
            assert "nothing new" in summary(ingest(database, server.url, full=full))
        assert dump(database) == before
        server.answers["/api/v1/packages/source"] = page(
            *(source_package(id, name) for id, name in enumerate(("acl", "bzip2"), 1)),
            source_package(3, "curl", version="2-1", build_id=None),
        )
        assert ingest(database, server.url).written["source_packages"] == 1
    counts = "SELECT source_packages, binary_packages FROM ingest_runs ORDER BY id"
    assert rows(database, counts)[:3] == [(3, 3), (0, 0), (0, 0)]


@pytest.mark.parametrize(
    "file", [DAEMON, LEGACY, FIXTURES / "pkgs-list-0.24.json"], ids=lambda file: file.name
)
def test_reading_everything_again_counts_no_row_as_written(tmp_path: Path, file: Path) -> None:
    database = tmp_path / "r.db"
    ingest(database, file)
    before = dump(database)
    assert "nothing new" in summary(ingest(database, file, full=True))
    assert dump(database) == before


def test_a_package_is_counted_once_however_often_it_is_written(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    ingest(database, file)
    source, build_input = rows(
        file, "SELECT i.source_package_id, max(i.id) FROM build_inputs AS i JOIN source_packages AS s"
        " ON s.id = i.source_package_id WHERE s.seen_in_last_sync GROUP BY 1 HAVING count(*) = 1"
    )[0]  # fmt: skip
    add_build(file, build_input, "FAIL", "2026-11-21 01:00:00")
    change(
        file, f"UPDATE source_packages SET version = '9-9', seen_in_last_sync = 0 WHERE id = {source}"
    )  # fmt: skip
    written = ingest(database, file).written
    assert written["source_packages"] == 1
    assert written["binary_packages"] == one(
        file, f"SELECT count(*) FROM binary_packages WHERE source_package_id = {source}"
    )  # fmt: skip
