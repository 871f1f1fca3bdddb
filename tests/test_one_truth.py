"""One fact, one definition: every surface that publishes a fact says the same, also where rebuilders and releases differ."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers import DAEMON, add_build, change, copy, ingest, one, rows, run
from served import Site, lay_out

Binary = tuple[str, str, str]
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two rebuilders of the same packages; the second, and some releases of the first, found other results."""
    folder = lay_out(tmp_path_factory.mktemp("truth") / "site")
    first, second = copy(DAEMON, folder), copy(DAEMON, folder.parent)
    shared = rows(
        first,
        "SELECT min(x.id), min(r.id) FROM binary_packages AS b JOIN rebuild_artifacts AS x ON x.name = b.name"
        " JOIN rebuilds AS r ON r.id = x.rebuild_id AND r.build_input_id = b.build_input_id"
        " GROUP BY b.name, b.version, b.architecture HAVING count(DISTINCT b.build_input_id) > 1 LIMIT 20",
    )
    for number, (artifact, build) in enumerate(shared):
        change(
            first,
            f"UPDATE rebuild_artifacts SET status = '{'GOOD' if number % 2 else 'BAD'}' WHERE id = {artifact}",
            f"UPDATE rebuilds SET built_at = '2026-11-23' || substr(built_at, 11) WHERE id = {build} AND {number} % 3 = 0",
        )
    change(
        second,
        "UPDATE rebuild_artifacts SET status = iif(status = 'GOOD', 'BAD', 'GOOD') WHERE id % 2",
        "UPDATE rebuilds SET built_at = '2026-11-22' || substr(built_at, 11) WHERE id % 2",
        "UPDATE rebuilds SET status = 'UNKWN' WHERE id % 7 = 0",
    )
    database = folder / "reproducibility.db"
    # The daemon's file must not lie in the site's folder when that is published.
    ingest(database, first.rename(folder.parent / "first.db"), name="first")
    ingest(database, second, name="second")
    build_inputs = rows(DAEMON, "SELECT id FROM build_inputs ORDER BY id LIMIT 40")
    for number, (build_input,) in enumerate(build_inputs):
        add_build(
            second, build_input, ("GOOD", "FAIL", "UNKWN")[number % 3], f"2026-11-24 0{number % 9}:00:00"
        )
    ingest(database, second, name="second")
    return folder


@pytest.fixture(scope="module")
def database(folder: Path) -> Path:
    return folder / "reproducibility.db"


@pytest.fixture(scope="module")
def ask(folder: Path) -> Iterator[Ask]:
    """Asks the site, in this process, for JSON or text."""
    site = Site(folder)

    def get(path: str, **parameters: str) -> Any:
        response = site.get(path, **parameters)
        assert response.status_code == 200, (path, response.text[:300])
        return json.loads(response.text) if "json" in response.headers["content-type"] else response.text

    yield get
    site.close()


def question(ask: Ask, name: str, **given: str) -> list[dict[str, Any]]:
    found = ask(f"/reproducibility/{name}.json", _shape="objects", _size="max", **given)
    return list(found["rows"])


# The result of a binary


def result(found: list[tuple[str | None, str, int]]) -> str | None:
    """Of results with their times and rows: a GOOD one, else the latest conclusion, else the latest."""
    rank = {"GOOD": 2, "BAD": 1, "FAIL": 1}
    return max(found, key=lambda row: (rank.get(row[0] or "", 0), row[1], -row[2]))[0]


@pytest.fixture(scope="module")
def results(database: Path) -> dict[Binary, str | None]:
    """The result of each binary, from the tables alone."""
    listed: dict[Binary, list[tuple[str | None, str, int]]] = defaultdict(list)
    for name, version, architecture, *row in rows(
        database,
        "SELECT b.name, b.version, b.architecture, b.status, coalesce(x.built_at, y.built_at, '-'), b.id"
        " FROM binary_packages AS b LEFT JOIN build_artifacts AS a ON a.id = b.latest_artifact_id"
        " LEFT JOIN builds AS x ON x.id = a.build_id LEFT JOIN source_packages AS s ON s.id = b.source_package_id"
        " LEFT JOIN builds AS y ON y.id = s.latest_build_id WHERE b.is_current",
    ):
        listed[name, version, architecture].append(tuple(row))
    return {binary: result(found) for binary, found in listed.items()}


STATUS_OF_STATE = {
    "reproducible": {"GOOD"},
    "no-result": {None, "UNKWN"},
    "never-attempted": {None},
    "unreproducible": {"BAD"},
    "did-not-build": {"BAD", "FAIL"},
    "failed-by-infrastructure": {"BAD", "FAIL"},
    "failed-by-archive": {"BAD", "FAIL"},
    "unexplained": {"BAD", "FAIL"},
}


