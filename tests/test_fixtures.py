"""The tests' own ground: what is saved is what real daemons say."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import httpx
import pytest
from conftest import FIXTURES, StartRebuilderd, unavailable


def _by_name(packages: list[dict[str, object]]) -> list[dict[str, object]]:
    return sorted(packages, key=lambda package: (str(package["name"]), str(package["architecture"])))


def test_the_saved_package_list_is_what_the_old_daemon_answers(rebuilderd_024: StartRebuilderd) -> None:
    daemon = rebuilderd_024(FIXTURES / "tiny-0.24.db")
    answer = httpx.get(f"{daemon.url}/api/v0/pkgs/list").json()
    saved = json.loads((FIXTURES / "pkgs-list-0.24.json").read_text())
    assert _by_name(answer) == _by_name(saved)


def test_the_migrated_database_is_what_the_new_daemon_makes_of_the_old(
    rebuilderd_028: StartRebuilderd,
) -> None:
    migrated, saved = (
        httpx.get(f"{rebuilderd_028(FIXTURES / name).url}/api/v1/dashboard").json()["rebuilds"]
        for name in ("tiny-0.24.db", "tiny-0.24-migrated.db")
    )
    assert migrated == saved


def test_a_daemon_works_on_a_copy_and_leaves_nothing_when_stopped(rebuilderd_028: StartRebuilderd) -> None:
    fixture = FIXTURES / "tiny-0.28.db"
    before = fixture.read_bytes()
    daemon = rebuilderd_028(fixture)
    httpx.get(f"{daemon.url}/api/v1/packages/source").raise_for_status()
    daemon.stop()
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{daemon.url}/api/v1/dashboard")
    assert fixture.read_bytes() == before and not daemon.database.parent.exists()


@pytest.mark.parametrize("name", ["tiny-0.28.db", "tiny-0.24.db", "tiny-0.24-migrated.db"])
def test_a_database_in_the_fixtures_is_whole_and_has_nothing_beside_it(name: str) -> None:
    path = FIXTURES / name
    connection = sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    assert not list(path.parent.glob(f"{name}-*"))


def test_a_missing_prerequisite_skips_on_a_users_machine_and_fails_in_ci(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no browser"):
        unavailable("no browser")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no browser"):
        unavailable("no browser")


def test_the_demo_has_its_data() -> None:
    assert (Path(__file__).parent.parent / "demo/rebuilderd.db.zst").read_bytes()[:4] == b"\x28\xb5\x2f\xfd"
