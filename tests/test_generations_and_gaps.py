"""Upstream's lists that end, restart, move or come back."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import DAEMON, LEGACY, add_build, change, copy, dump, ingest, is_sound, one, published, rows

from ingest import values

TOTALS = "SELECT scope, good, bad, fail, unknown FROM snapshots WHERE kind = 'taken' ORDER BY id"


@pytest.fixture
def calendar(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Lets a test say what day it is: ``at(calendar, "2026-11-23")``."""
    return monkeypatch


def at(calendar: pytest.MonkeyPatch, day: str) -> None:
    calendar.setattr(values, "now", lambda: f"{day}T12:00:00Z")


EMPTY = {
    "all unseen": ["UPDATE source_packages SET seen_in_last_sync = 0 WHERE \"release\" = 'trixie'"],
    "rows gone": [
        "DELETE FROM build_inputs WHERE source_package_id IN"
        " (SELECT id FROM source_packages WHERE \"release\" = 'trixie')",
        "DELETE FROM binary_packages WHERE source_package_id IN"
        " (SELECT id FROM source_packages WHERE \"release\" = 'trixie')",
        "DELETE FROM source_packages WHERE \"release\" = 'trixie'",
    ],
}


@pytest.mark.parametrize("how", EMPTY)
def test_a_sync_gap_keeps_the_last_known_state_and_takes_no_snapshot(
    tmp_path: Path, calendar: pytest.MonkeyPatch, how: str
) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    at(calendar, "2026-11-23")
    ingest(database, DAEMON)
    state = "SELECT id, status, is_current, latest_build_id FROM {} ORDER BY id"
    before = [
        rows(database, state.format("source_packages")),
        rows(database, "SELECT id, status, is_current FROM binary_packages ORDER BY id"),
    ]
    at(calendar, "2026-11-24")
    change(file, *EMPTY[how])

    result = ingest(database, file)

    gone = {"debian/trixie/all", "debian/trixie/amd64", "debian/trixie/arm64"}
    assert {note for note in result.notes if "sync gap" in note} == {
        f"sync gap: no packages listed for {label}, last known state kept" for label in gone
    }
    assert before == [
        rows(database, state.format("source_packages")),
        rows(database, "SELECT id, status, is_current FROM binary_packages ORDER BY id"),
    ]
    days = "SELECT DISTINCT scope FROM snapshots WHERE kind = 'taken' AND captured_at LIKE ?"
    assert {row[0] for row in rows(database, days, "2026-11-23%")} >= gone
    after = {row[0] for row in rows(database, days, "2026-11-24%")}
    assert after and not after & gone
    assert "sync gap" in one(database, "SELECT notes FROM ingest_runs ORDER BY id DESC LIMIT 1")

    at(calendar, "2026-11-25")
    assert not ingest(database, file).unchanged, "a gap is looked at again although the file is the same"
    ingest(database, DAEMON)
    assert {row[0] for row in rows(database, days, "2026-11-25%")} >= gone
    assert before[0] == rows(database, state.format("source_packages"))
    assert is_sound(database)


