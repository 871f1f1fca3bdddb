"""Merging databases is ingesting them all: an old one, the same one migrated, and a new one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from helpers import DAEMON, LEGACY, MIGRATED, ingest, is_sound, one, published, rows

SOURCES = {"old": (LEGACY, "trixie"), "migrated": (MIGRATED, None), "new": (DAEMON, None)}


@pytest.fixture(scope="module")
def merged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    database = tmp_path_factory.mktemp("merged") / "r.db"
    for name, (source, release) in SOURCES.items():
        ingest(database, source, name=name, release=release)
    return database


@pytest.mark.parametrize(
    ("name", "counted"),
    [
        (
            "old",
            {
                "source_packages": "pkgbases",
                "binary_packages": "packages",
                "builds": "(SELECT DISTINCT pkgbase_id FROM packages WHERE build_id IS NOT NULL)",
            },
        ),
        (
            "migrated",
            {"source_packages": "build_inputs", "binary_packages": "binary_packages", "builds": "rebuilds"},
        ),
        (
            "new",
            {"source_packages": "build_inputs", "binary_packages": "binary_packages", "builds": "rebuilds"},
        ),
    ],
)
def test_every_row_of_each_database_is_there_once(merged: Path, name: str, counted: dict[str, str]) -> None:
    for ours, theirs in counted.items():
        ids = rows(
            merged,
            f"SELECT t.upstream_{'input_id' if ours == 'source_packages' else 'id'} FROM {ours} AS t"
            " JOIN rebuilders AS r ON r.id = t.rebuilder_id WHERE r.name = ?",
            name,
        )
        assert len(ids) == len(set(ids)) == one(SOURCES[name][0], f"SELECT count(*) FROM {theirs}") > 0


def test_together_is_what_each_is_alone(merged: Path, tmp_path: Path) -> None:
    together: Counter[str] = Counter()
    for name, (source, release) in SOURCES.items():
        ingest(tmp_path / f"{name}.db", source, name=name, release=release)
        for table, found in published(tmp_path / f"{name}.db").items():
            together.update(
                f"{table} {row[:1] if table == 'snapshots' else row}" for row in found if table != "search"
            )
    assert together == Counter(
        f"{table} {row[:1] if table == 'snapshots' else row}"
        for table, found in published(merged).items()
        for row in found
        if table != "search"
    )


def test_names_are_searched_once_whoever_has_them(merged: Path) -> None:
    names = [name for (name,) in rows(merged, "SELECT name FROM package_names")]
    assert len(names) == len(set(names)) == len(rows(merged, "SELECT rowid FROM package_names_fts"))
    assert set(names) == {
        name
        for (name,) in rows(merged, "SELECT name FROM source_packages UNION SELECT name FROM binary_packages")
    }


def test_merging_again_changes_nothing_and_the_database_is_sound(merged: Path) -> None:
    before = published(merged)
    for name, (source, release) in SOURCES.items():
        assert ingest(merged, source, name=name, release=release).unchanged
    assert published(merged) == before and is_sound(merged)


def test_a_binary_that_several_databases_have_is_answered_once_with_all_that_say_so(merged: Path) -> None:
    lists = {
        name: {
            tuple(key)
            for key in rows(
                merged,
                "SELECT b.architecture, b.name, b.version FROM binary_packages AS b"
                " JOIN rebuilders AS r ON r.id = b.rebuilder_id WHERE b.is_current AND r.name = ?",
                name,
            )
        }
        for name in SOURCES
    }
    found = {
        tuple(key): rebuilders
        for *key, rebuilders in rows(
            merged, "SELECT architecture, binary, version, rebuilders FROM agreement"
        )
    }
    everything = set().union(*lists.values())
    assert found == {key: sum(key in listed for listed in lists.values()) for key in everything}
    assert max(found.values()) > 1
