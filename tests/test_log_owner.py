"""Which database a log store belongs to."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from helpers import DAEMON, LEGACY, ingest, one, rows, run

from ingest import log_file, logs, store
from ingest.logs import LogKey, LogStore

OTHER = "the logs of another database lie there; move or delete them, or name the database differently."
COUNT = "SELECT count(*) FROM logs"


@pytest.mark.parametrize(
    ("database", "beside"),
    [
        ("r.db", "r.logs"),
        ("r.sqlite", "r.sqlite.logs"),
        ("r.DB", "r.DB.logs"),
        ("r.1.db", "r.1.logs"),
        ("r", "r.logs"),
        ("r.logs", "r.logs.logs"),
        (".db", ".db.logs"),
    ],
)
def test_only_the_ending_db_gives_way_to_that_of_the_logs(database: str, beside: str) -> None:
    assert logs.beside(Path("/srv") / database) == Path("/srv") / beside


def test_two_databases_with_one_stem_keep_their_logs_apart(tmp_path: Path) -> None:
    ingest(tmp_path / "r.db", DAEMON)
    ingest(tmp_path / "r.sqlite", LEGACY, release="trixie")
    kept = one(tmp_path / "r.logs", COUNT), one(tmp_path / "r.sqlite.logs", COUNT)
    assert all(kept)
    for store_file in ("r.logs", "r.sqlite.logs"):
        rows(tmp_path / store_file, "UPDATE logs SET stored_at = '2000'")
    for database, source in (("r.db", DAEMON), ("r.sqlite", LEGACY)):
        ingest(tmp_path / database, source, release="trixie", full=True)
    assert (one(tmp_path / "r.logs", COUNT), one(tmp_path / "r.sqlite.logs", COUNT)) == kept


def test_the_logs_of_another_database_are_left_alone(tmp_path: Path) -> None:
    ingest(tmp_path / "r.db", DAEMON)
    before = rows(tmp_path / "r.logs", "SELECT * FROM logs")
    result = run("ingest", tmp_path / "r", LEGACY, "--release", "trixie")
    assert (result.exit_code, result.stderr) == (1, f"Error: {tmp_path}/r.logs: {OTHER}\n")
    assert run("ingest", tmp_path / "r", LEGACY, "--release", "trixie", "--keep-logs", "none").exit_code == 0
    for command in ("categorise", "rules suggest"):
        result = run(*command.split(), tmp_path / "r")
        assert (result.exit_code, result.stderr) == (1, f"Error: {tmp_path}/r.logs: {OTHER}\n")
    assert rows(tmp_path / "r.logs", "SELECT * FROM logs") == before


def test_a_database_made_anew_is_another_one_until_the_old_logs_are_gone(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    ingest(database, DAEMON)
    for file in tmp_path.glob("r.db*"):
        file.unlink()
    assert run("ingest", database, DAEMON).stderr == f"Error: {tmp_path}/r.logs: {OTHER}\n"
    for file in tmp_path.glob("r.logs*"):
        file.unlink()
    assert run("ingest", database, DAEMON).exit_code == 0


def test_renamed_files_and_copies_of_both_stay_together(tmp_path: Path) -> None:
    ingest(tmp_path / "r.db", DAEMON)
    kept = one(tmp_path / "r.logs", COUNT)
    (tmp_path / "baked").mkdir()
    for name in ("r.db", "r.logs"):
        with closing(sqlite3.connect(tmp_path / name)) as connection:
            connection.execute("VACUUM INTO ?", (f"{tmp_path}/baked/{name}",))
    for name in ("db", "logs"):
        (tmp_path / f"r.{name}").rename(tmp_path / f"other.{name}")
    for database in (tmp_path / "other.db", tmp_path / "baked" / "r.db"):
        result = run("categorise", database)
        assert result.exit_code == 0 and "not kept" not in result.stdout
        assert ingest(database, DAEMON, full=True).notes == []
        assert one(logs.beside(database), COUNT) == kept


def test_a_store_that_nobody_claimed_belongs_to_the_first_that_writes(tmp_path: Path) -> None:
    key = LogKey("r", 1, "build", 7)
    path = tmp_path / "r.logs"
    with LogStore(path) as kept:
        kept.put(key, None, b"log")
    with LogStore(path, owner=1, read_only=True) as kept:
        assert kept.get(key, None)
    with LogStore(path, owner=2) as kept:
        assert kept.get(key, None)
    assert logs.read(path, key, None, 2)
    assert logs.read(path, key, None, 1) is None
    with closing(log_file.connect(path, 2, 1)) as connection:
        assert connection.execute("SELECT identity FROM owner").fetchall() == [(2,)]


def test_every_database_has_an_identity_of_its_own_that_stays(tmp_path: Path) -> None:
    found = []
    for name in ("a.db", "b.db", "a.db"):
        with store.open_database(tmp_path / name) as connection:
            found.append(store.identity(connection))
    assert found[0] == found[2] != found[1]
