"""What ``export`` writes, held against what the daemon's own file says."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from helpers import DAEMON, FIXTURES, LEGACY, Row, add_build, change, copy, ingest, one, rows, run

from ingest.cli_export import FORMATS
from ingest.exports import FORMATS as LINES

LATEST = {"built_at": "r.built_at DESC, r.id DESC", "id": "r.id DESC"}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("exports") / "r.db"
    ingest(path, DAEMON, name="tiny")
    return path


def exported(format: str, database: Path, *options: str) -> Any:
    result = run("export", format, database, *options)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def latest_builds(daemon: Path, by: str = "built_at") -> list[Row]:
    """Release, architecture, name, version, build id, its status and time, of each current input that was built."""
    return rows(
        daemon,
        f"""SELECT p.release, i.architecture, p.name, p.version, b.id, b.status, b.built_at
        FROM source_packages AS p JOIN build_inputs AS i ON i.source_package_id = p.id
        JOIN rebuilds AS b ON b.id = (
            SELECT r.id FROM rebuilds AS r WHERE r.build_input_id = i.id ORDER BY {LATEST[by]} LIMIT 1
        ) WHERE p.seen_in_last_sync""",
    )


def test_the_command_offers_the_formats_that_there_are() -> None:
    assert tuple(LINES) == FORMATS


# reproducible-json


def test_each_attempted_package_is_there_once_with_its_result_and_time(database: Path) -> None:
    compared = {
        build
        for (build,) in rows(
            DAEMON,
            "SELECT rebuild_id FROM rebuild_artifacts WHERE diffoscope_log_id IS NOT NULL AND status = 'BAD'",
        )
    }
    reasons = defaultdict(set)
    for upstream_id, reason in rows(
        database,
        "SELECT b.upstream_id, f.class FROM current_failures AS f JOIN builds AS b ON b.id = f.build_id",
    ):
        reasons[upstream_id].add(reason)

    def word(build: int, status: str) -> str:
        if status == "BAD":
            differs = build in compared or reasons[build] & {"unreproducible", "unknown"}
            return "unreproducible" if differs else "FTBFS"
        return {"GOOD": "reproducible", "FAIL": "FTBFS"}.get(status, "notforus")

    expected = [
        {
            "package": name,
            "version": version,
            "architecture": architecture,
            "release": release,
            "build_date": int(datetime.fromisoformat(built_at[:19]).replace(tzinfo=UTC).timestamp()),
            "status": word(build, status),
        }
        for release, architecture, name, version, build, status, built_at in latest_builds(DAEMON)
    ]
    found = exported("reproducible-json", database)

    def place(package: dict[str, Any]) -> tuple[str, ...]:
        return package["package"], package["release"], package["architecture"], package["version"]

    assert found == sorted(expected, key=place)
    assert {package["status"] for package in found} >= {"reproducible", "unreproducible", "FTBFS"}


def test_several_rebuilders_give_one_record_and_a_good_one_wins(tmp_path: Path) -> None:
    database, worse = tmp_path / "r.db", copy(DAEMON, tmp_path)
    change(worse, "UPDATE rebuilds SET status = 'FAIL', built_at = '2099' || substr(built_at, 5)")
    ingest(database, DAEMON, name="one")
    ingest(database, worse, name="two")
    alone = exported("reproducible-json", database, "--rebuilder", "one")
    together = exported("reproducible-json", database)
    assert len(alone) == len(together)
    assert Counter(p["status"] for p in together) == {
        "reproducible": sum(p["status"] == "reproducible" for p in alone),
        "FTBFS": sum(p["status"] != "reproducible" for p in alone),
    }


def test_an_old_database_is_exported_too(tmp_path: Path) -> None:
    ingest(tmp_path / "r.db", LEGACY, release="trixie")
    found = exported("reproducible-json", tmp_path / "r.db")
    attempted = one(
        tmp_path / "r.db", "SELECT count(*) FROM source_packages WHERE latest_build_id IS NOT NULL"
    )
    assert len(found) == attempted > 0 and {package["release"] for package in found} == {"trixie"}


def test_an_alias_and_the_release_are_the_same(tmp_path: Path, database: Path) -> None:
    copied = tmp_path / "r.db"
    shutil.copyfile(database, copied)
    change(copied, "INSERT INTO release_aliases VALUES ('debian', 'forky', 'testing')")
    found = [exported("reproducible-json", copied, "--release", name) for name in ("forky", "testing")]
    assert found[0] == found[1] and {package["release"] for package in found[0]} == {"testing"}
    other = exported("reproducible-json", copied, "--release", "trixie")
    assert {package["release"] for package in other} == {"trixie"}


# tracker-json


def test_the_tracker_gets_the_newest_version_and_its_worst_status(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    ids = [
        row[0]
        for row in rows(
            file,
            "SELECT i.id FROM build_inputs AS i JOIN source_packages AS p ON p.id = i.source_package_id"
            " WHERE p.release = 'forky' AND p.seen_in_last_sync GROUP BY p.id ORDER BY i.id LIMIT 4",
        )
    ]
    versions = ("1.9-1", "1.10-1+b2", "1.10-1", "1.10-1+b1")
    architectures = ("s390x", "amd64", "arm64", "i386")
    change(file, "DELETE FROM rebuilds")
    for id, version, architecture in zip(ids, versions, architectures, strict=True):
        change(
            file,
            f"UPDATE source_packages SET name = 'example', version = '{version}'"
            f" WHERE id = (SELECT source_package_id FROM build_inputs WHERE id = {id})",
            f"UPDATE build_inputs SET architecture = '{architecture}' WHERE id = {id}",
        )
    for id, status in zip(ids, ("BAD", "GOOD", "GOOD", "FAIL"), strict=True):
        artifacts = [("example.deb", status)] if status != "FAIL" else []
        add_build(file, id, status, "2026-10-01 10:20:30", artifacts)
    ingest(database, file)
    change(database, "UPDATE categories SET class = 'build'")
    (record,) = exported("tracker-json", database)
    assert (record["package"], record["version"], record["suite"], record["status"]) == (
        ("example", "1.10-1", "forky", "FTBFS")
    )
    assert {d["architecture"]: (d["version"], d["status"]) for d in record["architecture_details"]} == {
        "i386": ("1.10-1+b1", "FTBFS"),
        "amd64": ("1.10-1+b2", "reproducible"),
        "arm64": ("1.10-1", "reproducible"),
        "s390x": ("1.9-1", "FTBFS"),
    }
    assert {d["build_date"] for d in record["architecture_details"]} == {"2026-10-01 10:20"}
    change(database, "UPDATE categories SET class = 'infrastructure'")
    (record,) = exported("tracker-json", database)
    assert record["status"] == "reproducible" and len(record["architecture_details"]) == 2


def test_a_result_without_a_time_has_no_date(tmp_path: Path) -> None:
    daemon = copy(DAEMON, tmp_path)
    change(daemon, "UPDATE rebuilds SET built_at = NULL")
    ingest(tmp_path / "r.db", daemon)
    dates = {
        detail["build_date"]
        for package in exported("tracker-json", tmp_path / "r.db")
        for detail in package["architecture_details"]
    }
    assert dates == {None}


def test_the_tracker_has_each_package_once_for_each_release(database: Path) -> None:
    found = exported("tracker-json", database)
    names = [(record["package"], record["suite"]) for record in found]
    assert len(names) == len(set(names))
    good = {row[2::-2] for row in latest_builds(DAEMON) if row[5] == "GOOD"}
    assert good <= set(names)
    assert {detail["status"] for record in found for detail in record["architecture_details"]} >= {
        "reproducible",
        "FTBR",
    }


# stats-json


def counted(daemon: Path) -> dict[tuple[str, str], tuple[int, ...]]:
    """By release and architecture: GOOD, BAD, FAIL, the rest, and failures by the highest id, as upstream counts."""
    inputs = rows(
        daemon,
        "SELECT p.release, i.architecture FROM source_packages AS p"
        " JOIN build_inputs AS i ON i.source_package_id = p.id WHERE p.seen_in_last_sync",
    )
    statuses: dict[Any, Counter[str]] = defaultdict(Counter)
    for release, architecture, *_, status, _ in latest_builds(daemon):
        statuses[release, architecture][status] += 1
    bad = Counter(
        row[0] for row in rows(daemon, "SELECT rebuild_id FROM rebuild_artifacts WHERE status = 'BAD'")
    )
    failures: Counter[Any] = Counter()
    for release, architecture, _, _, build, status, _ in latest_builds(daemon, by="id"):
        failures[release, architecture] += (status == "FAIL") + bad[build]
    return {
        origin: (*(results := [statuses[origin][s] for s in ("GOOD", "BAD", "FAIL")]), total - sum(results), failures[origin])
        for origin, total in Counter(inputs).items()
    }  # fmt: skip


def in_numbers(stats: list[dict[str, Any]]) -> dict[tuple[str, str], tuple[int, ...]]:
    return {
        (s["release"], s["architecture"]): (
            *(s[name] for name in ("good", "bad", "fail", "unknown")),
            sum(category["count"] for category in s["categories"]),
        )
        for s in stats
    }


def test_stats_count_as_upstream_does_where_the_highest_id_is_not_the_latest(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    input_id = one(
        file,
        "SELECT i.id FROM build_inputs AS i JOIN source_packages AS p ON p.id = i.source_package_id"
        " JOIN rebuilds AS r ON r.build_input_id = i.id WHERE p.seen_in_last_sync AND r.status = 'GOOD' LIMIT 1",
    )
    add_build(file, input_id, "BAD", "2020-01-01 00:00:00", [("a.deb", "BAD"), ("b.deb", "BAD")])
    ingest(database, file)
    assert in_numbers(exported("stats-json", database)) == counted(file) != counted(DAEMON)


def test_stats_come_back_the_same_when_they_are_ingested(tmp_path: Path, database: Path) -> None:
    saved, second = tmp_path / "stats.json", tmp_path / "second.db"
    assert run("export", "stats-json", database, "-o", saved).exit_code == 0
    ingest(second, saved)
    again = exported("stats-json", second)
    before = json.loads(saved.read_text())
    assert len(again) == len(before) > 0
    for new, old in zip(again, before, strict=True):
        assert {**new, "id": None} == {**old, "id": None}


def test_stats_keep_the_last_of_each_day_in_the_order_of_time(tmp_path: Path, database: Path) -> None:
    copied = tmp_path / "r.db"
    shutil.copyfile(database, copied)
    columns = "rebuilder_id, origin_id, scope, kind, counted, bad, fail, unknown"
    for good, time in ((1, "2026-01-01T01:00:00Z"), (2, "2026-01-01T02:00:00Z"), (3, "2026-01-02T01:00:00Z")):
        change(
            copied,
            f"INSERT INTO snapshots ({columns}, good, captured_at)"
            f" SELECT {columns}, {good}, '{time}' FROM snapshots WHERE kind = 'taken' ORDER BY id LIMIT 1",
        )
    found = exported("stats-json", copied)
    assert [(s["good"], s["captured_at"]) for s in found[:2]] == [
        (2, "2026-01-01T02:00:00"),
        (3, "2026-01-02T01:00:00"),
    ]
    assert found[2:] == exported("stats-json", database)


# requeue


def commands(database: Path, *options: str) -> list[list[str]]:
    result = run("export", "requeue", database, *options)
    assert result.exit_code == 0
    return [shlex.split(line, comments=True) for line in result.stdout.splitlines() if line[0] != "#"]


def test_each_candidate_gets_one_command_for_the_shell(tmp_path: Path, database: Path) -> None:
    copied = tmp_path / "r.db"
    shutil.copyfile(database, copied)
    change(copied, "DELETE FROM queue", "UPDATE categories SET temporary = 'yes'")
    wanted = rows(
        copied,
        "SELECT f.architecture, f.distribution, min(p.component), f.source, f.version"
        " FROM current_failures AS f JOIN binary_packages AS p ON p.source_package_id = f.source_package_id"
        " GROUP BY f.source_package_id",
    )
    assert sorted(commands(copied)) == sorted(
        ["rebuildctl", "queue", "push", "--architecture", architecture, "--", *rest]
        for architecture, *rest in set(wanted)
    )
    ingest(copied, FIXTURES / "stats.json", name="another")
    assert commands(copied, "--rebuilder", "another") == []


def test_what_is_queued_already_is_left_alone(database: Path) -> None:
    worth_it = rows(database, "SELECT source, version, is_queued FROM packages_to_retry")
    assert {queued for _, _, queued in worth_it} == {0, 1}
    waiting = {(source, version) for source, version, queued in worth_it if not queued}
    assert {(command[-2], command[-1]) for command in commands(database)} == waiting


def test_no_name_breaks_out_of_a_command(tmp_path: Path, database: Path) -> None:
    copied = tmp_path / "r.db"
    shutil.copyfile(database, copied)
    hostile = '-x\'; touch "$HOME"/`id`; # \\'
    change(
        copied,
        "DELETE FROM queue",
        "UPDATE categories SET temporary = 'yes'",
        f"UPDATE source_packages SET version = '{hostile.replace(chr(39), chr(39) * 2)}' || id",
    )
    found = commands(copied)
    assert found and all(command[-1].startswith(hostile) and len(command) == 10 for command in found)


def test_a_package_without_a_known_component_is_only_mentioned(tmp_path: Path, database: Path) -> None:
    copied = tmp_path / "r.db"
    shutil.copyfile(database, copied)
    change(
        copied,
        "DELETE FROM queue",
        "UPDATE categories SET temporary = 'yes'",
        "UPDATE binary_packages SET component = NULL",
    )
    assert commands(copied) == []
    assert "its component is not known" in run("export", "requeue", copied).stdout


# The file


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_database_gives_the_same_bytes_to_a_file_and_to_standard_output(
    tmp_path: Path, database: Path, format: str
) -> None:
    target = tmp_path / "out"
    assert run("export", format, database, "-o", target).stdout == ""
    assert target.read_text() == run("export", format, database).stdout
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("format", FORMATS)
def test_an_empty_database_gives_an_empty_export(tmp_path: Path, format: str) -> None:
    (tmp_path / "r.db").touch()
    result = run("export", format, tmp_path / "r.db")
    assert result.exit_code == 0 and result.stdout == ("" if format == "requeue" else "[]\n")


def test_a_file_is_replaced_as_a_whole_or_not_at_all(
    tmp_path: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out.json"
    target.write_text("before")
    target.chmod(0o640)

    def breaks_off(*_: Any) -> Any:
        yield "["
        assert target.read_text() == "before"
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setitem(LINES, "stats-json", breaks_off)
        result = run("export", "stats-json", database, "-o", target)
    assert result.exit_code == 1
    assert (
        result.stderr
        == f"Error: {target}: cannot be written (No space left on device); nothing was changed.\n"
    )
    assert target.read_text() == "before" and list(tmp_path.iterdir()) == [target]
    assert run("export", "stats-json", database, "-o", target).exit_code == 0
    assert target.read_text().startswith("[") and target.stat().st_mode & 0o777 == 0o640


def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path, database: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    try:
        assert run("export", "stats-json", database, "-o", pipe).exit_code == 0
        assert pipe.is_fifo(), "a device such as /dev/null would have been replaced too"
        assert os.read(reader, 100_000).decode() == run("export", "stats-json", database).stdout
    finally:
        os.close(reader)


def test_errors_are_one_sentence(tmp_path: Path, database: Path) -> None:
    result = run("export", "requeue", database, "-o", tmp_path / "missing" / "out")
    assert result.exit_code == 1 and re.fullmatch(
        r"Error: .*/missing/out: cannot be written .*\.\n", result.stderr
    )
    result = run("export", "requeue", DAEMON)
    assert result.exit_code == 1 and "another program's SQLite database" in result.stderr
    assert run("export", "yaml", database).exit_code == 2
