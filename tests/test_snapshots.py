"""Totals over time: taken at a run, reconstructed from builds."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from pathlib import Path

import pytest
from helpers import DAEMON, MIGRATED, add_build, change, copy, dump, ingest, one, published, rows

from ingest import values


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    at(monkeypatch, "2026-11-23")
    return monkeypatch


def at(today: pytest.MonkeyPatch, day: str, time: str = "12:00:00") -> None:
    today.setattr(values, "now", lambda: f"{day}T{time}Z")


def naive_days(file: Path, last_day: date) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Per origin and day: of each name the latest build by then of a version last seen on that day or later."""
    builds: dict[tuple[str, str], list[tuple[str, int, str, str]]] = defaultdict(list)
    for origin, name, built_at, build, status, is_seen, last_seen in rows(
        file,
        "SELECT s.distribution || '/' || coalesce(s.\"release\", '-') || '/' || i.architecture, s.name,"
        " r.built_at, r.id, r.status, s.seen_in_last_sync, s.last_seen"
        " FROM rebuilds AS r JOIN build_inputs AS i ON i.id = r.build_input_id"
        " JOIN source_packages AS s ON s.id = i.source_package_id WHERE r.built_at IS NOT NULL",
    ):
        until = "9999" if is_seen else last_seen[:10]
        builds[origin, name].append((built_at, build, status, until))
    days = {}
    first = date.fromisoformat(min(build[0][:10] for package in builds.values() for build in package))
    for origin in {origin for origin, _ in builds}:
        begun = False
        for number in range((last_day - first).days + 1):
            day = str(first + timedelta(number))
            totals: Counter[str] = Counter()
            for (package_origin, _), attempts in builds.items():
                past = [attempt for attempt in attempts if attempt[0][:10] <= day <= attempt[3]]
                if package_origin == origin and past:
                    begun = True
                    totals[max(past)[2]] += 1
            if begun:
                days[origin, day] = (totals["GOOD"], totals["BAD"], totals["FAIL"])
    return days


def reconstructed(database: Path) -> dict[tuple[str, str], tuple[int, int, int]]:
    found = rows(
        database,
        "SELECT o.label, s.captured_at, s.good, s.bad, s.fail, s.unknown FROM snapshots AS s"
        " JOIN origins AS o ON o.id = s.origin_id WHERE kind = 'reconstructed'",
    )
    assert all(captured.endswith("T23:59:59Z") and unknown is None for _, captured, *_, unknown in found)
    return {(label, captured[:10]): (good, bad, fail) for label, captured, good, bad, fail, _ in found}


@pytest.mark.parametrize("file", [DAEMON, MIGRATED], ids=lambda file: file.stem)
def test_the_past_is_counted_day_by_day_on_the_first_run(tmp_path: Path, file: Path) -> None:
    database = tmp_path / "r.db"
    ingest(database, file)
    last = max(day for _, day in reconstructed(database))
    evidence = max(
        one(file, "SELECT max(substr(built_at, 1, 10)) FROM rebuilds"),
        one(file, "SELECT max(substr(last_seen, 1, 10)) FROM source_packages"),
    )
    assert last == min(evidence, "2026-11-22")
    assert reconstructed(database) == naive_days(file, date.fromisoformat(last))


