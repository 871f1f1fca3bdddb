"""Commands that only read: by somebody who may do no more, and without a change to any file."""

from __future__ import annotations

import shlex
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from helpers import DAEMON, ingest, one, rows, run, without_privileges

from ingest import schema, store

COMMANDS = ("rebuilders", "export tracker-json", "statistics list", "rules suggest", "rules check --database")


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database and its logs at rest, in WAL mode."""
    database = tmp_path_factory.mktemp("ingested") / "r.db"
    ingest(database, DAEMON)
    return database


@pytest.fixture
def database(ingested: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    shutil.copytree(ingested.parent, folder)
    return folder / ingested.name


def arguments(command: str, database: Path) -> list[str | Path]:
    """The command for that database; rules are checked with one rule, which is quick."""
    if not command.startswith("rules check"):
        return [*command.split(), database]
    rules = database.parent.parent / "one.toml"
    rules.write_text('[backend.all]\ncategories = [{name = "any", catch_all = true}]\n')
    return [*command.split(), database, rules]


def bake(database: Path) -> None:
    """Out of WAL mode, as ``VACUUM INTO`` leaves its copy."""
    for file in (database, database.with_suffix(".logs")):
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA journal_mode = delete")


def contents(database: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in database.parent.iterdir()}


@pytest.mark.parametrize("command", COMMANDS)
def test_whoever_may_only_read_gets_the_answer_and_changes_nothing(database: Path, command: str) -> None:
    said = run(*arguments(command, database))
    for is_baked in (False, True):
        if is_baked:
            bake(database)
        before = contents(database)
        for path in (*database.parent.iterdir(), database.parent):
            path.chmod(0o555 if path.is_dir() else 0o444)
        result = without_privileges(*arguments(command, database))
        database.parent.chmod(0o755)
        for path in database.parent.iterdir():
            path.chmod(0o644)
        assert (result.returncode, result.stderr, result.stdout) == (0, said.stderr, said.stdout)
        assert contents(database) == before


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("is_baked", [False, True])
def test_whoever_may_write_changes_no_byte_either(database: Path, command: str, is_baked: bool) -> None:
    if is_baked:
        bake(database)
    before = contents(database)
    assert run(*arguments(command, database)).exit_code == 0
    after = contents(database)
    assert {name: after[name] for name in before} == before
    assert not any(content for name, content in after.items() if name.endswith("-wal"))
    assert not is_baked or after.keys() == before.keys()


def test_what_a_running_ingest_has_committed_is_read(database: Path) -> None:
    with closing(sqlite3.connect(database)) as writer, writer:
        writer.execute("UPDATE rebuilders SET url = 'only in the write-ahead log'")
        writer.commit()
        assert "only in the write-ahead log" in run("rebuilders", database).stdout
        assert b"only in the write-ahead log" not in database.read_bytes()


def test_a_write_ahead_log_that_cannot_be_read_is_named_and_not_passed_over(
    database: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    with closing(sqlite3.connect(database)) as writer, writer:
        writer.execute("UPDATE rebuilders SET url = 'only in the write-ahead log'")
        writer.commit()
        other.mkdir()
        for suffix in ("", "-wal"):
            shutil.copyfile(f"{database}{suffix}", other / f"r.db{suffix}")
    other.chmod(0o555)
    result = without_privileges("rebuilders", other / "r.db")
    other.chmod(0o755)
    assert result.returncode == 1
    assert result.stderr == (
        f"Error: {other}/r.db: what r.db-wal holds belongs to it and cannot be read without writing; read it as"
        " the user who ingests, or read a copy made with VACUUM INTO.\n"
    )
    assert "only in the write-ahead log" in run("rebuilders", other / "r.db").stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_a_database_of_an_older_version_stays_so_and_the_command_that_updates_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    database = tmp_path / "old.db"
    names = schema.migration_names()
    with monkeypatch.context() as older, closing(store.connect(database)) as connection:
        older.setattr(schema, "migration_names", lambda: names[:-1])
        schema.apply(connection)
    before = database.read_bytes()
    result = run(*arguments(command, database))
    assert result.exit_code == 1 and result.stderr.count("\n") == 1
    assert result.stderr.startswith(f"Error: {database}: it was made by an older version of this program; ")
    assert database.read_bytes() == before
    program, *update = shlex.split(result.stderr.split("`")[1])
    assert program == "rebuilderd-datasette" and run(*update).exit_code == 0
    assert run(*arguments(command, database)).exit_code == 0


def test_a_view_of_an_older_version_is_told_too(database: Path) -> None:
    rows(database, "DROP VIEW flaky_packages")
    assert "made by an older version" in run("rebuilders", database).stderr
    assert one(database, "SELECT count(*) FROM sqlite_master WHERE name = 'flaky_packages'") == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_another_programs_database_is_named(tmp_path: Path, command: str) -> None:
    file = tmp_path / "rebuilderd.db"
    shutil.copyfile(DAEMON, file)
    result = run(*arguments(command, file))
    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: {file}: it is another program's SQLite database; name a file of our own or a new one.\n"
    )
    assert file.read_bytes() == DAEMON.read_bytes()
