"""No run goes through one large relation for each row of another, whatever kind of source it reads."""

from __future__ import annotations

import json
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
    """News of every kind: a build, a version that goes, another one that comes."""
    (build_input,) = (1,)
    add_build(database, build_input, "BAD", LATE, [("late", "BAD")])
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


@pytest.fixture(scope="module")
def list_of_028(rebuilderd_028: StartRebuilderd) -> dict[str, object]:
    return only_v0(rebuilderd_028(DAEMON).url)


@pytest.fixture(
    params=["file", "migrated file", "old file", "v1", "v0 of 0.24", "v0 of 0.28", "list", "stats"]
)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Source]:
    daemon: Callable[[str], StartRebuilderd] = request.getfixturevalue
    match request.param:
        case "file" | "migrated file":
            database = copy(DAEMON if request.param == "file" else MIGRATED, tmp_path)
            yield database, lambda: report_build(database)
        case "old file":
            database = copy(LEGACY, tmp_path)
            yield database, lambda: report_legacy_build(database)
        case "v1":
            running = daemon("rebuilderd_028")(DAEMON)
            yield running.url, lambda: report_build(running.database)
        case "v0 of 0.24":
            running = daemon("rebuilderd_024")(LEGACY)
            yield running.url, lambda: report_legacy_build(running.database)
        case "v0 of 0.28":
            running = daemon("rebuilderd_028")(DAEMON)
            listed = httpx.get(f"{running.url}/api/v0/pkgs/list").json()
            with serve(only_v0(running.url)) as server:
                news = {"/api/v0/pkgs/list": answer(report_in_list(listed))}
                yield server.url, lambda: server.answers.update(news)
        case "list":
            saved = copy(FIXTURES / "pkgs-list-0.24.json", tmp_path)
            yield saved, lambda: saved.write_bytes(report_in_list(json.loads(saved.read_bytes())))
        case "stats":
            saved = copy(FIXTURES / "stats.json", tmp_path)
            records = json.loads(saved.read_bytes())
            late = {**records[0], "id": 99999, "captured_at": LATE.replace(" ", "T")}
            yield saved, lambda: saved.write_text(json.dumps([*records, late]))


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


def test_a_plan_that_goes_through_a_large_relation_again_and_again_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sqlite3

    with explained(monkeypatch) as plans:
        connection = sqlite3.connect(tmp_path / "some.db")
        connection.execute("CREATE TABLE one (id INTEGER PRIMARY KEY, kind INTEGER, name TEXT)")
        connection.execute("CREATE TABLE other (id INTEGER PRIMARY KEY, one_id, kind INTEGER)")
        connection.execute("CREATE INDEX other_one ON other (one_id)")
        connection.execute("CREATE INDEX other_kind ON other (kind)")
        for fine in (
            "SELECT * FROM one CROSS JOIN other ON other.id = one.kind",
            "SELECT * FROM one WHERE name IN (SELECT one_id FROM other)",
            "SELECT * FROM rebuilders CROSS JOIN one" if False else "SELECT * FROM one",
        ):
            connection.execute(fine)
        assert_good(plans)
        for wrong in (
            "SELECT * FROM one CROSS JOIN other ON other.one_id = one.id",  # the index has no type
            "SELECT * FROM one CROSS JOIN other ON other.kind = one.kind",  # all have one
            "SELECT (SELECT max(name) FROM one WHERE id <> other.id) FROM other",
            "SELECT * FROM one AS a CROSS JOIN one AS b ON b.name = a.name",
        ):
            connection.execute(wrong)
            assert plans[wrong].repeated(), wrong