def test_a_package_counts_until_the_day_it_was_last_seen(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    names = [row[0] for row in rows(
        file, "SELECT DISTINCT s.name FROM source_packages AS s JOIN build_inputs AS i"
        " ON i.source_package_id = s.id JOIN rebuilds AS r ON r.build_input_id = i.id ORDER BY 1")]  # fmt: skip
    for number, name in enumerate(names):
        day = date(2026, 6, 20) + timedelta(number)
        change(
            file, f"UPDATE source_packages SET seen_in_last_sync = {number % 2},"
            f" last_seen = '{day} 10:00:00.5' WHERE name = '{name}'"
        )  # fmt: skip
    ingest(database, file)
    found = reconstructed(database)
    assert found == naive_days(file, date.fromisoformat(max(day for _, day in found)))


def test_a_taken_snapshot_wins_over_a_reconstructed_one(tmp_path: Path, today: pytest.MonkeyPatch) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    at(today, "2026-10-01")
    ingest(database, file)
    at(today, "2026-10-05")
    build_input = one(file, "SELECT build_input_id FROM rebuilds LIMIT 1")
    add_build(file, build_input, "FAIL", "2026-09-30 01:00:00")
    ingest(database, file)
    days = rows(
        database, "SELECT scope, substr(captured_at, 1, 10) AS day, group_concat(kind) FROM snapshots"
        " WHERE captured_at >= '2026-09-30' GROUP BY 1, 2"
    )  # fmt: skip
    assert {(day, kind) for _, day, kind in days} == {
        ("2026-09-30", "reconstructed"),
        ("2026-10-01", "taken"),
        ("2026-10-02", "reconstructed"),
        ("2026-10-03", "reconstructed"),
        ("2026-10-04", "reconstructed"),
        ("2026-10-05", "taken"),
    }


def test_a_day_gets_one_snapshot_while_nothing_changes(tmp_path: Path, today: pytest.MonkeyPatch) -> None:
    database = tmp_path / "r.db"
    count = "SELECT count(*) FROM snapshots WHERE kind = 'taken'"
    ingest(database, DAEMON)
    origins = one(database, count)
    at(today, "2026-11-23", "18:00:00")
    ingest(database, DAEMON)
    ingest(database, DAEMON, full=True)
    assert one(database, count) == origins == 6
    at(today, "2026-11-24", "00:00:01")
    written = ("snapshots", "snapshot_categories", "measurements", "sqlite_sequence")
    before = dump(database, without=written)
    assert ingest(database, DAEMON).snapshots == origins
    assert one(database, count) == 2 * origins
    assert dump(database, without=written) == before
    at(today, "2026-11-24", "00:30:00")
    assert ingest(database, DAEMON).snapshots == 0


def test_changed_totals_are_taken_at_once_and_only_where_they_changed(
    tmp_path: Path, today: pytest.MonkeyPatch
) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    ingest(database, file)
    at(today, "2026-11-23", "13:00:00")
    build_input, origin = rows(
        file, "SELECT i.id, s.distribution || '/' || s.\"release\" || '/' || i.architecture"
        " FROM build_inputs AS i JOIN source_packages AS s ON s.id = i.source_package_id"
        " JOIN rebuilds AS r ON r.build_input_id = i.id WHERE s.seen_in_last_sync AND r.status = 'GOOD'"
    )[0]  # fmt: skip
    before = rows(database, "SELECT good, fail FROM snapshots WHERE kind = 'taken' AND scope = ?", origin)[0]
    good = one(
        database, "SELECT status = 'GOOD' FROM source_packages WHERE upstream_input_id = ?", build_input
    )
    add_build(file, build_input, "FAIL", "2026-11-23 12:30:00")
    ingest(database, file)
    assert rows(
        database, "SELECT scope, good, fail FROM snapshots WHERE captured_at = '2026-11-23T13:00:00Z'"
    ) == [(origin, before[0] - good, before[1] + 1)]


@pytest.mark.parametrize("position", [0, 40, 120])
def test_a_late_build_recounts_its_days_its_attempts_and_its_changes(
    tmp_path: Path, today: pytest.MonkeyPatch, position: int
) -> None:
    file, database, fresh = copy(DAEMON, tmp_path), tmp_path / "r.db", tmp_path / "fresh.db"
    ingest(database, file)
    build_input, built_at = rows(
        file, "SELECT build_input_id, built_at FROM rebuilds ORDER BY built_at LIMIT 1 OFFSET ?", position
    )[0]
    before = reconstructed(database)
    late = str(date.fromisoformat(built_at[:10]) - timedelta(3)) + " 00:00:00"
    add_build(file, build_input, "FAIL", late)
    ingest(database, file)
    ingest(fresh, file)
    assert published(database) == published(fresh)
    assert reconstructed(database) != before


def test_a_package_that_returns_counts_on_the_days_between(tmp_path: Path, today: pytest.MonkeyPatch) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    source = one(
        file, "SELECT i.source_package_id FROM build_inputs AS i JOIN rebuilds AS r ON r.build_input_id = i.id"
        " JOIN source_packages AS s ON s.id = i.source_package_id WHERE s.seen_in_last_sync ORDER BY 1 LIMIT 1"
    )  # fmt: skip
    change(
        file, "UPDATE source_packages SET seen_in_last_sync = 0, last_seen = '2026-11-01 00:00:00'"
        f" WHERE id = {source}"
    )  # fmt: skip
    ingest(database, file)
    gone = reconstructed(database)
    change(
        file, "UPDATE source_packages SET seen_in_last_sync = 1, last_seen = '2026-11-23 13:00:00'"
        f" WHERE id = {source}"
    )  # fmt: skip
    at(today, "2026-11-23", "14:00:00")
    ingest(database, file)
    found = reconstructed(database)
    assert found == naive_days(file, date(2026, 11, 22))
    assert found != gone


def test_an_origin_that_is_no_longer_listed_goes_on_with_none(
    tmp_path: Path, today: pytest.MonkeyPatch
) -> None:
    file, database, fresh = copy(DAEMON, tmp_path), tmp_path / "r.db", tmp_path / "fresh.db"
    (gone, _), (_, lasting) = rows(
        file, "SELECT s.\"release\", max(r.build_input_id) FROM rebuilds AS r JOIN build_inputs AS i ON i.id = r.build_input_id"
        " JOIN source_packages AS s ON s.id = i.source_package_id GROUP BY 1 ORDER BY 1 LIMIT 2"
    )  # fmt: skip
    change(
        file, "UPDATE source_packages SET seen_in_last_sync = 0, last_seen = '2026-11-10 00:00:00'"
        f" WHERE \"release\" = '{gone}'"
    )  # fmt: skip
    ingest(database, file)
    at(today, "2026-11-29")
    add_build(file, lasting, "FAIL", "2026-11-26 01:00:00")
    ingest(database, file)
    expected = naive_days(file, date(2026, 11, 28))
    found = {key: value for key, value in reconstructed(database).items() if key[1] >= "2026-11-24"}
    last_day = max(day for _, day in found)
    assert found == {key: value for key, value in expected.items() if "2026-11-24" <= key[1] <= last_day}
    assert {value for (label, _), value in found.items() if f"/{gone}/" in label} == {(0, 0, 0)}
    ingest(fresh, file)
    assert reconstructed(fresh).items() >= found.items()


@pytest.mark.parametrize("full", [False, True])
def test_days_that_a_run_without_news_left_out_are_counted_when_there_is_evidence(
    tmp_path: Path, today: pytest.MonkeyPatch, full: bool
) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    kinds = (
        "SELECT DISTINCT substr(captured_at, 1, 10), kind FROM snapshots"
        " WHERE captured_at >= '2026-11-23' ORDER BY 1, 2"
    )
    at(today, "2026-11-23")
    ingest(database, file)
    at(today, "2026-11-27")
    assert ingest(database, file).unchanged
    taken = [("2026-11-23", "taken"), ("2026-11-27", "taken")]
    assert rows(database, kinds) == taken, "there is no evidence of the days between"
    at(today, "2026-11-29")
    build_input = one(file, "SELECT build_input_id FROM rebuilds ORDER BY id LIMIT 1")
    add_build(file, build_input, "FAIL", "2026-11-28 01:00:00")
    ingest(database, file, full=full)
    assert rows(database, kinds) == [
        ("2026-11-23", "taken"),
        ("2026-11-24", "reconstructed"),
        ("2026-11-25", "reconstructed"),
        ("2026-11-26", "reconstructed"),
        ("2026-11-27", "taken"),
        ("2026-11-28", "reconstructed"),
        ("2026-11-29", "taken"),
    ]
    expected = naive_days(file, date(2026, 11, 28))
    found = {key: value for key, value in reconstructed(database).items() if key[1] >= "2026-11-24"}
    assert found == {key: expected[key] for key in found}
    before = dump(database)
    ingest(database, file, full=True)
    assert dump(database) == before


def test_a_version_counts_no_longer_than_it_was_listed_whatever_is_built_later(tmp_path: Path) -> None:
    file, database, fresh = copy(DAEMON, tmp_path), tmp_path / "r.db", tmp_path / "fresh.db"
    source, build_input = rows(
        file, "SELECT s.id, i.id FROM source_packages AS s JOIN build_inputs AS i ON i.source_package_id = s.id"
        " JOIN rebuilds AS r ON r.build_input_id = i.id WHERE s.seen_in_last_sync AND r.status = 'GOOD'"
        " AND r.built_at < '2026-10' AND 1 = (SELECT count(*) FROM build_inputs AS o WHERE o.source_package_id = s.id)"
    )[0]  # fmt: skip
    change(
        file,
        "INSERT INTO source_packages (id, name, version, distribution, release, last_seen, seen_in_last_sync)"
        " SELECT 99001, name, version || '+next', distribution, release, last_seen, 1 FROM source_packages"
        f" WHERE id = {source}",
        "INSERT INTO build_inputs (id, source_package_id, url, backend, architecture, retries)"
        f" SELECT 99001, 99001, url || '+next', backend, architecture, 0 FROM build_inputs WHERE id = {build_input}",
        "UPDATE source_packages SET seen_in_last_sync = 0, last_seen = '2026-11-01 00:00:00'"
        f" WHERE id = {source}",
    )
    ingest(database, file)
    before = reconstructed(database)
    add_build(file, 99001, "BAD", "2026-11-20 00:00:00")
    ingest(database, file)
    ingest(fresh, file)
    assert published(database) == published(fresh)
    assert reconstructed(database) == naive_days(file, date(2026, 11, 21))
    changed = {day for (_, day), totals in reconstructed(database).items() if before[_, day] != totals}
    assert changed == {"2026-11-20", "2026-11-21"}


def test_a_version_that_outlives_a_newer_build_of_another_counts_again(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    (source, build_input), = rows(
        file, "SELECT s.id, i.id FROM source_packages AS s JOIN build_inputs AS i ON i.source_package_id = s.id"
        " JOIN rebuilds AS r ON r.build_input_id = i.id WHERE s.seen_in_last_sync AND r.status = 'GOOD'"
        " AND r.built_at < '2026-10' AND 1 = (SELECT count(*) FROM build_inputs AS o WHERE o.source_package_id = s.id)"
        " LIMIT 1"
    )  # fmt: skip
    change(
        file,
        "INSERT INTO source_packages (id, name, version, distribution, release, last_seen, seen_in_last_sync)"
        " SELECT 99001, name, version || '~rc1', distribution, release, '2026-11-10 00:00:00', 0"
        f" FROM source_packages WHERE id = {source}",
        "INSERT INTO build_inputs (id, source_package_id, url, backend, architecture, retries)"
        f" SELECT 99001, 99001, url || '~rc1', backend, architecture, 0 FROM build_inputs WHERE id = {build_input}",
    )
    add_build(file, 99001, "FAIL", "2026-11-05 00:00:00")
    ingest(database, file)
    (origin,) = rows(
        database, "SELECT o.label FROM source_packages AS s JOIN origins AS o ON o.id = s.origin_id"
        " WHERE upstream_input_id = 99001"
    )[0]  # fmt: skip
    fails = {day: fail for (scope, day), (_, _, fail) in reconstructed(database).items() if scope == origin}
    assert [fails[f"2026-11-{day:02}"] - fails["2026-11-04"] for day in (5, 10, 11)] == [1, 1, 0]
    assert reconstructed(database) == naive_days(file, date(2026, 11, 21))
