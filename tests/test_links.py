"""Which build belongs to which source package, and which is a copy of which, as sources tell more or less."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from conftest import StartRebuilderd
from fake_server import build, page, rebuilderd, serve, source_package
from helpers import DAEMON, change, copy, dump, ingest, is_sound, one, published, rows
from test_api_v1 import carried

SECOND_INPUT = 3868
"""lzop's second input for amd64 in trixie; the first one, 1581, has one build."""

LATEST = """
    SELECT s.ordinal, b.upstream_id, s.status, s.attempts FROM source_packages AS s
    LEFT JOIN builds AS b ON b.id = s.latest_build_id ORDER BY s.name, s.ordinal
"""


@pytest.fixture
def two_inputs(tmp_path: Path) -> Path:
    """The small database with two failures of lzop's second input."""
    database = copy(DAEMON, tmp_path)
    change(
        database,
        *(
            "INSERT INTO rebuilds (id, build_input_id, started_at, built_at, build_log_id, status)"
            f" VALUES ({id}, {SECOND_INPUT}, '{time}', '{time}', 5, 'FAIL')"
            for id, time in ((4000, "2026-11-21 23:10:00"), (4001, "2026-11-21 23:20:00"))
        ),
    )
    return database


def totals_equal_the_dashboard(database: Path, url: str) -> bool:
    found = rows(
        database,
        "SELECT distribution, release, architecture, sum(s.status IS 'GOOD'), sum(s.status IS 'BAD'),"
        " sum(s.status IS 'FAIL'), sum(coalesce(s.status, 'UNKWN') = 'UNKWN')"
        " FROM source_packages AS s JOIN origins AS o ON o.id = s.origin_id WHERE is_current GROUP BY o.id",
    )
    assert len(found) == 6
    for distribution, release, architecture, *counts in found:
        query = {"distribution": distribution, "release": release, "architecture": architecture}
        said = httpx.get(f"{url}/api/v1/dashboard", params=query).json()["rebuilds"]
        if counts != [said["good"], said["bad"], said["fail"], said["unknown"]]:
            return False
    return True


def test_builds_of_two_inputs_leave_each_its_listed_latest_build(
    rebuilderd_028: StartRebuilderd, two_inputs: Path, tmp_path: Path
) -> None:
    daemon = rebuilderd_028(two_inputs)
    by_api, by_file = tmp_path / "api.db", tmp_path / "file.db"
    ingest(by_api, daemon.url)
    ingest(by_file, daemon.database)
    assert totals_equal_the_dashboard(by_api, daemon.url)
    assert carried(by_api) == carried(by_file)
    before = dump(by_api)
    ingest(by_api, daemon.url, full=True)
    assert dump(by_api) == before


def test_an_exact_link_is_not_given_up_for_an_inferred_one(
    rebuilderd_028: StartRebuilderd, two_inputs: Path, tmp_path: Path
) -> None:
    # Nothing but the file tells that the oldest build is the second input's.
    change(
        two_inputs,
        "INSERT INTO rebuilds (id, build_input_id, started_at, built_at, build_log_id, status) VALUES"
        f" (3999, {SECOND_INPUT}, '2026-11-20 10:00:00', '2026-11-20 10:00:00', 5, 'BAD')",
    )
    daemon = rebuilderd_028(two_inputs)
    both, by_file = tmp_path / "both.db", tmp_path / "file.db"
    for source in (daemon.database, daemon.url, daemon.database):
        ingest(both, source)
        assert totals_equal_the_dashboard(both, daemon.url)
        if source == daemon.url:
            ingest(both, source, full=True)
            assert one(both, "SELECT sum(source_inferred) FROM builds") == 0
    ingest(by_file, daemon.database)
    assert published(both) == published(by_file)

    api_first = tmp_path / "api-first.db"
    ingest(api_first, daemon.url)
    assert totals_equal_the_dashboard(api_first, daemon.url)
    ingest(api_first, daemon.database)
    assert published(api_first) == published(by_file)
    assert is_sound(api_first)


