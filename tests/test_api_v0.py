"""A real rebuilderd of the old schema read through its API v0, and saved responses."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import httpx
import pytest
from conftest import StartRebuilderd
from fake_server import only_v0, serve
from helpers import DAEMON, FIXTURES, LEGACY, change, copy, dump, ingest, is_sound, one, published, rows, run
from real_rebuilderd import RealRebuilderd

from ingest.errors import SourceError
from ingest.sources.pool_path import source_name

SAVED = FIXTURES / "pkgs-list-0.24.json"
STATS = FIXTURES / "stats.json"


def test_totals_equal_the_dashboard_and_say_that_they_count_binaries(
    rebuilderd_024: StartRebuilderd, tmp_path: Path
) -> None:
    daemon = rebuilderd_024(LEGACY)
    suites = httpx.get(f"{daemon.url}/api/v0/dashboard").json()["suites"].values()
    said = tuple(sum(suite[status] for suite in suites) for status in ("good", "bad", "unknown"))
    for source in (daemon.url, daemon.database):
        database = tmp_path / f"{Path(str(source)).name}.db"
        ingest(database, source, release="trixie")
        totals = "SELECT sum(good), sum(bad), sum(unknown) FROM snapshots WHERE kind = 'taken'"
        assert rows(database, totals) == [said]
        assert rows(database, "SELECT DISTINCT counted FROM snapshots WHERE kind = 'taken'") == [
            ("binary packages",)
        ]


def test_v0_is_chosen_by_itself_and_the_release_comes_from_the_operator(
    rebuilderd_024: StartRebuilderd, tmp_path: Path
) -> None:
    database = tmp_path / "v0.db"
    ingest(database, rebuilderd_024(LEGACY).url, release="trixie")
    assert one(database, "SELECT kind FROM rebuilders") == "API v0"
    labels = {label for (label,) in rows(database, "SELECT label FROM origins")}
    assert labels == {"debian/trixie/all", "debian/trixie/amd64"}


def test_source_names_come_from_the_pool_path_and_say_that_they_are_inferred(
    rebuilderd_024: StartRebuilderd, tmp_path: Path
) -> None:
    by_api, by_file = tmp_path / "v0.db", tmp_path / "file.db"
    daemon = rebuilderd_024(LEGACY)
    ingest(by_api, daemon.url, release="trixie")
    ingest(by_file, daemon.database, release="trixie")
    assert rows(by_api, "SELECT DISTINCT name_inferred FROM source_packages") == [(1,)]
    assert rows(by_file, "SELECT DISTINCT name_inferred FROM source_packages") == [(0,)]
    names = "SELECT DISTINCT name FROM source_packages ORDER BY name"
    assert rows(by_api, names) == rows(by_file, names)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://mirror.example/debian/pool/main/g/gcc-15/libgcc-s1_15_amd64.deb", "gcc-15"),
        ("http://mirror.example/debian/pool/non-free-firmware/libx/libxyz/a_1_all.deb", "libxyz"),
        ("http://mirror.example/debian/pool/updates/main/o/openssl/openssl_3_amd64.deb", "openssl"),
        ("https://mirror.example/core/os/x86_64/acl-2.3.2-1-x86_64.pkg.tar.zst", None),
        ("http://mirror.example/debian/pool/main/g/other/odd_1_amd64.deb", None),
        (None, None),
    ],
)
def test_a_pool_path_tells_the_source_only_where_it_has_the_pools_shape(
    url: str | None, name: str | None
) -> None:
    assert source_name(url) == name


def test_the_old_file_and_its_api_give_the_same_binaries_and_queue(
    rebuilderd_024: StartRebuilderd, tmp_path: Path
) -> None:
    by_api, by_file = tmp_path / "v0.db", tmp_path / "file.db"
    daemon = rebuilderd_024(LEGACY)
    ingest(by_api, daemon.url, release="trixie")
    ingest(by_file, daemon.database, release="trixie")
    same = (
        "SELECT name, version, architecture, component, status, is_current, artifact_url FROM binary_packages"
    )
    assert Counter(rows(by_api, same)) == Counter(rows(by_file, same))
    queue = (
        "SELECT s.name, s.version, queued_at FROM queue JOIN source_packages AS s ON s.id = source_package_id"
    )
    assert Counter(rows(by_api, queue)) == Counter(rows(by_file, queue))
    assert one(by_api, "SELECT count(*) FROM queue") > 0
    assert is_sound(by_api)


def test_a_second_run_of_v0_writes_nothing(rebuilderd_024: StartRebuilderd, tmp_path: Path) -> None:
    database = tmp_path / "v0.db"
    daemon = rebuilderd_024(LEGACY)
    ingest(database, daemon.url, release="trixie")
    before = dump(database)
    ingest(database, daemon.url, release="trixie")
    assert dump(database) == before


def test_a_saved_list_gives_what_the_server_gave(rebuilderd_024: StartRebuilderd, tmp_path: Path) -> None:
    by_api, by_file = tmp_path / "v0.db", tmp_path / "saved.db"
    ingest(by_api, rebuilderd_024(LEGACY).url, release="trixie")
    ingest(by_file, SAVED, release="trixie")
    assert one(by_file, "SELECT kind FROM rebuilders") == "saved pkgs/list"
    for table in ("source_packages", "binary_packages", "builds", "build_artifacts"):
        assert published(by_file)[table] == published(by_api)[table]


def test_a_list_of_a_newer_daemon_keeps_every_row_though_names_repeat(tmp_path: Path) -> None:
    first, *rest = json.loads(SAVED.read_text())
    again = {**first, "build_id": 999_999, "built_at": "2026-11-21T23:00:00"}
    saved = tmp_path / "list.json"
    saved.write_text(json.dumps([first, *rest, again]))
    database = tmp_path / "saved.db"
    ingest(database, saved)
    assert one(database, "SELECT count(*) FROM binary_packages") == len(rest) + 2
    ordinals = (
        "SELECT s.ordinal FROM binary_packages AS b JOIN source_packages AS s ON s.id = source_package_id"
    )
    assert rows(database, f"{ordinals} WHERE b.name = ? ORDER BY 1", first["name"]) == [(0,), (1,)]


@pytest.fixture
def newer_daemon(rebuilderd_028: StartRebuilderd, tmp_path: Path) -> RealRebuilderd:
    """One of 0.28 with copies in several releases, old versions, and a build of several binary versions."""
    database = copy(DAEMON, tmp_path)
    built = "(SELECT build_input_id FROM rebuilds GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 3)"
    change(
        database,
        "UPDATE binary_packages SET version = '9:' || version WHERE id IN (SELECT max(id) FROM binary_packages"
        f" WHERE build_input_id IN {built} GROUP BY build_input_id HAVING count(*) > 1)",
    )
    return rebuilderd_028(database)


@pytest.mark.parametrize("keep_logs", ["failing", "none"])
def test_v0_of_a_newer_daemon_gives_every_version_and_copy_that_it_lists(
    newer_daemon: RealRebuilderd, tmp_path: Path, keep_logs: str
) -> None:
    database = tmp_path / "v0.db"
    answers = only_v0(newer_daemon.url)
    listed = httpx.get(f"{newer_daemon.url}/api/v0/pkgs/list").json()
    versions_of_builds = Counter(
        id for id, _ in {(each["build_id"], each["version"]) for each in listed if each["build_id"]}
    )
    assert max(versions_of_builds.values()) > 1
    with serve(answers) as server:
        done = run("ingest", database, server.url, "--release", "trixie", "--keep-logs", keep_logs)
        assert done.exit_code == 0, done.output
        before = dump(database)
        run("ingest", database, server.url, "--release", "trixie", "--keep-logs", keep_logs)
        # It would give the logs of other builds.
        assert {path.split("/")[3] for path in server.asked if "/v0/" in path} == {
            "dashboard",
            "pkgs",
            "queue",
        }
    assert dump(database) == before and is_sound(database)
    told = Counter((each["name"], each["version"], each["architecture"], each["status"]) for each in listed)
    kept = (
        "SELECT name, version, architecture, coalesce(status, 'UNKWN') FROM binary_packages WHERE is_current"
    )
    assert Counter(rows(database, kept)) == told
    assert one(database, "SELECT count(*) FROM builds") == len(versions_of_builds)


def test_what_was_built_together_is_one_source_package_whatever_its_versions_are(
    newer_daemon: RealRebuilderd, tmp_path: Path
) -> None:
    saved, by_list, by_file = tmp_path / "list.json", tmp_path / "list.db", tmp_path / "file.db"
    saved.write_bytes(httpx.get(f"{newer_daemon.url}/api/v0/pkgs/list").content)
    ingest(by_list, saved, release="trixie")
    ingest(by_file, newer_daemon.database)
    together = (
        "SELECT c.upstream_id, b.name, b.version FROM binary_packages AS b"
        " JOIN source_packages AS s ON s.id = b.source_package_id JOIN builds AS c ON c.id = s.latest_build_id"
    )
    assert Counter(rows(by_list, together)) == Counter(rows(by_file, together))


def test_saved_stats_are_imported_as_history_with_their_categories(tmp_path: Path) -> None:
    database = tmp_path / "stats.db"
    ingest(database, STATS)
    saved = json.loads(STATS.read_text())
    found = rows(database, "SELECT kind, good, bad, fail, unknown FROM snapshots ORDER BY captured_at, id")
    expected = sorted(saved, key=lambda item: item["captured_at"])
    assert found == [
        ("imported", item["good"], item["bad"], item["fail"], item["unknown"]) for item in expected
    ]
    whole = [item for item in saved if item["architecture"] is None]
    assert one(database, "SELECT count(*) FROM snapshots WHERE origin_id IS NULL") == len(whole)
    counted = (
        "SELECT name, sum(failures) FROM snapshot_categories JOIN categories ON id = category_id GROUP BY 1"
    )
    said: Counter[str] = Counter()
    for item in saved:
        for category in item["categories"]:
            said[category["category"]] += category["count"]
    assert dict(rows(database, counted)) == dict(said)
    before = dump(database)
    ingest(database, STATS)
    assert dump(database) == before


def test_imported_history_stands_beside_the_packages_of_the_same_rebuilder(tmp_path: Path) -> None:
    database = tmp_path / "both.db"
    ingest(database, LEGACY, name="r", release="trixie")
    packages = dump(database)["source_packages"]
    ingest(database, STATS, name="r")
    assert dump(database)["source_packages"] == packages
    assert {kind for (kind,) in rows(database, "SELECT DISTINCT kind FROM snapshots")} == {
        "taken",
        "reconstructed",
        "imported",
    }


@pytest.mark.parametrize("content", ["[]", "[1, 2]", '{"total": 0, "records": []}', "[{}]", "[", "{", '["a'])
def test_json_of_something_else_is_refused_in_one_sentence(content: str, tmp_path: Path) -> None:
    saved = tmp_path / "saved.json"
    saved.write_text(content)
    with pytest.raises(SourceError, match=r"saved\.json: "):
        ingest(tmp_path / "r.db", saved)
    result = run("ingest", tmp_path / "r.db", saved)
    assert result.exit_code == 1 and result.stderr.startswith("Error: ") and result.stderr.count("\n") == 1
