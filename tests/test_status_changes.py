"""When a package went from one status to another."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from helpers import DAEMON, add_build, change, copy, ingest, rows
from hypothesis import given
from hypothesis import strategies as st

from ingest.status_changes import Attempt, changes
from ingest.version_order import newest

CHANGES = "SELECT from_status, to_status, from_version, to_version, changed_at FROM status_changes" \
    " WHERE name = ? ORDER BY changed_at"  # fmt: skip


def test_every_change_between_attempts_of_one_version_is_listed(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    ingest(database, DAEMON)
    versions = defaultdict(set)
    attempts = defaultdict(list)
    for origin, name, version, build, built_at, status in rows(
        DAEMON,
        "SELECT s.distribution || '/' || s.\"release\" || '/' || i.architecture, s.name, s.version, r.id,"
        " r.built_at, r.status FROM rebuilds AS r JOIN build_inputs AS i ON i.id = r.build_input_id"
        " JOIN source_packages AS s ON s.id = i.source_package_id ORDER BY r.built_at, r.id",
    ):
        versions[origin, name].add(version)
        attempts[origin, name].append((build, built_at, status))
    expected = set()
    for package, builds in attempts.items():
        if len(versions[package]) > 1:
            continue
        since = builds[0][1]
        for (before, _, old), (after, when, new) in pairwise(builds):
            if old != new:
                days = (moment(when) - moment(since)) / timedelta(days=1)
                expected.add((*package, old, new, before, after, round(days, 3)))
                since = when
    assert len(expected) > 10
    found = {
        row
        for row in rows(
            database,
            "SELECT o.label, c.name, c.from_status, c.to_status, f.upstream_id, t.upstream_id,"
            " c.days_since_previous FROM status_changes AS c JOIN origins AS o ON o.id = c.origin_id"
            " JOIN builds AS f ON f.id = c.from_build_id JOIN builds AS t ON t.id = c.to_build_id",
        )
        if len(versions[row[0], row[1]]) == 1
    }
    assert found == expected


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text[:26])


def package(file: Path, *versions: tuple[str, bool]) -> dict[str, int]:
    """A source package ``example`` in trixie/amd64 with some versions; returns their build inputs."""
    inputs = {}
    for number, (version, seen) in enumerate(versions, 70001):
        change(
            file,
            'INSERT INTO source_packages (id, name, version, distribution, "release", last_seen,'
            f" seen_in_last_sync) VALUES ({number}, 'example', '{version}', 'debian', 'trixie',"
            f" '2026-11-0{number - 70000} 00:00:00', {int(seen)})",
            "INSERT INTO build_inputs (id, source_package_id, url, backend, architecture, retries)"
            f" VALUES ({number}, {number}, 'https://mirror.example/', 'debian', 'amd64', 0)",
        )
        inputs[version] = number
    return inputs


def test_a_new_version_with_another_status_is_a_change(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    inputs = package(file, ("1.0-1", False), ("1.0-2", True))
    add_build(file, inputs["1.0-1"], "GOOD", "2026-10-01 00:00:00")
    add_build(file, inputs["1.0-2"], "BAD", "2026-10-05 12:00:00")
    ingest(database, file)
    assert rows(database, CHANGES, "example") == [("GOOD", "BAD", "1.0-1", "1.0-2", "2026-10-05T12:00:00Z")]
    assert rows(database, "SELECT days_since_previous FROM status_changes WHERE name = 'example'") == [(4.5,)]


def test_of_two_current_versions_the_newer_by_debians_order_is_followed(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    inputs = package(file, ("1.10-1", True), ("1.9-1", True))
    add_build(file, inputs["1.9-1"], "GOOD", "2026-10-01 00:00:00")
    add_build(file, inputs["1.10-1"], "BAD", "2026-10-02 00:00:00")
    add_build(file, inputs["1.9-1"], "GOOD", "2026-10-03 00:00:00")
    add_build(file, inputs["1.10-1"], "GOOD", "2026-10-04 00:00:00")
    ingest(database, file)
    assert rows(database, CHANGES, "example") == [
        ("GOOD", "BAD", "1.9-1", "1.10-1", "2026-10-02T00:00:00Z"),
        ("BAD", "GOOD", "1.10-1", "1.10-1", "2026-10-04T00:00:00Z"),
    ]


def test_the_current_version_is_followed_even_where_a_newer_one_was_seen(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    inputs = package(file, ("2.0-1", False), ("1.0-1", True))
    add_build(file, inputs["2.0-1"], "BAD", "2026-10-01 00:00:00")
    add_build(file, inputs["1.0-1"], "GOOD", "2026-10-02 00:00:00")
    ingest(database, file)
    assert rows(database, CHANGES, "example") == [("BAD", "GOOD", "2.0-1", "1.0-1", "2026-10-02T00:00:00Z")]


def test_changes_follow_when_another_version_becomes_the_current_one(tmp_path: Path) -> None:
    file, database, fresh = copy(DAEMON, tmp_path), tmp_path / "r.db", tmp_path / "fresh.db"
    inputs = package(file, ("1.0-1", True), ("2.0-1", True))
    add_build(file, inputs["2.0-1"], "BAD", "2026-10-01 00:00:00")
    add_build(file, inputs["1.0-1"], "GOOD", "2026-10-02 00:00:00")
    ingest(database, file)
    assert rows(database, CHANGES, "example") == []
    change(file, f"UPDATE source_packages SET seen_in_last_sync = 0 WHERE id = {inputs['2.0-1']}")
    ingest(database, file)
    ingest(fresh, file)
    assert rows(database, CHANGES, "example") == rows(fresh, CHANGES, "example") != []


def test_a_build_without_a_conclusion_or_a_time_changes_nothing(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    inputs = package(file, ("1.0-1", True))
    add_build(file, inputs["1.0-1"], "GOOD", "2026-10-01 00:00:00")
    unfinished = add_build(file, inputs["1.0-1"], "GOOD", "2026-10-02 00:00:00")
    change(file, f"UPDATE rebuilds SET status = NULL WHERE id = {unfinished}")
    add_build(file, inputs["1.0-1"], "GOOD", "2026-10-03 00:00:00")
    ingest(database, file)
    assert rows(database, CHANGES, "example") == []


@pytest.mark.parametrize(
    ("distribution", "versions", "expected"),
    [
        ("debian", ["1.9-1", "1.10-1"], "1.10-1"),
        ("debian", ["1.0~rc1-1", "1.0-1"], "1.0-1"),
        ("debian", ["1:0.1-1", "9.9-1"], "1:0.1-1"),
        ("debian", ["1.0-1+b2", "1.0-1"], "1.0-1+b2"),
        ("archlinux", ["1:1.0-1", "2.0-1"], "1:1.0-1"),
        ("fedora", ["1.0-1.fc40", "1.0-10.fc40"], "1.0-10.fc40"),
        ("nobody's", ["1.0", "2.0"], None),
        ("nobody's", ["1.0", "1.0"], "1.0"),
    ],
)
def test_the_newest_version_is_by_the_distributions_own_order(
    distribution: str, versions: list[str], expected: str | None
) -> None:
    assert newest(distribution, versions) == expected
    assert newest(distribution, reversed(versions)) == expected


VERSIONS = ("0.9-1", "1.0-1", "1.0-2", "1.0-10", "2.0~rc1-1", "2.0-1")


@st.composite
def packages(draw: st.DrawFn) -> list[Attempt]:
    """Attempts of one package in order of time."""
    current = draw(st.sets(st.sampled_from(VERSIONS)))
    builds = draw(
        st.lists(
            st.tuples(st.sampled_from(VERSIONS), st.sampled_from(["GOOD", "BAD", "FAIL", "UNKWN"])),
            min_size=1,
        )
    )
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        Attempt(
            origin_id=1, name_id=1, name="n", distribution="debian", version=version,
            is_current=int(version in current), last_seen=str(VERSIONS.index(version)), build_id=number,
            built_at=(start + timedelta(days=number)).strftime("%Y-%m-%dT%H:%M:%SZ"), status=status,
        )
        for number, (version, status) in enumerate(builds)
    ]  # fmt: skip


@given(packages())
def test_changes_form_a_chain_that_ends_at_the_followed_version(attempts: list[Attempt]) -> None:
    found = list(changes(attempts))
    for change_ in found:
        assert change_.before.status != change_.after.status
        assert change_.before.build_id < change_.after.build_id
        assert change_.row()[9] > 0
    for earlier, later in pairwise(found):
        assert earlier.after.status == later.before.status
        assert earlier.after.build_id <= later.before.build_id
        assert later.since == earlier.after.built_at
    current = [
        version for version in VERSIONS if any(a.version == version and a.is_current for a in attempts)
    ]
    if current and current[-1] == max({a.version for a in attempts}, key=VERSIONS.index):
        latest = [attempt for attempt in attempts if attempt.version == current[-1]][-1]
        assert (found[-1].after.status if found else attempts[0].status) == latest.status


@given(packages())
def test_with_one_version_every_flip_is_a_change_and_nothing_else(attempts: list[Attempt]) -> None:
    version = attempts[0].version
    alone = [attempt for attempt in attempts if attempt.version == version]
    flips = [(a.build_id, b.build_id) for a, b in pairwise(alone) if a.status != b.status]
    assert [(c.before.build_id, c.after.build_id) for c in changes(alone)] == flips