def binary(row: dict[str, Any], name: str = "binary") -> Binary:
    return row[name], row["version"], row["architecture"]


def test_releases_and_rebuilders_differ_here(database: Path) -> None:
    for same in ("rebuilder_id", "origin_id"):
        assert one(
            database,
            "SELECT count(*) FROM binary_packages AS a JOIN binary_packages AS b ON b.name = a.name"
            " AND b.version = a.version AND b.architecture = a.architecture AND b.is_current AND a.is_current"
            f" AND b.{same} = a.{same} AND b.id <> a.id AND b.status = 'BAD' AND a.status = 'GOOD'",
        )


def test_a_binary_has_one_result_on_every_surface(
    ask: Ask, database: Path, results: dict[Binary, str | None]
) -> None:
    unique = {
        tuple(row[:3]): row[3]
        for row in rows(database, "SELECT binary, version, architecture, state FROM unique_binaries")
    }
    v1 = ask("/api/v1/packages/binary", unique="true", limit="-1")["records"]
    v0 = [row for row in ask("/api/v0/pkgs/list") if binary(row, "name") in results]
    in_releases = question(ask, "binaries_in_releases", names="1000")
    asked = [row for name, *_ in list(results)[:30] for row in question(ask, "binaries", package=name)]
    assert (
        unique.keys()
        == results.keys()
        == {binary(row, "name") for row in v1}
        == {binary(row, "name") for row in v0}
    )
    for key, status in results.items():
        assert status in STATUS_OF_STATE[unique[key]], key
    for row in v1:
        assert (row["status"], row["state"]) == (results[binary(row, "name")], unique[binary(row, "name")])
    for row in v0:
        status = results[binary(row, "name")]
        assert row["status"] == (status if status in ("GOOD", "BAD") else "UNKWN"), row
    for row in in_releases:
        assert row["status"] == results[binary(row)], row
    for row in asked:
        assert row["state"] == unique[binary(row)]
    assert len(in_releases) > 50 and len(asked) > 30


def test_agreement_names_the_answer_of_each_rebuilder(
    database: Path, results: dict[Binary, str | None]
) -> None:
    for name, version, architecture, good, bad, fail in rows(
        database, "SELECT binary, version, architecture, good, bad, fail FROM agreement"
    ):
        status = results[name, version, architecture]
        assert bool(good) == (status == "GOOD")
        assert good or bool(bad or fail) == (status in ("BAD", "FAIL"))


def test_a_state_and_a_class_never_contradict(database: Path) -> None:
    states = {
        "build": "did-not-build",
        "archive": "failed-by-archive",
        "infrastructure": "failed-by-infrastructure",
        "unreproducible": "unreproducible",
    }
    for view in ("binary_states", "unique_binaries"):
        found = rows(database, f"SELECT DISTINCT class, state FROM {view} WHERE class IS NOT NULL")
        assert found and all(state == states.get(kind, state) for kind, state in found)
        assert all(state in ("unreproducible", "unexplained") for kind, state in found if kind == "unknown")


def test_the_badge_of_a_package_says_its_worst_state(ask: Ask, database: Path) -> None:
    words = {
        "did-not-build": "does not build",
        "unreproducible": "unreproducible",
        "unexplained": "failed, unexplained",
        "failed-by-archive": "archive fault",
        "failed-by-infrastructure": "infrastructure fault",
        "no-result": "unknown",
        "never-attempted": "not built yet",
        "reproducible": "reproducible",
    }
    states: dict[str, set[str]] = defaultdict(set)
    for source, state in rows(database, "SELECT source, state FROM source_status"):
        states[source].add(state)
    for source, known in list(states.items())[:20]:
        worst = min(known, key=list(words).index)
        assert ask(f"/badge/package/{source.replace('+', '~2B')}.json")["message"] == words[worst]


# Regressions and fixes

KINDS = {
    "regression": lambda before, after: before == "GOOD" and after in ("BAD", "FAIL"),
    "fix": lambda before, after: before in ("BAD", "FAIL") and after == "GOOD",
}


