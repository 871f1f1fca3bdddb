"""A rebuilder whose lists are empty for a moment, and one whose database was really made anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fake_server import Answer, answer, binary_package, build, page, rebuilderd, serve, source_package
from helpers import DAEMON, change, copy, dump, ingest, one, rows

from ingest import values

NAMES = ("acl", "bzip2", "curl")
JOB = {
    "id": 1,
    "name": "acl",
    "version": "1-1",
    "distribution": "debian",
    "release": "trixie",
    "architecture": "amd64",
    "priority": 1,
    "queued_at": "2026-11-20T10:00:00",
    "started_at": None,
}
WORKER = {"id": 1, "name": "node1", "status": None, "last_ping": "2026-11-20T10:00:00", "is_online": True}
NEVER_BUILT = {"build_id": None, "status": None}


def healthy(names: tuple[str, ...] = NAMES, **changed: Answer) -> dict[str, Answer]:
    return rebuilderd(names, **{"queue": page(JOB), "workers": page(WORKER)} | changed)


def never_built(*names: str) -> dict[str, Answer]:
    """What a rebuilder answers before its first build."""
    numbered = list(enumerate(names, 1))
    unbuilt = {**NEVER_BUILT, "artifact_id": None}
    return healthy(
        names,
        source=page(*(source_package(id, name, **NEVER_BUILT) for id, name in numbered)),
        binary=page(*(binary_package(id, name, **unbuilt) for id, name in numbered)),
        builds=page(),
        queue=page(),
    )


def at(monkeypatch: pytest.MonkeyPatch, day: str) -> None:
    monkeypatch.setattr(values, "now", lambda: f"{day}T12:00:00Z")


def kept(database: Path) -> dict[str, list[Any]]:
    """All that a gap leaves as it was; statistics have a value for each day all the same."""
    return dump(database, without=("measurements", "sqlite_sequence"))


@pytest.mark.parametrize(
    ("empty", "full"),
    [
        ({"builds": page()}, False),
        ({"builds": page()}, True),
        ({"source": page()}, False),
        ({"binary": page()}, False),
        ({"distributions": answer([])}, False),
        ({"distributions": answer([])}, True),
        ({"releases": answer([])}, False),
        ({"distributions": answer([]), "builds": page(), "queue": page(), "workers": page()}, False),
    ],
)
def test_a_list_that_is_empty_for_a_moment_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty: dict[str, Answer], full: bool
) -> None:
    database = tmp_path / "r.db"
    with serve(healthy()) as server:
        at(monkeypatch, "2026-11-23")
        ingest(database, server.url)
        before = kept(database)
        at(monkeypatch, "2026-11-24")
        server.answers.update(healthy(**empty))
        result = ingest(database, server.url, full=full)
        assert kept(database) == before
        (note,) = result.notes
        assert note.startswith("sync gap: no ") and note.endswith(" listed, last known state kept")
        assert note in one(database, "SELECT notes FROM ingest_runs ORDER BY id DESC LIMIT 1")
        server.answers.update(healthy((*NAMES, "dash")))
        result = ingest(database, server.url)
    assert (result.notes, result.builds) == ([], 1)
    assert one(database, "SELECT count(*) FROM source_packages WHERE is_current AND status = 'GOOD'") == 4


def test_an_empty_answer_of_api_v0_is_a_gap(tmp_path: Path) -> None:
    package = {
        "name": "acl",
        "version": "1-1",
        "status": "GOOD",
        "distro": "debian",
        "suite": "main",
        "architecture": "amd64",
        "artifact_url": "http://mirror.example/debian/pool/main/a/acl/acl_1-1_amd64.deb",
        "build_id": 7,
        "built_at": "2026-11-19T10:05:00",
        "has_diffoscope": False,
        "has_attestation": False,
    }
    database = tmp_path / "r.db"
    path, others = "/api/v0/pkgs/list", {"/api/v0/dashboard": answer({"suites": {}})}
    with serve({path: answer([package]), "/api/v0/queue/list": answer({"queue": []}), **others}) as server:
        ingest(database, server.url, release="trixie")
        before = dump(database)
        server.answers[path] = answer([])
        result = ingest(database, server.url)
    assert dump(database) == before
    assert result.notes == [
        "sync gap: no source packages and no binary packages listed, last known state kept"
    ]


def test_packages_that_name_newer_builds_than_an_empty_list_are_taken_over(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    with serve(never_built("acl", "bzip2")) as server:
        ingest(database, server.url)
        server.answers.update(healthy(builds=page()))
        result = ingest(database, server.url)
        assert not result.notes
        assert one(database, "SELECT count(*) FROM source_packages WHERE is_current") == 3
        server.answers.update(healthy())
        assert ingest(database, server.url).builds == 3
    assert one(database, "SELECT generation FROM rebuilders") == 1


def test_a_build_that_cannot_be_used_is_no_missing_build(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    with serve(healthy(("acl",))) as server:
        ingest(database, server.url)
        before = kept(database)
        server.answers.update(healthy(("acl",), builds=page({"id": "?"})))
        result = ingest(database, server.url)
    assert not [note for note in result.notes if "gap" in note or "restarted" in note]
    assert kept(database) == before


def test_packages_that_all_lost_their_builds_belong_to_a_new_database(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    with serve(healthy()) as server:
        ingest(database, server.url)
        server.answers.update(never_built(*NAMES))
        ingest(database, server.url)
    assert one(database, "SELECT generation FROM rebuilders") == 2
    assert rows(database, "SELECT DISTINCT generation, status FROM source_packages WHERE is_current") == [
        (2, None)
    ]


def test_that_no_build_is_listed_is_no_restart_where_no_package_lost_its_builds(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    update = {"version": "2-1", **NEVER_BUILT}
    updated = healthy(
        source=page(*(source_package(9 + id, name, **update) for id, name in enumerate(NAMES))),
        binary=page(
            *(binary_package(9 + id, name, artifact_id=None, **update) for id, name in enumerate(NAMES))
        ),
    )
    with serve(healthy()) as server:
        ingest(database, server.url)
        server.answers.update(updated)
        ingest(database, server.url)
        before = dump(database, without=("snapshots",))
        server.answers["/api/v1/builds"] = page()
        ingest(database, server.url)
    assert dump(database, without=("snapshots",)) == before


def test_a_database_that_restarts_while_it_is_read_again_is_a_gap(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    others = [build(id, name, built_at="2026-11-21T10:00:00") for id, name in enumerate(NAMES, 1)]
    with serve(healthy()) as server:
        ingest(database, server.url)
        before = dump(database)
        later = iter([page(*others), page(*others), page()])
        server.answers["/api/v1/builds"] = lambda handler: next(later)(handler)
        result = ingest(database, server.url)
    assert result.notes == ["sync gap: no builds listed, last known state kept"]
    assert dump(database) == before


def test_an_emptied_database_is_a_gap_until_it_has_something(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    ingest(database, file)
    before = dump(database)
    tables = ("rebuild_artifacts", "rebuilds", "binary_packages", "queue", "build_inputs", "source_packages")
    change(file, *(f"DELETE FROM {table}" for table in tables))
    for _ in range(2):
        result = ingest(database, file)
        assert result.notes == [
            "sync gap: no source packages and no binary packages listed, last known state kept"
        ]
        assert dump(database) == before
