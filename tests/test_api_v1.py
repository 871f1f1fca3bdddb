"""A real rebuilderd read through its API v1, compared with its database and its dashboard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import StartRebuilderd
from helpers import DAEMON, add_build, change, copy, dump, ingest, is_sound, one, published, rows

from ingest.sources import http

# What API v1 does not carry, by the column's place in helpers.PUBLISHED.
NOT_CARRIED = {
    "source_packages": (7, 8, 9, 10),
    "builds": (10,),
    "queue": (5,),
}


def carried(database: Path) -> dict[str, list[tuple]]:
    """The published rows less what the API cannot know; artifacts are compared on their own."""
    found = published(database)
    del found["build_artifacts"]
    return {
        table: [
            tuple(v for at, v in enumerate(row) if at not in NOT_CARRIED.get(table, ())) for row in content
        ]
        for table, content in found.items()
    }


@pytest.fixture
def archlinux(tmp_path: Path) -> Path:
    """The small database with a part of it as a distribution that has no releases."""
    database = copy(DAEMON, tmp_path)
    change(
        database,
        "UPDATE source_packages SET distribution = 'archlinux', release = NULL WHERE release = 'trixie'",
        "UPDATE binary_packages SET artifact_url = 'https://mirror.example/core/os/' || name"
        " WHERE source_package_id IN (SELECT id FROM source_packages WHERE distribution = 'archlinux')",
    )
    return database


def test_the_file_and_the_api_give_the_same_published_rows(
    rebuilderd_028: StartRebuilderd, tmp_path: Path
) -> None:
    daemon = rebuilderd_028(DAEMON)
    by_file, by_api = tmp_path / "file.db", tmp_path / "api.db"
    ingest(by_file, daemon.database)
    ingest(by_api, daemon.url)
    assert carried(by_api) == carried(by_file)
    assert len(published(by_api)["builds"]) == one(daemon.database, "SELECT count(*) FROM rebuilds")
    assert is_sound(by_api)


def test_a_binary_that_was_never_built_belongs_to_a_source_that_is_listed_as_it_is(
    rebuilderd_028: StartRebuilderd, tmp_path: Path
) -> None:
    database = copy(DAEMON, tmp_path)
    never_built = "(SELECT id FROM source_packages WHERE name = 'haskell-aeson-qq' AND NOT seen_in_last_sync)"
    change(
        database,
        # Its version, which could tell, is not its source's; and a newer version of the source is listed.
        f"UPDATE binary_packages SET version = '9:' || version WHERE source_package_id = {never_built}",
        "INSERT INTO source_packages SELECT 99999, name, version || '+1', distribution, release, last_seen, 1"
        f" FROM source_packages WHERE id = {never_built}",
        "INSERT INTO build_inputs SELECT 99999 + id, 99999, url || '+1', backend, architecture, 0, NULL"
        f" FROM build_inputs WHERE source_package_id = {never_built}",
    )
    daemon = rebuilderd_028(database)
    by_file, by_api = tmp_path / "file.db", tmp_path / "api.db"
    ingest(by_file, daemon.database)
    ingest(by_api, daemon.url)
    found = "SELECT DISTINCT is_current FROM binary_packages WHERE name LIKE 'libghc-aeson-qq-%' AND version LIKE '9:%'"
    assert rows(by_api, found) == [(0,)]
    assert carried(by_api) == carried(by_file)


def test_columns_that_the_api_does_not_carry_are_null(
    rebuilderd_028: StartRebuilderd, tmp_path: Path
) -> None:
    database = tmp_path / "api.db"
    ingest(database, rebuilderd_028(DAEMON).url)
    columns = "count(input_url), count(next_retry), count(upstream_input_id)"
    assert rows(database, f"SELECT {columns} FROM source_packages") == [(0, 0, 0)]
    assert one(database, "SELECT count(upstream_log_id) FROM builds") == 0
    never_built = "SELECT count(*) FROM source_packages WHERE attempts = 0 AND backend IS NOT NULL"
    assert one(database, never_built) == 0


def test_only_artifacts_of_older_good_builds_and_of_no_binary_are_missing(
    rebuilderd_028: StartRebuilderd, tmp_path: Path
) -> None:
    daemon = rebuilderd_028(DAEMON)
    by_file, by_api = tmp_path / "file.db", tmp_path / "api.db"
    ingest(by_file, daemon.database)
    ingest(by_api, daemon.url)
    every = set(published(by_file)["build_artifacts"])
    fetched = published(by_api)["build_artifacts"]
    assert len(fetched) == len(set(fetched)) and set(fetched) < every
    of_bad_or_latest = set(
        rows(
            by_file,
            """
            SELECT b.upstream_id, a.name, a.status, a.has_diffoscope, a.has_attestation, a.upstream_id
            FROM build_artifacts AS a JOIN builds AS b ON b.id = a.build_id
            WHERE b.status = 'BAD' OR a.id IN (SELECT latest_artifact_id FROM binary_packages)
            """,
        )
    )
    assert set(fetched) == of_bad_or_latest


def test_totals_equal_the_dashboard_of_the_daemon(rebuilderd_028: StartRebuilderd, tmp_path: Path) -> None:
    daemon = rebuilderd_028(DAEMON)
    for source in (daemon.url, daemon.database):
        database = tmp_path / f"{Path(str(source)).name}.db"
        ingest(database, source)
        found = rows(
            database,
            "SELECT distribution, release, architecture, good, bad, fail, unknown FROM snapshots"
            " JOIN origins ON origins.id = origin_id WHERE kind = 'taken'",
        )
        assert len(found) == 6
        for distribution, release, architecture, *counts in found:
            query = {"distribution": distribution, "release": release, "architecture": architecture}
            said = httpx.get(f"{daemon.url}/api/v1/dashboard", params=query).json()["rebuilds"]
            assert counts == [said["good"], said["bad"], said["fail"], said["unknown"]]


def test_a_distribution_without_releases_is_read_beside_one_with_releases(
    rebuilderd_028: StartRebuilderd, archlinux: Path, tmp_path: Path
) -> None:
    daemon = rebuilderd_028(archlinux)
    by_file, by_api = tmp_path / "file.db", tmp_path / "api.db"
    ingest(by_file, daemon.database)
    ingest(by_api, daemon.url)
    labels = {label for (label,) in rows(by_api, "SELECT label FROM origins")}
    assert {"archlinux/-/amd64", "debian/forky/amd64"} <= labels
    for table in ("source_packages", "builds", "snapshots", "status_changes"):
        assert carried(by_api)[table] == carried(by_file)[table]


def test_a_binary_hangs_on_its_source_by_its_build_else_by_its_pool_path_which_it_says(
    rebuilderd_028: StartRebuilderd, archlinux: Path, tmp_path: Path
) -> None:
    database = tmp_path / "api.db"
    ingest(database, rebuilderd_028(archlinux).url)
    built = "SELECT count(*) FROM binary_packages WHERE latest_artifact_id IS NOT NULL AND source_inferred"
    assert one(database, built) == 0
    links = """
        SELECT o.distribution, s.id IS NOT NULL, b.source_inferred, count(*)
        FROM binary_packages AS b JOIN origins AS o ON o.id = b.origin_id
        LEFT JOIN source_packages AS s ON s.id = b.source_package_id
        WHERE b.status IS NULL GROUP BY 1, 2, 3 ORDER BY 1
    """
    never_built = dict.fromkeys(distribution for distribution, *_ in rows(database, links))
    assert "archlinux" in never_built
    for distribution, is_linked, is_inferred, _ in rows(database, links):
        expected = (1, 1) if distribution == "debian" else (0, 0)
        assert (is_linked, is_inferred) == expected


def test_a_second_run_writes_nothing_and_new_builds_are_read_alone(
    rebuilderd_028: StartRebuilderd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = rebuilderd_028(DAEMON)
    database = tmp_path / "api.db"
    ingest(database, daemon.url)
    before = dump(database)
    ingest(database, daemon.url)
    assert dump(database) == before

    asked = recorded(monkeypatch)
    source = one(
        daemon.database, "SELECT build_input_id FROM rebuilds WHERE status = 'BAD' ORDER BY id LIMIT 1"
    )
    new = add_build(daemon.database, source, "BAD", "2026-11-21 23:30:00", [("some-artifact", "BAD")])
    assert ingest(database, daemon.url).builds == 1
    assert [path for path in asked if path.endswith("/artifacts")] == [f"/api/v1/builds/{new}/artifacts"]

    at_once = tmp_path / "at-once.db"
    ingest(at_once, daemon.url)
    for table in ("source_packages", "builds", "build_artifacts", "status_changes"):
        assert published(database)[table] == published(at_once)[table]


def recorded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    asked: list[str] = []
    fetch = http.Client._fetch

    def record(self: http.Client, method: str, path: str, *rest: Any, **question: Any) -> object:
        asked.append(path)
        return fetch(self, method, path, *rest, **question)

    monkeypatch.setattr(http.Client, "_fetch", record)
    return asked


def test_the_daemon_is_asked_for_few_large_pages_and_never_for_an_attestation(
    rebuilderd_028: StartRebuilderd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = recorded(monkeypatch)
    daemon = rebuilderd_028(DAEMON)
    ingest(tmp_path / "api.db", daemon.url)
    assert not [path for path in asked if "attestation" in path]
    assert asked.count("/api/v1/packages/source") == 6
    assert asked.count("/api/v1/packages/binary") == 2
    assert asked.count("/api/v1/builds") == 1
    bad = one(daemon.database, "SELECT count(*) FROM rebuilds WHERE status = 'BAD'")
    assert len([path for path in asked if path.endswith("/artifacts")]) == bad


def test_file_today_and_api_tomorrow_are_one_rebuilder_whose_rows_keep_their_ids(
    rebuilderd_028: StartRebuilderd, tmp_path: Path
) -> None:
    daemon = rebuilderd_028(DAEMON)
    database = tmp_path / "both.db"
    ingest(database, daemon.database)
    before = dump(database, without=("ingest_runs", "rebuilders", "queue"))
    ingest(database, daemon.url)
    assert dump(database, without=("ingest_runs", "rebuilders", "queue")) == before
    assert rows(database, "SELECT name, kind, generation FROM rebuilders") == [("r", "API v1", 1)]

    other = tmp_path / "other.db"
    ingest(other, daemon.url)
    ingest(other, daemon.database)
    by_file = tmp_path / "file.db"
    ingest(by_file, daemon.database)
    assert published(other) == published(by_file)


def test_a_recreated_database_behind_the_same_url_begins_a_new_generation(
    rebuilderd_028: StartRebuilderd, tmp_path: Path
) -> None:
    database = tmp_path / "api.db"
    ingest(database, rebuilderd_028(DAEMON).url)
    recreated = copy(DAEMON, tmp_path)
    change(
        recreated,
        "DELETE FROM rebuilds WHERE id > 900",
        "UPDATE rebuilds SET built_at = datetime(built_at, '+3 hours')",
    )
    ingest(database, rebuilderd_028(recreated).url)
    assert one(database, "SELECT generation FROM rebuilders") == 2
    current = "SELECT DISTINCT generation FROM source_packages WHERE is_current"
    assert rows(database, current) == [(2,)]
    in_old = one(DAEMON, "SELECT count(*) FROM rebuilds")
    in_new = one(recreated, "SELECT count(*) FROM rebuilds")
    counts = "SELECT generation, count(*) FROM builds GROUP BY 1"
    assert rows(database, counts) == [(1, in_old), (2, in_new)]
    assert is_sound(database)


def test_no_key_and_no_address_of_a_worker_is_kept(rebuilderd_028: StartRebuilderd, tmp_path: Path) -> None:
    daemon = rebuilderd_028(DAEMON)
    database = tmp_path / "api.db"
    ingest(database, daemon.url, name="somewhere")
    assert len(rows(database, "SELECT name FROM workers")) == 2
    kept = dump(database, without=("ingest_runs", "rebuilders"))
    keys = rows(daemon.database, "SELECT key FROM workers")
    assert not [key for (key,) in keys if key in repr(kept)]
    addresses = rows(daemon.database, "SELECT address FROM workers")
    assert not [address for (address,) in addresses if address in repr(kept["workers"])]
