"""No run goes through one large relation for each row of another, whatever kind of source it reads."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from conftest import FIXTURES, StartRebuilderd
from fake_server import answer, only_v0, serve
from helpers import DAEMON, LEGACY, MIGRATED, add_build, change, copy, ingest
from query_plans import Plan, explained

Source = tuple[Path | str, Callable[[], object]]
"""What to read, and what makes it say something new."""
LATE = "2026-11-20 10:00:00"


def report_build(database: Path) -> None:
    """News of several kinds: a build, a version that goes, another one that comes."""
    add_build(database, 1, "BAD", LATE, [("late", "BAD")])
    change(
        database,
        "UPDATE source_packages SET seen_in_last_sync = 0 WHERE id = (SELECT max(id) FROM source_packages)",
        "UPDATE source_packages SET version = version || '+1' WHERE id = (SELECT min(id) FROM source_packages)",
    )


def report_legacy_build(database: Path) -> None:
    change(
        database,
        "INSERT INTO builds (id, build_log) VALUES (99999, x'28B52FFD2000010000')",
        f"UPDATE packages SET build_id = 99999, built_at = '{LATE}', status = 'BAD'"
        " WHERE id = (SELECT min(id) FROM packages)",
        "DELETE FROM packages WHERE id = (SELECT max(id) FROM packages)",
    )


def report_in_list(records: list[dict[str, object]]) -> bytes:
    """A saved list after one more build, and without the last package."""
    first, *rest = records
    late = {**first, "build_id": 99999, "built_at": LATE.replace(" ", "T"), "status": "BAD"}
    return json.dumps([late, *rest[:-1]]).encode()


def report_in_saved_list(path: Path) -> None:
    path.write_bytes(report_in_list(json.loads(path.read_bytes())))


def report_in_saved_stats(path: Path) -> None:
    records = json.loads(path.read_bytes())
    late = {**records[0], "id": 99999, "captured_at": LATE.replace(" ", "T")}
    path.write_text(json.dumps([*records, late]))


def api_v1(request: pytest.FixtureRequest) -> Iterator[Source]:
    daemon = request.getfixturevalue("rebuilderd_028")(DAEMON)
    yield daemon.url, lambda: report_build(daemon.database)


def api_v0(request: pytest.FixtureRequest) -> Iterator[Source]:
    daemon = request.getfixturevalue("rebuilderd_024")(LEGACY)
    yield daemon.url, lambda: report_legacy_build(daemon.database)


def api_v0_of_a_newer_daemon(request: pytest.FixtureRequest) -> Iterator[Source]:
    daemon = request.getfixturevalue("rebuilderd_028")(DAEMON)
    listed = httpx.get(f"{daemon.url}/api/v0/pkgs/list").json()
    with serve(only_v0(daemon.url)) as server:
        news = {"/api/v0/pkgs/list": answer(report_in_list(listed))}
        yield server.url, lambda: server.answers.update(news)


def file(
    original: Path, report: Callable[[Path], object]
) -> Callable[[pytest.FixtureRequest], Iterator[Source]]:
    def changeable(request: pytest.FixtureRequest) -> Iterator[Source]:
        path = copy(original, request.getfixturevalue("tmp_path"))
        yield path, lambda: report(path)

    return changeable


KINDS = {
    "database": file(DAEMON, report_build),
    "migrated database": file(MIGRATED, report_build),
    "legacy database": file(LEGACY, report_legacy_build),
    "API v1": api_v1,
    "API v0": api_v0,
    "API v0 of 0.28": api_v0_of_a_newer_daemon,
    "saved list": file(FIXTURES / "pkgs-list-0.24.json", report_in_saved_list),
    "saved stats": file(FIXTURES / "stats.json", report_in_saved_stats),
}


@pytest.fixture(params=KINDS.values(), ids=KINDS.keys())
def source(request: pytest.FixtureRequest) -> Iterator[Source]:
    yield from request.param(request)


def assert_good(plans: dict[str, Plan]) -> None:
    bad = [str(plan) for plan in plans.values() if plan.repeated()]
    if bad:
        pytest.fail("\n\n".join(["again and again:", *bad]), pytrace=False)


def test_a_first_a_second_and_an_incremental_run_go_through_nothing_again_and_again(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, report_news = source
    database = tmp_path / "ours.db"
    with explained(monkeypatch) as plans:
        for _ in range(2):
            ingest(database, address, release="trixie")
        report_news()
        assert not ingest(database, address, release="trixie").unchanged
    assert len(plans) > 50
    assert_good(plans)


def test_no_run_does_that_goes_on_from_another_kind_of_source(
    rebuilderd_028: StartRebuilderd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = rebuilderd_028(DAEMON)
    database = tmp_path / "ours.db"
    saved = tmp_path / "list.json"
    saved.write_bytes(httpx.get(f"{daemon.url}/api/v0/pkgs/list").content)
    with explained(monkeypatch) as plans:
        for address, release in (
            (daemon.database, None), (daemon.url, None), (saved, "trixie"), (saved, "forky"), (daemon.url, None),
            (LEGACY, None), (daemon.database, None),
        ):  # fmt: skip
            ingest(database, address, release=release)
    assert_good(plans)


@pytest.mark.parametrize(
    ("sql", "is_bad"),
    [
        ("SELECT * FROM one CROSS JOIN other ON other.id = one.kind", False),
        ("SELECT * FROM one WHERE name IN (SELECT one_id FROM other)", False),
        ("SELECT * FROM origins CROSS JOIN one", False),
        ("SELECT * FROM one CROSS JOIN other ON other.one_id = one.id", True),  # an index without a type
        ("SELECT * FROM one CROSS JOIN other ON other.kind = one.kind", True),  # an index of what all share
        ("SELECT (SELECT max(name) FROM one WHERE id <> other.id) FROM other", True),
        ("SELECT * FROM one AS a CROSS JOIN one AS b ON b.name = a.name", True),  # SQLite makes an index
    ],
)
def test_the_test_tells_good_plans_from_bad_ones(
    sql: str, is_bad: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with explained(monkeypatch) as plans:
        connection = sqlite3.connect(tmp_path / "some.db")
        connection.executescript(
            """
            CREATE TABLE origins (id INTEGER PRIMARY KEY);
            CREATE TABLE one (id INTEGER PRIMARY KEY, kind INTEGER, name TEXT);
            CREATE TABLE other (id INTEGER PRIMARY KEY, one_id, kind INTEGER);
            CREATE INDEX other_one ON other (one_id);
            CREATE INDEX other_kind ON other (kind);
            """
        )
        connection.execute(sql)
        connection.close()
    assert bool(plans[sql].repeated()) is is_bad
