"""rebuilderd's SQLite file up to 0.24, which knows the last result of each binary."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from contextlib import closing
from pathlib import Path

import pytest
from helpers import LEGACY, change, copy, dump, ingest, is_sound, one, published, rows, run

from ingest.errors import SourceError


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "r.db"
    ingest(path, LEGACY, release="trixie")
    return path


def test_totals_are_those_of_the_old_dashboard_and_say_that_they_count_binaries(database: Path) -> None:
    dashboard = dict(rows(LEGACY, "SELECT status, count(*) FROM packages GROUP BY 1"))
    assert rows(
        database, "SELECT sum(good), sum(bad), sum(unknown), sum(fail) FROM snapshots WHERE kind = 'taken'"
    ) == [(dashboard["GOOD"], dashboard["BAD"], dashboard["UNKWN"], 0)]
    by_origin = rows(
        LEGACY,
        "SELECT 'debian/trixie/' || b.architecture, 'binary packages', sum(p.status = 'GOOD'),"
        " sum(p.status = 'BAD'), sum(p.status = 'UNKWN') FROM packages AS p"
        " JOIN pkgbases AS b ON b.id = p.pkgbase_id GROUP BY 1 ORDER BY 1",
    )
    assert by_origin == rows(
        database,
        "SELECT scope, counted, good, bad, unknown FROM snapshots WHERE kind = 'taken' ORDER BY 1",
    )


def test_the_trend_says_which_days_count_binaries_and_which_sources(database: Path) -> None:
    trend = Path(__file__).parent.parent / "canned_queries" / "reproducibility" / "trend.sql"
    asked = dict.fromkeys(("distribution", "release", "architecture", "rebuilder"), "")
    asked |= {"since": "2026-01-01", "every": "1"}
    with closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        found = connection.execute(trend.read_text(), asked).fetchall()
    assert {(row["kind"], row["counted"]) for row in found} == {
        ("taken", "binary packages"),
        ("reconstructed", "source packages"),
    }


def test_components_are_upstreams_suites(tmp_path: Path) -> None:
    file, database = copy(LEGACY, tmp_path), tmp_path / "r.db"
    change(file, "UPDATE packages SET suite = 'contrib' WHERE id % 3 = 0")
    ingest(database, file)
    assert rows(database, "SELECT component, status, count(*) FROM binary_packages GROUP BY 1, 2") == rows(
        file,
        "SELECT suite, CASE WHEN build_id IS NULL THEN NULL ELSE status END AS s, count(*) FROM packages"
        " GROUP BY 1, 2",
    )


def test_a_source_is_bad_if_any_binary_is_else_unknown_if_any_is_else_good(tmp_path: Path) -> None:
    file, database = copy(LEGACY, tmp_path), tmp_path / "r.db"
    several = [row[0] for row in rows(
        file, "SELECT pkgbase_id FROM packages WHERE build_id IS NOT NULL GROUP BY 1 HAVING count(*) > 1 LIMIT 2"
    )]  # fmt: skip
    for package, status in zip(several, ("UNKWN", "BAD"), strict=True):
        change(
            file,
            f"UPDATE packages SET status = 'GOOD' WHERE pkgbase_id = {package}",
            f"UPDATE packages SET status = '{status}' WHERE id ="
            f" (SELECT max(id) FROM packages WHERE pkgbase_id = {package})",
        )
    expected = set()
    statuses = defaultdict(set)
    for package, status, build in rows(file, "SELECT pkgbase_id, status, build_id FROM packages"):
        statuses[package].add(status if build else "never")
    for package, found in statuses.items():
        worst = next(s for s in ("BAD", "UNKWN", "GOOD", "never") if s in found)
        expected.add((package, None if worst == "never" else worst))
    assert {status for _, status in expected} == {"BAD", "UNKWN", "GOOD", None}
    ingest(database, file)
    assert set(rows(database, "SELECT upstream_input_id, status FROM source_packages")) == expected


def test_the_operator_says_the_release(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    assert run("ingest", database, LEGACY, "--release", "trixie").exit_code == 0
    assert rows(database, "SELECT label, release FROM origins ORDER BY 1") == [
        ("debian/trixie/all", "trixie"),
        ("debian/trixie/amd64", "trixie"),
    ]
    unsaid = tmp_path / "unsaid.db"
    assert run("ingest", unsaid, LEGACY).exit_code == 0
    assert rows(unsaid, "SELECT label, release FROM origins ORDER BY 1") == [
        ("debian/-/all", None),
        ("debian/-/amd64", None),
    ]


def test_a_release_with_a_quote_in_it_is_a_text_like_any_other(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    ingest(database, LEGACY, release="it's; --")
    assert one(database, "SELECT DISTINCT release FROM origins") == "it's; --"


def test_one_source_under_two_architectures_is_a_package_of_each(database: Path) -> None:
    doubled = {row[0] for row in rows(
        LEGACY, "SELECT name FROM pkgbases GROUP BY name, version HAVING count(DISTINCT architecture) = 2"
    )}  # fmt: skip
    assert doubled
    for name in doubled:
        assert rows(
            database,
            "SELECT o.architecture, s.ordinal, s.upstream_input_id FROM source_packages AS s"
            " JOIN origins AS o ON o.id = s.origin_id WHERE s.name = ? ORDER BY 1",
            name,
        ) == rows(LEGACY, "SELECT architecture, 0, id FROM pkgbases WHERE name = ? ORDER BY 1", name)


def test_the_artifacts_of_each_binary_are_there(database: Path) -> None:
    assert rows(
        database,
        "SELECT p.upstream_id, a.name, a.status, a.has_diffoscope, a.has_attestation, b.built_at"
        " FROM binary_packages AS p JOIN build_artifacts AS a ON a.id = p.latest_artifact_id"
        " JOIN builds AS b ON b.id = a.build_id ORDER BY 1",
    ) == rows(
        LEGACY,
        "SELECT id, name, status, has_diffoscope, has_attestation,"
        " CASE WHEN instr(built_at, '.') THEN built_at_text ELSE built_at_text END FROM ("
        " SELECT *, replace(built_at, ' ', 'T') || 'Z' AS built_at_text FROM packages)"
        " WHERE build_id IS NOT NULL ORDER BY 1",
    )


def test_orphan_builds_are_counted_and_not_attributed(database: Path) -> None:
    used = {row[0] for row in rows(LEGACY, "SELECT build_id FROM packages WHERE build_id IS NOT NULL")}
    every = {row[0] for row in rows(LEGACY, "SELECT id FROM builds")}
    assert every - used
    assert one(database, "SELECT orphans FROM ingest_runs") == len(every - used)
    assert {row[0] for row in rows(database, "SELECT upstream_id FROM builds")} <= used


def test_logs_may_be_null(tmp_path: Path) -> None:
    file, database, usual = copy(LEGACY, tmp_path), tmp_path / "r.db", tmp_path / "usual.db"
    change(
        file,
        "CREATE TABLE nullable (id INTEGER PRIMARY KEY, diffoscope BLOB, build_log BLOB, attestation BLOB)",
        "INSERT INTO nullable SELECT id, diffoscope, NULL, attestation FROM builds",
        "DROP TABLE builds",
        "ALTER TABLE nullable RENAME TO builds",
    )
    ingest(database, file)
    ingest(usual, LEGACY)
    found, expected = published(database), published(usual)
    assert len(found.pop("failures")) == len(expected.pop("failures"))
    for told_by_logs in ("build_properties", "measurements"):
        del found[told_by_logs], expected[told_by_logs]
    assert found == expected


def test_an_input_url_may_be_missing(tmp_path: Path) -> None:
    file, database = copy(LEGACY, tmp_path), tmp_path / "r.db"
    change(file, "UPDATE pkgbases SET input_url = NULL WHERE id % 2")
    ingest(database, file)
    assert rows(database, "SELECT upstream_input_id, input_url FROM source_packages ORDER BY 1") == rows(
        file, "SELECT id, input_url FROM pkgbases ORDER BY 1"
    )


def test_queue_and_workers_are_there_without_keys_and_addresses(tmp_path: Path) -> None:
    file, database = copy(LEGACY, tmp_path), tmp_path / "r.db"
    change(
        file,
        "DELETE FROM workers",
        "INSERT INTO workers (id, key, addr, last_ping, online)"
        " VALUES (7, 'secret-key-of-7', '192.0.2.7', '2026-01-01 00:00:00', 1)",
        "UPDATE queue SET worker_id = 7",
    )
    ingest(database, file)
    assert rows(
        database,
        "SELECT s.upstream_input_id, q.priority, w.name, w.is_online FROM queue AS q JOIN source_packages AS s"
        " ON s.id = q.source_package_id JOIN workers AS w ON w.id = q.worker_id ORDER BY q.upstream_id",
    ) == rows(file, "SELECT pkgbase_id, priority, 'worker 7', 1 FROM queue ORDER BY id")
    content = database.read_bytes()
    assert b"worker 7" in content
    assert b"secret-key-of-" not in content and b"192.0.2." not in content


def test_a_second_run_writes_nothing_and_a_full_one_arrives_at_the_same(database: Path) -> None:
    before = dump(database)
    assert ingest(database, LEGACY, release="trixie").unchanged
    assert dump(database) == before
    ingest(database, LEGACY, release="trixie", full=True)
    assert dump(database) == before
    assert is_sound(database)


def rebuild(file: Path, package: int, status: str, built_at: str, *, binaries: int = 1000) -> None:
    """Report a new build as the old daemon does: the newest result takes the place of the last."""
    with closing(sqlite3.connect(file)) as connection, connection:
        for (binary,) in connection.execute(
            "SELECT id FROM packages WHERE pkgbase_id = ? ORDER BY id LIMIT ?", (package, binaries)
        ).fetchall():
            build = connection.execute("INSERT INTO builds (build_log) VALUES (x'00')").lastrowid
            connection.execute(
                "UPDATE packages SET build_id = ?, status = ?, built_at = ? WHERE id = ?",
                (build, status, built_at, binary),
            )


def test_results_that_upstream_replaces_stay_as_attempts(tmp_path: Path) -> None:
    file, database = copy(LEGACY, tmp_path), tmp_path / "r.db"
    ingest(database, file)
    package = one(
        file, "SELECT pkgbase_id FROM packages GROUP BY 1 HAVING min(status) = 'GOOD' AND max(status) = 'GOOD'"
        " AND count(*) > 1 ORDER BY 1 LIMIT 1"
    )  # fmt: skip
    first = one(
        file, "SELECT min(replace(built_at, ' ', 'T') || 'Z') FROM packages WHERE pkgbase_id = ?", package
    )
    rebuild(file, package, "BAD", "2026-11-21 10:00:00")

    assert ingest(database, file).builds == 1

    attempts = rows(
        database,
        "SELECT b.attempt, b.status, b.built_at FROM builds AS b JOIN source_packages AS s"
        " ON s.id = b.source_package_id WHERE s.upstream_input_id = ? ORDER BY 1",
        package,
    )
    assert attempts == [(1, "GOOD", first), (2, "BAD", "2026-11-21T10:00:00Z")]
    assert Counter(row[0] for row in rows(
        database, "SELECT p.status FROM binary_packages AS p JOIN source_packages AS s"
        " ON s.id = p.source_package_id WHERE s.upstream_input_id = ?", package,
    )).keys() == {"BAD"}  # fmt: skip
    assert rows(
        database,
        "SELECT from_status, to_status FROM status_changes WHERE changed_at = '2026-11-21T10:00:00Z'",
    ) == [("GOOD", "BAD")]
    assert one(
        database,
        "SELECT good FROM snapshots WHERE kind = 'taken' AND scope = (SELECT o.label"
        " FROM source_packages AS s JOIN origins AS o ON o.id = s.origin_id WHERE s.upstream_input_id = ?)"
        " ORDER BY captured_at DESC LIMIT 1",
        package,
    ) == one(
        file,
        "SELECT count(*) FROM packages AS p JOIN pkgbases AS b ON b.id = p.pkgbase_id"
        " WHERE p.status = 'GOOD' AND b.architecture = (SELECT architecture FROM pkgbases WHERE id = ?)",
        package,
    )


def test_a_result_of_some_binaries_leaves_the_earlier_attempt_as_one(tmp_path: Path) -> None:
    file, database = copy(LEGACY, tmp_path), tmp_path / "r.db"
    package = one(
        file, "SELECT pkgbase_id FROM packages GROUP BY 1 HAVING count(*) > 1"
        " AND min(build_id) IS NOT NULL ORDER BY max(build_id) DESC LIMIT 1"
    )  # fmt: skip
    rebuild(file, package, "GOOD", "2026-11-20 10:00:00")
    ingest(database, file)
    before = one(database, "SELECT attempts FROM source_packages WHERE upstream_input_id = ?", package)
    rebuild(file, package, "BAD", "2026-11-21 10:00:00", binaries=1)
    ingest(database, file)
    assert (
        one(database, "SELECT attempts FROM source_packages WHERE upstream_input_id = ?", package)
        == before + 1
    )
    after = dump(database)
    ingest(database, file, full=True)
    assert dump(database) == after


def test_what_comes_bit_by_bit_is_what_comes_at_once(tmp_path: Path) -> None:
    file, database, at_once = copy(LEGACY, tmp_path), tmp_path / "r.db", tmp_path / "once.db"
    late = one(file, "SELECT id FROM pkgbases ORDER BY id LIMIT 1 OFFSET 12")
    change(
        file,
        f"UPDATE packages SET build_id = NULL, built_at = NULL, status = 'UNKWN', has_diffoscope = 0,"
        f" has_attestation = 0 WHERE build_id > {late}",
        f"DELETE FROM builds WHERE id > {late}",
    )
    ingest(database, file)
    ingest(database, LEGACY)
    ingest(at_once, LEGACY)
    assert published(database) == published(at_once)


def test_an_old_schema_without_a_needed_column_is_refused(tmp_path: Path) -> None:
    file = copy(LEGACY, tmp_path)
    change(file, "ALTER TABLE packages RENAME COLUMN has_diffoscope TO diffoscope")
    with pytest.raises(SourceError, match=r"no packages\.has_diffoscope"):
        ingest(tmp_path / "r.db", file)