def test_the_inputs_of_one_source_are_known_again_in_any_order(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    inputs = [source_package(1, "acl"), source_package(1, "acl", build_id=3, status="FAIL")]
    builds = [
        build(1, "acl"),
        build(2, "acl", built_at="2026-11-19T11:00:00", status="BAD"),
        build(3, "acl", built_at="2026-11-19T12:00:00", status="FAIL"),
    ]
    expected = [(0, 1, "GOOD", 1), (1, 3, "FAIL", 2)]
    with serve(rebuilderd((), source=page(*inputs), builds=page(*builds))) as server:
        ingest(database, server.url, name="r")
        assert rows(database, LATEST) == expected
        server.answers["/api/v1/packages/source"] = page(*reversed(inputs))
        before = dump(database)
        ingest(database, server.url, name="r", full=True)
        assert dump(database, without=("ingest_runs", "rebuilders")) == {
            table: content for table, content in before.items() if table not in ("ingest_runs", "rebuilders")
        }


def test_a_build_later_than_every_listed_one_changes_no_latest_build(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    inputs = [source_package(1, "acl"), source_package(1, "acl", build_id=2)]
    builds = [
        build(1, "acl"),
        build(2, "acl"),
        build(3, "acl", built_at="2026-11-19T12:00:00", status="FAIL"),
    ]
    with serve(rebuilderd((), source=page(*inputs), builds=page(*builds))) as server:
        ingest(database, server.url)
    assert [row[:3] for row in rows(database, LATEST)] == [(0, 1, "GOOD"), (1, 2, "GOOD")]
    assert one(database, "SELECT count(*) FROM builds") == 3


def test_a_package_that_loses_its_only_build_was_never_built(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    ingest(database, file)
    change(file, f"UPDATE rebuilds SET build_input_id = {SECOND_INPUT} WHERE build_input_id = 1581")
    ingest(database, file, full=True)
    fresh = tmp_path / "fresh.db"
    ingest(fresh, file)
    for table in ("source_packages", "binary_packages", "builds", "status_changes"):
        assert published(database)[table] == published(fresh)[table]
    assert is_sound(database)


def test_a_build_takes_the_origin_of_the_package_that_it_moves_to(tmp_path: Path) -> None:
    file, database, fresh = copy(DAEMON, tmp_path), tmp_path / "r.db", tmp_path / "fresh.db"
    ingest(database, file)
    # From trixie to forky.
    change(file, "UPDATE rebuilds SET build_input_id = 432 WHERE build_input_id = 1581")
    ingest(database, file, full=True)
    ingest(fresh, file)
    assert published(database)["builds"] == published(fresh)["builds"]
    assert published(database)["source_packages"] == published(fresh)["source_packages"]


COPIES = """
    SELECT b.upstream_id, c.upstream_id FROM builds AS b JOIN builds AS c ON c.id = b.copy_of
    WHERE b.upstream_id >= 4000 ORDER BY 1
"""


@pytest.fixture
def friends(tmp_path: Path) -> Path:
    """The small database with one report of lzop in both releases: the builds 4000 (forky) and 4001."""
    database = copy(DAEMON, tmp_path)
    time = "2026-11-21 23:10:00"
    change(
        database,
        *(
            "INSERT INTO rebuilds (id, build_input_id, started_at, built_at, build_log_id, status)"
            f" VALUES ({id}, {build_input}, '{time}', '{time}', 5, 'GOOD')"
            for id, build_input in ((4000, 432), (4001, SECOND_INPUT))
        ),
    )
    return database


@pytest.mark.parametrize("unknown", ["input_url", "upstream_log_id"])
def test_what_is_unknown_of_one_side_does_not_deny_a_copy(
    friends: Path, tmp_path: Path, unknown: str
) -> None:
    database, later = tmp_path / "r.db", friends.with_name("later.db")
    later.write_bytes(friends.read_bytes())
    change(friends, "DELETE FROM rebuilds WHERE id = 4001")
    ingest(database, friends)
    # So a read by API leaves it, and a file that lists the package no more.
    table = "source_packages" if unknown == "input_url" else "builds"
    change(database, f"UPDATE {table} SET {unknown} = NULL")
    change(later, "DELETE FROM build_inputs WHERE id = 432")
    ingest(database, later)
    assert rows(database, COPIES) == [(4001, 4000)]


@pytest.mark.parametrize(
    "difference",
    [
        "UPDATE rebuilds SET build_log_id = 17 WHERE id = 4001",
        "UPDATE rebuilds SET built_at = '2026-11-21 23:10:01' WHERE id = 4001",
        "UPDATE rebuilds SET build_input_id = 2008 WHERE id = 4001",
        f"UPDATE build_inputs SET url = 'https://other.example/' WHERE id = {SECOND_INPUT}",
        f"UPDATE build_inputs SET backend = 'other' WHERE id = {SECOND_INPUT}",
    ],
)
def test_a_build_that_turns_out_to_be_no_copy_is_none(friends: Path, tmp_path: Path, difference: str) -> None:
    database = tmp_path / "r.db"
    ingest(database, friends)
    assert rows(database, COPIES) == [(4001, 4000)]
    change(friends, difference)
    ingest(database, friends, full=True)
    assert rows(database, COPIES) == []


def test_copies_by_the_api_are_withdrawn_when_the_file_shows_two_logs(
    rebuilderd_028: StartRebuilderd, friends: Path, tmp_path: Path
) -> None:
    change(friends, "UPDATE rebuilds SET build_log_id = 17 WHERE id = 4001")
    daemon, database = rebuilderd_028(friends), tmp_path / "r.db"
    ingest(database, daemon.url)
    assert rows(database, COPIES) == [(4001, 4000)]
    ingest(database, daemon.database)
    assert rows(database, COPIES) == []
