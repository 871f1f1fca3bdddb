"""rebuilderd's own SQLite file, schema of 0.25 and later."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections import Counter, defaultdict
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from helpers import (
    DAEMON,
    MIGRATED,
    add_build,
    change,
    copy,
    dump,
    ingest,
    is_sound,
    one,
    published,
    rows,
    run,
)

from ingest import snapshots
from ingest.errors import SourceError

LATEST_BUILDS = """
    SELECT s.distribution || '/' || coalesce(s."release", '-') || '/' || i.architecture AS origin,
        s.name, s.version, s.seen_in_last_sync AS seen, s.last_seen, i.id AS input, (
            SELECT r.id FROM rebuilds AS r WHERE r.build_input_id = i.id
            ORDER BY r.built_at DESC, r.id DESC LIMIT 1
        ) AS latest
    FROM build_inputs AS i JOIN source_packages AS s ON s.id = i.source_package_id
"""


def upstream_totals(file: Path) -> dict[str, Counter[str]]:
    """GOOD, BAD, FAIL and unknown of seen packages per origin, one per build input."""
    totals: dict[str, Counter[str]] = defaultdict(Counter)
    for origin, status in rows(
        file,
        f"SELECT l.origin, (SELECT status FROM rebuilds WHERE id = l.latest) FROM ({LATEST_BUILDS}) AS l"
        " WHERE l.seen",
    ):
        totals[origin][status if status in ("GOOD", "BAD", "FAIL") else "unknown"] += 1
    return totals


@pytest.mark.parametrize("file", [DAEMON, MIGRATED], ids=lambda file: file.stem)
def test_totals_of_every_origin_are_those_of_the_file(tmp_path: Path, file: Path) -> None:
    database = tmp_path / "r.db"
    ingest(database, file)
    expected = {
        (origin, count["GOOD"], count["BAD"], count["FAIL"], count["unknown"], "source packages")
        for origin, count in upstream_totals(file).items()
    }
    assert expected
    taken = rows(
        database, "SELECT scope, good, bad, fail, unknown, counted FROM snapshots WHERE kind = 'taken'"
    )
    assert set(taken) == expected
    counted = rows(
        database,
        "SELECT o.label, sum(status IS 'GOOD'), sum(status IS 'BAD'), sum(status IS 'FAIL'),"
        " sum(coalesce(status, 'UNKWN') = 'UNKWN'), 'source packages' FROM source_packages AS s"
        " JOIN origins AS o ON o.id = s.origin_id WHERE is_current GROUP BY 1",
    )
    assert set(counted) == expected


def test_an_unseen_package_that_another_architecture_still_has_is_in_the_corrected_count_only(
    tmp_path: Path,
) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    listed = rows(file, LATEST_BUILDS)
    seen = {(origin, name) for origin, name, _, is_seen, *_ in listed if is_seen}
    elsewhere = defaultdict(set)
    for origin, name in seen:
        elsewhere[origin.rpartition("/")[0], name].add(origin)
    best: dict[tuple[str, str], tuple[str, int, int | None]] = {}
    for origin, name, _, is_seen, last_seen, build_input, latest in listed:
        if not is_seen and (origin, name) not in seen and elsewhere[origin.rpartition("/")[0], name]:
            best[origin, name] = max(
                best.get((origin, name), ("", 0, None)), (last_seen, build_input, latest)
            )
    assert best, "the fixture holds no such package"
    expected = upstream_totals(file)
    for (origin, _), (_, _, latest) in best.items():
        status = one(file, "SELECT max(status) FROM rebuilds WHERE id = ?", latest)
        expected[origin][status if status in ("GOOD", "BAD", "FAIL") else "unknown"] += 1

    ingest(database, file)

    corrected = rows(
        database,
        "SELECT scope, corrected_good, corrected_bad, corrected_fail, corrected_unknown"
        " FROM snapshots WHERE kind = 'taken'",
    )
    assert set(corrected) == {
        (origin, count["GOOD"], count["BAD"], count["FAIL"], count["unknown"])
        for origin, count in expected.items()
    }


@pytest.mark.parametrize("file", [DAEMON, MIGRATED], ids=lambda file: file.stem)
def test_every_attempt_is_there_in_the_order_it_was_made(tmp_path: Path, file: Path) -> None:
    database = tmp_path / "r.db"
    ingest(database, file)
    attempts: dict[int, list[int]] = defaultdict(list)
    for build, build_input in rows(file, "SELECT id, build_input_id FROM rebuilds ORDER BY built_at, id"):
        attempts[build_input].append(build)
    expected = {
        (build, build_input, number)
        for build_input, builds in attempts.items()
        for number, build in enumerate(builds, 1)
    }
    assert max(number for _, _, number in expected) > 1 or file == MIGRATED
    found = rows(
        database,
        "SELECT b.upstream_id, s.upstream_input_id, b.attempt FROM builds AS b"
        " JOIN source_packages AS s ON s.id = b.source_package_id",
    )
    assert set(found) == expected and len(found) == len(expected)
    assert set(rows(database, "SELECT upstream_input_id, attempts FROM source_packages WHERE attempts")) == {
        (build_input, len(builds)) for build_input, builds in attempts.items()
    }


def test_times_statuses_and_durations_of_builds_are_upstreams(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    ingest(database, DAEMON)
    ours = {
        build: values
        for build, *values in rows(
            database, "SELECT upstream_id, status, started_at, built_at, duration FROM builds"
        )
    }
    theirs = rows(DAEMON, "SELECT id, status, started_at, built_at FROM rebuilds")
    assert len(theirs) == len(ours)
    for build, status, started_at, built_at in theirs:
        our_status, our_start, our_end, duration = ours[build]
        assert our_status == status
        assert moment(our_end) == moment(built_at) and our_end.endswith("Z")
        assert moment(our_start) == moment(started_at)
        assert duration == pytest.approx(moment(built_at) - moment(started_at), abs=0.002)


def moment(text: str) -> float:
    whole, _, fraction = text.rstrip("Z").replace("T", " ").partition(".")
    return datetime.strptime(whole + "+0000", "%Y-%m-%d %H:%M:%S%z").timestamp() + float(f"0.{fraction or 0}")


@pytest.mark.parametrize("file", [DAEMON, MIGRATED], ids=lambda file: file.stem)
def test_a_binary_has_the_status_of_its_artifact_in_the_latest_build(tmp_path: Path, file: Path) -> None:
    file, database = copy(file, tmp_path), tmp_path / "r.db"
    (matched,) = rows(
        file,
        f"SELECT a.id FROM ({LATEST_BUILDS}) AS l JOIN rebuilds AS r ON r.id = l.latest"
        " JOIN binary_packages AS b ON b.build_input_id = l.input"
        " JOIN rebuild_artifacts AS a ON a.rebuild_id = r.id AND a.name = b.name"
        " WHERE r.status = 'GOOD' ORDER BY a.id LIMIT 1",
    )
    change(file, f"UPDATE rebuild_artifacts SET name = 'renamed' WHERE id = {matched[0]}")
    expected = set()
    for binary, name, latest in rows(
        file,
        f"SELECT b.id, b.name, l.latest FROM ({LATEST_BUILDS}) AS l"
        " JOIN binary_packages AS b ON b.build_input_id = l.input",
    ):
        artifact = dict(rows(file, "SELECT name, status FROM rebuild_artifacts WHERE rebuild_id = ?", latest))
        if latest is None:
            status = None
        elif artifact.get(name):
            status = artifact[name]
        else:
            failed = one(file, "SELECT status FROM rebuilds WHERE id = ?", latest) == "FAIL"
            status = "FAIL" if failed else "UNKWN"
        expected.add((binary, status))
    assert {"GOOD", "BAD", "UNKWN"} <= {status for _, status in expected}

    ingest(database, file)

    assert set(rows(database, "SELECT upstream_id, status FROM binary_packages")) == expected


def test_only_a_failed_build_makes_its_binaries_fail(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    inputs = [row[0] for row in rows(file, "SELECT DISTINCT build_input_id FROM binary_packages LIMIT 4")]
    failed, good, null, never = inputs
    add_build(file, failed, "FAIL", "2026-11-22 01:00:00")
    add_build(file, good, "GOOD", "2026-11-22 01:00:00", [("another", "GOOD")])
    add_build(file, null, "BAD", "2026-11-22 01:00:00")
    change(file, f"DELETE FROM rebuilds WHERE build_input_id = {never}")

    ingest(database, file)

    statuses = {
        build_input: {
            status
            for (status,) in rows(
                database,
                "SELECT b.status FROM binary_packages AS b JOIN source_packages AS s"
                " ON s.id = b.source_package_id WHERE s.upstream_input_id = ?",
                build_input,
            )
        }
        for build_input in inputs
    }
    assert statuses == {failed: {"FAIL"}, good: {"UNKWN"}, null: {"UNKWN"}, never: {None}}


def test_artifacts_are_upstreams(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    ingest(database, DAEMON)
    theirs = rows(
        DAEMON,
        "SELECT id, rebuild_id, name, status, diffoscope_log_id IS NOT NULL, attestation_log_id IS NOT NULL"
        " FROM rebuild_artifacts ORDER BY id",
    )
    assert theirs == rows(
        database,
        "SELECT a.upstream_id, b.upstream_id, a.name, a.status, a.has_diffoscope, a.has_attestation"
        " FROM build_artifacts AS a JOIN builds AS b ON b.id = a.build_id ORDER BY a.upstream_id",
    )


def test_a_copied_report_names_the_build_it_repeats(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    ingest(database, DAEMON)
    reports: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for build, *report in rows(
        DAEMON,
        "SELECT r.id, s.name, s.version, i.url, i.backend, i.architecture, r.built_at, r.build_log_id"
        " FROM rebuilds AS r JOIN build_inputs AS i ON i.id = r.build_input_id"
        " JOIN source_packages AS s ON s.id = i.source_package_id ORDER BY r.id",
    ):
        reports[tuple(report)].append(build)
    expected = {(copied, first) for first, *copies in reports.values() for copied in copies}
    assert expected, "the fixture holds no copies"
    found = rows(
        database,
        "SELECT b.upstream_id, c.upstream_id FROM builds AS b JOIN builds AS c ON c.id = b.copy_of",
    )
    assert set(found) == expected


def test_a_shared_log_alone_makes_no_copy(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    shared = one(
        MIGRATED,
        "SELECT count(*) FROM (SELECT 1 FROM rebuilds AS r JOIN build_inputs AS i ON i.id = r.build_input_id"
        " GROUP BY build_log_id HAVING count(DISTINCT i.architecture) > 1)",
    )
    file = copy(MIGRATED, tmp_path)
    if not shared:
        change(file, "UPDATE rebuilds SET build_log_id = (SELECT min(build_log_id) FROM rebuilds)")
    ingest(database, file)
    crossing = one(
        database,
        "SELECT count(*) FROM builds AS b JOIN builds AS c ON c.id = b.copy_of"
        " JOIN origins AS x ON x.id = b.origin_id JOIN origins AS y ON y.id = c.origin_id"
        " WHERE x.architecture <> y.architecture",
    )
    assert crossing == 0


def test_two_inputs_of_one_source_are_two_packages_numbered_in_upstreams_order(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    ingest(database, DAEMON)
    doubled = rows(
        DAEMON,
        "SELECT source_package_id, architecture, min(id), max(id) FROM build_inputs"
        " GROUP BY 1, 2 HAVING count(*) = 2",
    )
    assert doubled
    for source, architecture, first, second in doubled:
        assert rows(
            database,
            "SELECT s.ordinal, s.upstream_input_id FROM source_packages AS s"
            " JOIN origins AS o ON o.id = s.origin_id"
            " WHERE s.upstream_source_id = ? AND o.architecture = ? ORDER BY s.ordinal",
            source,
            architecture,
        ) == [(0, first), (1, second)]


def test_a_second_input_after_the_first_was_removed_is_a_package_of_its_own(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    source, architecture, first, second = rows(
        file,
        "SELECT source_package_id, architecture, min(id), max(id) FROM build_inputs"
        " GROUP BY 1, 2 HAVING count(*) = 2",
    )[0]
    ingest(database, file)
    change(
        file,
        f"DELETE FROM binary_packages WHERE build_input_id = {first}",
        f"DELETE FROM rebuilds WHERE build_input_id = {first}",
        f"DELETE FROM queue WHERE build_input_id = {first}",
        f"DELETE FROM build_inputs WHERE id = {first}",
        "INSERT INTO build_inputs (source_package_id, url, backend, architecture, retries)"
        f" VALUES ({source}, 'https://mirror.example/third.dsc', 'debian', '{architecture}', 0)",
    )
    third = one(file, "SELECT max(id) FROM build_inputs")
    add_build(file, third, "FAIL", "2026-11-22 01:00:00")
    before = one(database, "SELECT status FROM source_packages WHERE upstream_input_id = ?", second)

    ingest(database, file)
    after = dump(database)
    ingest(database, file, full=True)

    assert dump(database) == after
    current = dict(
        rows(
            database,
            "SELECT upstream_input_id, status FROM source_packages WHERE is_current"
            " AND upstream_source_id = ? AND upstream_input_id IN (?, ?)",
            source, second, third,
        )
    )  # fmt: skip
    assert current == {second: before, third: "FAIL"}


def test_an_unchanged_file_writes_nothing_but_the_row_of_the_run(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    ingest(database, DAEMON)
    before = dump(database)
    assert ingest(database, DAEMON).unchanged
    assert dump(database) == before
    assert one(database, "SELECT count(*) FROM ingest_runs WHERE error IS NULL") == 2


@pytest.mark.parametrize("file", [DAEMON, MIGRATED], ids=lambda file: file.stem)
def test_full_arrives_at_the_same_rows_and_ids(tmp_path: Path, file: Path) -> None:
    database = tmp_path / "r.db"
    ingest(database, file)
    before = dump(database)
    assert not ingest(database, file, full=True).unchanged
    assert dump(database) == before


@pytest.mark.parametrize("kept", [0, 20, 80, 164])
def test_what_comes_bit_by_bit_is_what_comes_at_once(tmp_path: Path, kept: int) -> None:
    early, database, at_once = copy(DAEMON, tmp_path), tmp_path / "r.db", tmp_path / "once.db"
    limit = one(DAEMON, "SELECT id FROM rebuilds ORDER BY id LIMIT 1 OFFSET ?", kept)
    change(
        early,
        f"DELETE FROM rebuild_artifacts WHERE rebuild_id >= {limit}",
        f"DELETE FROM rebuilds WHERE id >= {limit}",
    )
    if kept == 20:
        change(
            early,
            "DELETE FROM source_packages WHERE id NOT IN (SELECT source_package_id FROM build_inputs"
            " WHERE id IN (SELECT build_input_id FROM rebuilds))",
            "DELETE FROM build_inputs WHERE source_package_id NOT IN (SELECT id FROM source_packages)",
            "DELETE FROM binary_packages WHERE source_package_id NOT IN (SELECT id FROM source_packages)",
        )
    ingest(database, early)
    ingest(database, DAEMON)
    ingest(at_once, DAEMON)
    assert published(database) == published(at_once)
    assert is_sound(database)
    before = dump(database)
    ingest(database, DAEMON, full=True)
    assert dump(database) == before


def test_every_single_build_as_a_run_of_its_own_gives_the_same(tmp_path: Path) -> None:
    early, database, at_once = copy(DAEMON, tmp_path), tmp_path / "r.db", tmp_path / "once.db"
    builds = rows(DAEMON, "SELECT * FROM rebuilds ORDER BY id")
    artifacts = rows(DAEMON, "SELECT * FROM rebuild_artifacts ORDER BY id")
    change(early, "DELETE FROM rebuild_artifacts", "DELETE FROM rebuilds")
    for start in range(0, len(builds), 6):
        with closing(sqlite3.connect(early)) as connection, connection:
            for build in builds[start : start + 6]:
                connection.execute(f"INSERT INTO rebuilds VALUES ({', '.join('?' * len(build))})", build)
                for artifact in artifacts:
                    if artifact[1] == build[0]:
                        connection.execute(
                            f"INSERT INTO rebuild_artifacts VALUES ({', '.join('?' * len(artifact))})",
                            artifact,
                        )
        ingest(database, early)
    ingest(at_once, DAEMON)
    assert published(database) == published(at_once)


def test_component_may_be_a_column_of_source_packages(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    change(
        file,
        "ALTER TABLE source_packages ADD COLUMN component TEXT",
        "UPDATE source_packages AS s SET component = "
        "(SELECT max(component) FROM binary_packages AS b WHERE b.source_package_id = s.id)",
        "DROP INDEX binary_packages_unique_idx",
        "ALTER TABLE binary_packages DROP COLUMN component",
    )
    ingest(database, file)
    expected = rows(
        file,
        "SELECT b.id, s.component FROM binary_packages AS b"
        " JOIN source_packages AS s ON s.id = b.source_package_id ORDER BY b.id",
    )
    found = rows(database, "SELECT upstream_id, component FROM binary_packages ORDER BY upstream_id")
    assert found == expected and "main" in {component for _, component in found}


def test_a_schema_without_last_seen_takes_every_package_as_current(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    change(
        file,
        "DROP INDEX source_packages_last_seen_idx",
        "DROP INDEX source_packages_seen_in_last_sync_idx",
        "ALTER TABLE source_packages DROP COLUMN last_seen",
        "ALTER TABLE source_packages DROP COLUMN seen_in_last_sync",
    )
    ingest(database, file)
    inputs = one(file, "SELECT count(*) FROM build_inputs")
    assert rows(database, "SELECT is_current, last_seen, count(*) FROM source_packages GROUP BY 1, 2") == [
        (1, None, inputs)
    ]


def test_a_release_may_be_null(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    ingest(database, MIGRATED)
    labels = rows(database, "SELECT label, release FROM origins ORDER BY 1")
    assert labels == [("debian/-/all", None), ("debian/-/amd64", None)]


def test_queue_and_workers_are_upstreams_without_keys_and_addresses(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    change(
        file,
        "UPDATE workers SET key = 'secret-key-of-' || id, address = '192.0.2.' || id",
        "UPDATE queue SET worker = 1, started_at = '2026-11-22 00:00:01' WHERE id % 2",
    )
    ingest(database, file)
    assert rows(
        database,
        "SELECT q.upstream_id, s.upstream_input_id, q.priority, w.upstream_id, q.started_at FROM queue AS q"
        " JOIN source_packages AS s ON s.id = q.source_package_id LEFT JOIN workers AS w ON w.id = q.worker_id"
        " ORDER BY 1",
    ) == rows(
        file,
        "SELECT id, build_input_id, priority, worker, replace(started_at, ' ', 'T') || 'Z' FROM queue"
        " ORDER BY 1",
    )
    assert rows(database, "SELECT name FROM workers") == rows(file, "SELECT name FROM workers")
    content = database.read_bytes()
    assert b"lab-worker-01" in content
    assert b"secret-key-of-" not in content and b"192.0.2." not in content


def test_the_queue_follows_upstream(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    ingest(database, file)
    change(
        file,
        "DELETE FROM queue WHERE id % 3 = 0",
        "UPDATE queue SET worker = 1, started_at = '2026-11-22 00:00:01' WHERE id % 3 = 1",
        "DELETE FROM workers WHERE id = 2",
        "INSERT INTO workers (name, key, address, last_ping, online)"
        " VALUES ('new', 'k', 'a', '2026-11-22 00:00:00', 0)",
    )
    ingest(database, file)
    fresh = tmp_path / "fresh.db"
    ingest(fresh, file)
    assert published(database) == published(fresh)
    assert is_sound(database)


def test_the_file_is_only_read(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path / "."), tmp_path / "r.db"
    before = (hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_mtime_ns)
    ingest(database, file)
    assert (hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_mtime_ns) == before


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_no_file_appears_beside_the_one_that_is_read(tmp_path: Path, mode: str) -> None:
    folder = tmp_path / "upstream"
    folder.mkdir()
    file = copy(DAEMON, folder)
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute(f"PRAGMA journal_mode = {mode}").fetchone() == (mode,)
    before = file.stat().st_mtime_ns
    ingest(tmp_path / "r.db", file)
    assert [path.name for path in folder.iterdir()] == [file.name]
    assert file.stat().st_mtime_ns == before


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_a_daemon_in_the_middle_of_a_write_is_read_as_before_that_write(tmp_path: Path, mode: str) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as daemon:
        daemon.execute(f"PRAGMA journal_mode = {mode}")
        daemon.execute("BEGIN IMMEDIATE")
        daemon.execute("UPDATE rebuilds SET status = 'FAIL'")
        ingest(database, file)
        daemon.execute("COMMIT")
    assert one(database, "SELECT count(*) FROM builds WHERE status = 'GOOD'") == one(
        DAEMON, "SELECT count(*) FROM rebuilds WHERE status = 'GOOD'"
    )


def test_what_a_running_daemon_has_only_in_its_wal_is_read(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as daemon:
        daemon.execute("PRAGMA journal_mode = wal")
        daemon.execute("PRAGMA wal_autocheckpoint = 0")
        ingest(database, file)
        build_input = daemon.execute("SELECT min(id) FROM build_inputs").fetchone()[0]
        daemon.execute(
            "INSERT INTO rebuilds (build_input_id, built_at, build_log_id, status)"
            " VALUES (?, '2026-11-22 01:00:00', 1, 'FAIL')",
            (build_input,),
        )
        assert ingest(database, file).builds == 1
        assert ingest(database, file).unchanged
    assert (
        one(database, "SELECT status FROM source_packages WHERE upstream_input_id = ?", build_input) == "FAIL"
    )


def test_a_link_to_a_running_daemons_file_is_read_with_its_log(tmp_path: Path) -> None:
    file, database, link = copy(DAEMON, tmp_path), tmp_path / "r.db", tmp_path / "link"
    link.mkdir()
    (link / "rebuilderd.db").symlink_to(file)
    with closing(sqlite3.connect(file)) as daemon:
        daemon.execute("PRAGMA journal_mode = wal")
        daemon.execute("PRAGMA wal_autocheckpoint = 0")
        with daemon:
            daemon.execute("UPDATE rebuilds SET status = 'FAIL'")
        ingest(database, link / "rebuilderd.db")
    assert rows(database, "SELECT DISTINCT status FROM builds") == [("FAIL",)]


def test_a_file_at_rest_that_changes_while_it_is_read_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    change(file, "PRAGMA journal_mode = wal")
    take = snapshots.take

    def take_while_a_daemon_writes(*arguments: Any) -> int:
        change(file, "UPDATE rebuilds SET status = 'FAIL'")
        return take(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(snapshots, "take", take_while_a_daemon_writes)
        with pytest.raises(
            SourceError, match="started to write to it while it was read; run the ingest again"
        ):
            ingest(database, file)
    assert one(database, "SELECT count(*) FROM builds") == 0
    ingest(database, file)
    assert rows(database, "SELECT DISTINCT status FROM builds") == [("FAIL",)]


def test_two_rebuilders_live_side_by_side(tmp_path: Path) -> None:
    database, alone = tmp_path / "r.db", tmp_path / "alone.db"
    ingest(database, DAEMON, name="one")
    before = published(database)
    ingest(database, MIGRATED, name="two")
    ingest(alone, MIGRATED, name="two")
    both = published(database)
    assert {
        table: sorted(map(str, before[table] + published(alone)[table]))
        for table in both
        if table != "search"
    } == {table: sorted(map(str, both[table])) for table in both if table != "search"}
    assert is_sound(database)


def test_names_are_found_by_any_part_of_them(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    ingest(database, DAEMON)
    name = one(DAEMON, "SELECT min(name) FROM source_packages WHERE length(name) > 5")
    found = rows(
        database, "SELECT name FROM package_names_fts WHERE package_names_fts MATCH ?", f'"{name[1:5]}"'
    )
    assert (name,) in found
    assert {row[0] for row in rows(database, "SELECT name FROM package_names_fts")} == {
        row[0]
        for row in rows(DAEMON, "SELECT name FROM source_packages UNION SELECT name FROM binary_packages")
    }


def test_the_run_says_what_it_wrote_and_where_from(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    result = run("ingest", database, DAEMON)
    assert result.exit_code == 0 and re.match(r"tiny-0.28: 165 builds, ", result.output)
    (row,) = rows(
        database,
        "SELECT rebuilder, source, kind, generation, builds, build_artifacts, skipped_records, orphans, error,"
        " finished_at >= started_at FROM ingest_runs",
    )
    assert row == ("tiny-0.28", "tiny-0.28.db", "database", 1, 165, 289, 0, 0, None, 1)


def test_a_schema_of_the_future_is_refused_by_the_column_it_lacks(tmp_path: Path) -> None:
    file = copy(DAEMON, tmp_path)
    change(file, "ALTER TABLE rebuilds RENAME COLUMN status TO outcome")
    with pytest.raises(SourceError, match=r"no rebuilds\.status"):
        ingest(tmp_path / "r.db", file)
