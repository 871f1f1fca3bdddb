"""The release of a source that does not tell it, said later or corrected."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import StartRebuilderd
from helpers import FIXTURES, LEGACY, change, copy, dump, ingest, is_sound, one, published, rows

from ingest import releases
from ingest.sources.api_v0 import ApiV0
from ingest.sources.legacy_database import LegacyDatabase
from ingest.sources.saved_json import SavedPkgsList

SAVED = FIXTURES / "pkgs-list-0.24.json"


def equals_a_fresh_ingest(database: Path, source: Path, fresh: Path, release: str | None) -> bool:
    ingest(fresh, source, release=release)
    assert published(database) == published(fresh)
    labels = "SELECT label FROM origins ORDER BY 1"
    assert rows(database, labels) == rows(fresh, labels)
    assert is_sound(database)
    return True


@pytest.mark.parametrize("source", [SAVED, LEGACY])
@pytest.mark.parametrize(("former", "release"), [(None, "trixie"), ("forky", "trixie"), ("trixie", "")])
def test_a_corrected_release_takes_everything_with_it(
    tmp_path: Path, source: Path, former: str | None, release: str
) -> None:
    database = tmp_path / "r.db"
    ingest(database, source, release=former)
    result = ingest(database, source, release=release)
    assert f"debian/{former or '-'}/amd64 was renamed to debian/{release or '-'}/amd64" in result.notes
    assert one(database, "SELECT release FROM rebuilders") == (release or None)
    assert equals_a_fresh_ingest(database, source, tmp_path / "fresh.db", release)
    before = dump(database)
    ingest(database, source, release=release)
    assert dump(database) == before


@pytest.mark.parametrize("source", [SAVED, LEGACY])
def test_a_release_that_was_said_once_stays(tmp_path: Path, source: Path) -> None:
    database = tmp_path / "r.db"
    ingest(database, source, release="trixie")
    before = dump(database)
    assert ingest(database, source).unchanged
    ingest(database, source, full=True)
    assert dump(database) == before


def test_the_release_may_be_said_to_a_server_later(rebuilderd_024: StartRebuilderd, tmp_path: Path) -> None:
    daemon, database, fresh = rebuilderd_024(LEGACY), tmp_path / "r.db", tmp_path / "fresh.db"
    ingest(database, daemon.url)
    ingest(database, daemon.url, release="trixie")
    ingest(fresh, daemon.url, release="trixie")
    assert published(database) == published(fresh)


def test_news_and_a_corrected_release_may_come_together(tmp_path: Path) -> None:
    first, *rest = json.loads(SAVED.read_text())
    saved = tmp_path / "list.json"
    saved.write_text(json.dumps(rest))
    database = tmp_path / "r.db"
    ingest(database, saved)
    saved.write_text(json.dumps([*rest, first]))
    ingest(database, saved, release="trixie")
    builds = "SELECT DISTINCT o.label FROM builds JOIN origins AS o ON o.id = origin_id"
    assert all("/trixie/" in label for (label,) in rows(database, builds))
    assert one(database, "SELECT count(*) FROM binary_packages WHERE is_current") == len(rest) + 1


def test_other_rebuilders_of_the_former_release_keep_it(tmp_path: Path) -> None:
    database, other = tmp_path / "r.db", copy(LEGACY, tmp_path)
    change(other, "DELETE FROM packages WHERE id % 2", "DELETE FROM builds")
    ingest(database, other, name="other")
    mine = (
        "SELECT label, count(*) FROM source_packages AS s JOIN origins AS o ON o.id = origin_id {} GROUP BY 1"
    )
    theirs = mine.format("WHERE rebuilder_id = 1")
    before = rows(database, theirs)
    ingest(database, SAVED)
    ingest(database, SAVED, release="trixie")
    assert rows(database, theirs) == before
    assert {label for label, _ in rows(database, mine.format("WHERE rebuilder_id = 2"))} <= {
        "debian/trixie/amd64",
        "debian/trixie/all",
    }


def test_every_kind_without_a_release_is_known() -> None:
    assert {kind.kind for kind in (ApiV0, LegacyDatabase, SavedPkgsList)} == releases.UNTOLD