def test_one_package_that_leaves_is_no_gap(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    ingest(database, file)
    (source,) = rows(file, "SELECT min(id) FROM source_packages WHERE seen_in_last_sync")[0]
    change(file, f"UPDATE source_packages SET seen_in_last_sync = 0 WHERE id = {source}")
    assert ingest(database, file).notes == []
    assert {
        row[0]
        for row in rows(
            database, "SELECT is_current FROM source_packages WHERE upstream_source_id = ?", source
        )
    } == {0}
    assert {
        row[0]
        for row in rows(
            database,
            "SELECT b.is_current FROM binary_packages AS b JOIN source_packages AS s"
            " ON s.id = b.source_package_id WHERE s.upstream_source_id = ?",
            source,
        )
    } == {0}


@pytest.mark.parametrize("gone", ["unseen", "deleted"])
def test_a_package_that_disappears_and_returns_is_the_same_row(
    tmp_path: Path, calendar: pytest.MonkeyPatch, gone: str
) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    at(calendar, "2026-11-23")
    ingest(database, file)
    source = one(file, "SELECT source_package_id FROM build_inputs GROUP BY 1 ORDER BY count(*) DESC LIMIT 1")
    look = "SELECT id, name, version, status, attempts, first_seen FROM source_packages" \
        " WHERE upstream_source_id = ? ORDER BY id"  # fmt: skip
    before = rows(database, look, source)
    at(calendar, "2026-11-24")
    if gone == "unseen":
        change(file, f"UPDATE source_packages SET seen_in_last_sync = 0 WHERE id = {source}")
    else:
        change(
            file,
            f"DELETE FROM build_inputs WHERE source_package_id = {source}",
            f"DELETE FROM binary_packages WHERE source_package_id = {source}",
            f"DELETE FROM source_packages WHERE id = {source}",
        )
    ingest(database, file)
    assert rows(database, look, source) == before
    states = "SELECT DISTINCT is_current FROM source_packages WHERE upstream_source_id = ?"
    assert rows(database, states, source) == [(0,)]
    at(calendar, "2026-11-25")
    ingest(database, DAEMON)
    assert rows(database, look, source) == before
    assert rows(database, states, source) == [(1,)]
    fresh = tmp_path / "fresh.db"
    ingest(fresh, DAEMON)
    ours, theirs = published(database), published(fresh)
    for table in ("source_packages", "binary_packages", "builds", "build_artifacts", "status_changes"):
        assert ours[table] == theirs[table], table


def test_a_package_that_returns_under_new_ids_is_the_same_row(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    ingest(database, file)
    source, name = rows(file, "SELECT id, name FROM source_packages WHERE seen_in_last_sync LIMIT 1")[0]
    ids = "SELECT id, first_seen FROM source_packages WHERE upstream_source_id = ? ORDER BY id"
    before = rows(database, ids, source)
    change(
        file,
        f"UPDATE source_packages SET id = id + 90000 WHERE id = {source}",
        f"UPDATE build_inputs SET source_package_id = {source} + 90000, id = id + 90000"
        f" WHERE source_package_id = {source}",
        "DELETE FROM rebuilds WHERE build_input_id NOT IN (SELECT id FROM build_inputs)",
        f"UPDATE binary_packages SET source_package_id = {source} + 90000, id = id + 90000,"
        f" build_input_id = build_input_id + 90000 WHERE source_package_id = {source}",
    )
    ingest(database, file)
    assert before and rows(database, ids, source + 90000) == before
    assert rows(database, "SELECT DISTINCT is_current FROM source_packages WHERE name = ?", name) == [(1,)]
    listed = one(file, "SELECT count(*) FROM binary_packages AS b JOIN source_packages AS s"
        " ON s.id = b.source_package_id WHERE s.seen_in_last_sync")  # fmt: skip
    assert one(database, "SELECT sum(is_current) FROM binary_packages") == listed
    assert is_sound(database)


def test_a_release_renamed_by_an_update_takes_its_history_with_it(tmp_path: Path) -> None:
    file, database, fresh = copy(DAEMON, tmp_path), tmp_path / "r.db", tmp_path / "fresh.db"
    ingest(database, file)
    ids = rows(database, "SELECT id, upstream_input_id FROM source_packages ORDER BY id")
    change(file, "UPDATE source_packages SET \"release\" = 'stable' WHERE \"release\" = 'trixie'")

    result = ingest(database, file)

    assert "debian/trixie/amd64 was renamed to debian/stable/amd64" in result.notes
    assert rows(database, "SELECT id, upstream_input_id FROM source_packages ORDER BY id") == ids
    ingest(fresh, file)
    ours, theirs = published(database), published(fresh)
    for table in ("source_packages", "binary_packages", "builds", "status_changes", "queue"):
        assert ours[table] == theirs[table], table
    stable = [row for row in theirs["snapshots"] if "stable" in row[0]]
    assert stable and stable == [row for row in ours["snapshots"] if "stable" in row[0]]
    assert is_sound(database)


def test_two_releases_that_swap_their_names_keep_their_packages(tmp_path: Path) -> None:
    file, database, fresh = copy(DAEMON, tmp_path), tmp_path / "r.db", tmp_path / "fresh.db"
    ingest(database, file)
    change(
        file,
        "DROP INDEX source_packages_unique_idx",
        "UPDATE source_packages SET \"release\" = iif(\"release\" = 'trixie', 'forky', 'trixie')",
    )
    ingest(database, file)
    ingest(fresh, file)
    ours, theirs = published(database), published(fresh)
    for table in ("source_packages", "binary_packages", "builds", "status_changes"):
        assert ours[table] == theirs[table], table
    before = dump(database)
    ingest(database, file, full=True)
    assert dump(database) == before


def test_a_release_that_is_listed_under_a_new_name_was_renamed(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    ingest(database, file)
    change(
        file,
        "UPDATE source_packages SET seen_in_last_sync = 0 WHERE \"release\" = 'trixie'",
        'INSERT INTO source_packages (id, name, version, distribution, "release", last_seen,'
        " seen_in_last_sync) SELECT id + 50000, name, version, distribution, 'stable', last_seen, 1"
        " FROM source_packages WHERE \"release\" = 'trixie'",
        "INSERT INTO build_inputs (id, source_package_id, url, backend, architecture, retries)"
        " SELECT id + 50000, source_package_id + 50000, url, backend, architecture, 0 FROM build_inputs"
        " WHERE source_package_id + 50000 IN (SELECT id FROM source_packages)",
    )
    result = ingest(database, file)
    assert sorted(result.notes) == [
        f"debian/trixie/{architecture} was renamed to debian/stable/{architecture}"
        for architecture in ("all", "amd64", "arm64")
    ]
    assert dict(rows(
        database, "SELECT o.label, sum(is_current) FROM source_packages AS s JOIN origins AS o"
        " ON o.id = s.origin_id WHERE o.release IN ('trixie', 'stable') GROUP BY 1",
    )) == {
        f"debian/{release}/{architecture}": count if release == "stable" else 0
        for architecture, count in rows(
            file, "SELECT i.architecture, count(*) FROM build_inputs AS i JOIN source_packages AS s"
            " ON s.id = i.source_package_id WHERE s.\"release\" = 'stable' GROUP BY 1")
        for release in ("trixie", "stable")
    }  # fmt: skip
    assert ingest(database, file).unchanged


def restart(file: Path) -> None:
    """What a new database looks like: the newer half of the builds and packages, numbered anew."""
    change(
        file,
        "DELETE FROM rebuilds WHERE id <= (SELECT id FROM rebuilds ORDER BY id LIMIT 1 OFFSET 80)",
        "DELETE FROM rebuild_artifacts WHERE rebuild_id NOT IN (SELECT id FROM rebuilds)",
        "CREATE TABLE renumbered AS SELECT row_number() OVER (ORDER BY id) AS new, id AS old FROM rebuilds",
        "UPDATE rebuild_artifacts SET rebuild_id = (SELECT new FROM renumbered WHERE old = rebuild_id)",
        "UPDATE rebuilds SET id = -(SELECT new FROM renumbered WHERE old = id)",
        "UPDATE rebuilds SET id = -id",
    )


def test_restarted_ids_begin_a_new_generation_and_the_old_one_stays_as_history(tmp_path: Path) -> None:
    file, database, fresh = copy(DAEMON, tmp_path), tmp_path / "r.db", tmp_path / "fresh.db"
    ingest(database, file)
    old = rows(database, "SELECT id, upstream_id, status, built_at FROM builds ORDER BY id")
    restart(file)

    ingest(database, file)

    assert one(database, "SELECT generation FROM rebuilders") == 2
    first = rows(
        database, "SELECT id, upstream_id, status, built_at FROM builds WHERE generation = 1 ORDER BY id"
    )
    assert first == old
    assert one(database, "SELECT sum(is_current) FROM source_packages WHERE generation = 1") == 0
    assert one(database, "SELECT sum(is_current) FROM binary_packages WHERE generation = 1") == 0
    ingest(fresh, file)
    columns = "upstream_input_id, status, is_current, attempts"
    assert rows(database, f"SELECT {columns} FROM source_packages WHERE generation = 2 ORDER BY id") == rows(
        fresh, f"SELECT {columns} FROM source_packages ORDER BY id"
    )
    assert rows(
        database, "SELECT upstream_id, status FROM builds WHERE generation = 2 ORDER BY upstream_id"
    ) == rows(file, "SELECT id, status FROM rebuilds ORDER BY id")
    assert ingest(database, file).unchanged
    before = dump(database)
    ingest(database, file, full=True)
    assert dump(database) == before
    assert is_sound(database)


def test_restarted_ids_are_noticed_before_the_first_build(tmp_path: Path) -> None:
    file, database, fresh = copy(DAEMON, tmp_path), tmp_path / "r.db", tmp_path / "fresh.db"
    change(file, "DELETE FROM rebuilds", "DELETE FROM rebuild_artifacts")
    ingest(database, file)
    change(
        file,
        "DROP INDEX source_packages_unique_idx",
        "UPDATE source_packages SET name = name || '-other'",
    )
    ingest(database, file)
    ingest(fresh, file)
    assert one(database, "SELECT generation FROM rebuilders") == 2
    assert rows(database, "SELECT name FROM source_packages WHERE is_current ORDER BY id") == rows(
        fresh, "SELECT name FROM source_packages WHERE is_current ORDER BY id"
    )


def test_no_new_generation_begins_while_builds_only_grow(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    ingest(database, file)
    for build_input in [row[0] for row in rows(file, "SELECT id FROM build_inputs")]:
        add_build(file, build_input, "FAIL", "2026-11-22 01:00:00")
    ingest(database, file)
    assert one(database, "SELECT generation FROM rebuilders") == 1


def test_a_row_that_upstream_renames_is_found_by_its_new_name(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    ingest(database, file)
    source, binary = (
        one(file, "SELECT min(id) FROM source_packages"),
        one(file, "SELECT min(id) FROM binary_packages"),
    )
    change(
        file,
        f"UPDATE source_packages SET name = 'brand-new' WHERE id = {source}",
        f"UPDATE binary_packages SET name = 'shiny-new' WHERE id = {binary}",
    )
    ingest(database, file)
    assert {
        row[0]
        for row in rows(
            database,
            "SELECT n.name FROM source_packages AS s JOIN package_names AS n ON n.id = s.name_id"
            " WHERE s.upstream_source_id = ?",
            source,
        )
    } == {"brand-new"}
    assert one(database, "SELECT n.name FROM binary_packages AS b JOIN package_names AS n ON n.id = b.name_id"
        " WHERE b.upstream_id = ?", binary) == "shiny-new"  # fmt: skip
    assert one(database, 'SELECT count(*) FROM package_names_fts(\'"brand-new" OR "shiny-new"\')') == 2


def test_history_in_the_way_of_a_renamed_release_does_not_stop_a_run(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    shared = rows(
        file, "SELECT t.id, f.id FROM source_packages AS t JOIN source_packages AS f"
        " ON f.name = t.name AND f.version = t.version"
        " WHERE t.\"release\" = 'trixie' AND f.\"release\" = 'forky'"
    )  # fmt: skip
    assert shared
    ingest(database, file)
    for table in ("build_inputs", "binary_packages"):
        change(
            file, f"DELETE FROM {table} WHERE source_package_id IN ({', '.join(str(f) for _, f in shared)})"
        )
    change(file, f"DELETE FROM source_packages WHERE id IN ({', '.join(str(f) for _, f in shared)})")
    ingest(database, file)
    change(file, "UPDATE source_packages SET \"release\" = 'forky'")
    ingest(database, file)
    listed = one(
        file, "SELECT count(*) FROM build_inputs AS i JOIN source_packages AS s ON s.id = i.source_package_id"
        " WHERE s.seen_in_last_sync"
    )  # fmt: skip
    assert one(database, "SELECT sum(is_current) FROM source_packages") == listed
    before = dump(database)
    ingest(database, file, full=True)
    assert dump(database) == before


def test_another_release_for_an_old_database_renames_its_origins(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    ingest(database, LEGACY, release="trixe")
    result = ingest(database, LEGACY, release="trixie")
    assert "debian/trixe/amd64 was renamed to debian/trixie/amd64" in result.notes
    assert rows(
        database, "SELECT DISTINCT o.label FROM binary_packages AS b JOIN origins AS o ON o.id = b.origin_id"
        " WHERE b.is_current ORDER BY 1",
    ) == [("debian/trixie/all",), ("debian/trixie/amd64",)]  # fmt: skip