@pytest.mark.parametrize(("kind", "view", "recent"), [("regression", "regressions", "regressions_since"), ("fix", "fixes", "fixed_since")])  # fmt: skip
def test_a_change_is_called_the_same_everywhere(
    ask: Ask, database: Path, kind: str, view: str, recent: str
) -> None:
    changes = rows(database, "SELECT to_build_id, from_status, to_status, change FROM status_changes")
    expected = {build for build, before, after, _ in changes if KINDS[kind](before, after)}
    assert {build for build, _, _, change in changes if change == kind} == expected
    assert {build for (build,) in rows(database, f"SELECT to_build_id FROM {view}")} == expected
    assert {row["to_build_id"] for row in question(ask, recent, since="2000-01-01")} == expected
    assert {row["build_id"] for row in question(ask, f"feed_{view}")} == expected
    narrowed = {"from_status": "GOOD"} if kind == "regression" else {"to_status": "GOOD"}
    recently = question(ask, "recent_changes", **narrowed)
    assert {row["build_id"] for row in recently if row["change"] == kind} == expected
    assert 0 < len(expected) <= 100
    page = ask("/")
    section = re.search(rf'<section aria-labelledby="{view}">(.*?)</section>', page, re.DOTALL)
    assert section
    shown = re.findall(r"/reproducibility/builds/(\d+)", section[1])
    newest = rows(database, f"SELECT to_build_id FROM {view} ORDER BY changed_at DESC LIMIT 8")
    assert Counter(map(int, shown)).keys() == {build for (build,) in newest}
    address = re.search(rf'href="([^"]*)">All {view}', section[1])
    assert address
    listed = ask(address[1].replace("?", ".json?").replace("&amp;", "&") + "&_shape=array&_size=max")
    assert {row["to_build_id"] for row in listed} == expected


def test_no_conclusion_before_a_result_is_neither_fix_nor_regression(database: Path) -> None:
    found = rows(
        database,
        "SELECT DISTINCT from_status, change FROM status_changes WHERE 'UNKWN' IN (from_status, to_status)",
    )
    assert {change for before, change in found if before == "UNKWN"} == {"first result"}
    assert {change for before, change in found if before != "UNKWN"} <= {"other"}


def test_days_to_fix_measures_each_fix(database: Path) -> None:
    measured = rows(
        database, "SELECT dimensions ->> 'build' FROM statistic_values WHERE statistic = 'days-to-fix'"
    )
    assert sorted(measured) == sorted(rows(database, "SELECT to_build_id FROM fixes"))


# Worth a retry


def test_what_is_worth_a_retry_is_the_same_everywhere(ask: Ask, database: Path) -> None:
    wanted = rows(
        database,
        "SELECT p.source_package_id, p.rebuilder, p.architecture, p.distribution, min(b.component), p.source, p.version"
        " FROM packages_to_retry AS p LEFT JOIN binary_packages AS b ON b.source_package_id = p.source_package_id"
        " WHERE p.is_queued = 0 GROUP BY p.source_package_id",
    )
    packages = {package for package, *_ in wanted}
    commands = {tuple(command) for _, *command in wanted}
    candidates = question(ask, "retry_candidates")
    with_commands = question(ask, "temporary_failures")
    assert packages and candidates[0]["packages_in_all"] == with_commands[0]["packages_in_all"] == len(
        packages
    )
    assert {row["source_package_id"] for row in candidates} <= packages
    assert {row["source_package_id"] for row in with_commands} <= packages
    script = run("export", "requeue", database).stdout
    for rebuilder in ("first", "second"):
        section = run("export", "requeue", database, "--rebuilder", rebuilder).stdout
        queued = Counter(line for line in section.splitlines() if line.startswith("rebuildctl"))
        expected = {command[3:] for command in commands if command[0] == rebuilder and command[3]}
        assert max(queued.values()) == 1
        assert {tuple(shlex.split(line)[-3:]) for line in queued} == expected
    said = re.findall(r"^# \w+: (\d+) commands? for (\d+) packages?$", script, re.MULTILINE)
    assert sum(int(count) for count, _ in said) == len(commands)
    assert sum(int(count) for _, count in said) == len(packages)


# The queue


def test_each_number_of_the_queue_says_what_it_counts(ask: Ask, database: Path, folder: Path) -> None:
    change(
        database,
        "UPDATE source_packages SET is_current = 0 WHERE id IN (SELECT source_package_id FROM queue WHERE id % 3 = 0)",
    )
    in_all = one(database, "SELECT count(*) FROM queue")
    listed = one(database, "SELECT count(*) FROM queued_builds WHERE is_listed")
    found = question(ask, "queue_and_retries")
    jobs = ask("/api/v1/dashboard")["jobs"]
    assert 0 < listed < in_all
    assert (
        sum(row["queued"] for row in found)
        == in_all
        == sum(row["queued"] for row in question(ask, "rebuilders_and_freshness"))
    )
    assert sum(row["queued_no_longer_listed"] for row in found) == in_all - listed
    assert jobs["running"] + jobs["available"] + jobs["pending"] == listed
