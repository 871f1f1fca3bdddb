"""What hangs together: a binary and its source, an artifact and its build, totals and an origin."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from conftest import StartRebuilderd
from fake_server import SEEN, answer, binary_package, build, page, rebuilderd, serve, source_package
from helpers import DAEMON, LEGACY, change, copy, dump, ingest, is_sound, one, published, rows, run

from ingest.cli import summary


def test_an_origin_that_was_renamed_is_not_counted_by_its_old_name_too(tmp_path: Path) -> None:
    file, database, fresh = copy(DAEMON, tmp_path), tmp_path / "r.db", tmp_path / "fresh.db"
    ingest(database, file)
    change(file, "UPDATE source_packages SET release = 'stable' WHERE release = 'trixie'")
    ingest(database, file)
    ingest(fresh, file)
    totals = "SELECT origin, good, bad, fail, unknown, total FROM current_totals ORDER BY 1"
    assert rows(database, totals) == rows(fresh, totals)
    current = one(database, "SELECT count(*) FROM source_packages WHERE is_current")
    assert one(database, "SELECT sum(total) FROM current_totals") == current


def test_an_origin_with_a_sync_gap_is_counted_as_it_was_last_known(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    ingest(database, file)
    before = rows(database, "SELECT origin, total FROM current_totals ORDER BY 1")
    change(file, "UPDATE source_packages SET seen_in_last_sync = 0 WHERE release = 'trixie'")
    ingest(database, file)
    assert rows(database, "SELECT origin, total FROM current_totals ORDER BY 1") == before


def test_totals_of_binary_packages_are_still_listed(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    ingest(database, LEGACY, release="trixie")
    assert one(database, "SELECT sum(total) FROM current_totals") == one(LEGACY, "SELECT count(*) FROM packages")
