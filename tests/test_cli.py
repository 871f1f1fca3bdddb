"""The commands as a user meets them."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from helpers import DAEMON, FIXTURES, MIGRATED, rows, run

from ingest.progress import Progress


def test_rebuilders_lists_what_is_known_how_fresh_and_what_went_wrong(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    assert run("ingest", database, DAEMON, "--name", "debian-amd64").exit_code == 0
    assert run("ingest", database, tmp_path / "absent.db", "--name", "elsewhere").exit_code == 1
    result = run("rebuilders", database)
    assert result.exit_code == 0
    known, _, unknown = result.stdout.partition("elsewhere (never read)")
    assert "debian-amd64 (database)" in known and "source packages: 85 current" in known
    assert "last error" not in known
    assert "source:          absent.db" in unknown and "last ingest:     never" in unknown
    assert "no such file" in unknown and "source packages" not in unknown and "builds" not in unknown
    assert rows(
        database, "SELECT current_source_packages, builds FROM rebuilder_freshness ORDER BY rebuilder"
    ) == [(85, 165), (None, None)]


def test_a_mistyped_rebuilder_can_be_forgotten_and_no_other(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    for source in (DAEMON, tmp_path / "moved.db"):
        run("ingest", database, source, "--name", "debian")
    run("ingest", database, tmp_path / "absent.db", "--name", "debain")
    assert "debain (never read)" in run("rebuilders", database).stdout
    result = run("rebuilders", database, "--forget", "debain")
    assert result.exit_code == 0 and "debain" not in result.stdout and "debian (database)" in result.stdout
    for name in ("debian", "debain", "nobody", ""):
        before = rows(database, "SELECT * FROM ingest_runs")
        result = run("rebuilders", database, "--forget", name)
        assert result.exit_code == 1 and f"has no “{name}” that was never read" in result.stderr
        assert rows(database, "SELECT * FROM ingest_runs") == before
    assert len(before) == 2


def test_a_database_without_rebuilders_says_so(tmp_path: Path) -> None:
    (tmp_path / "r.db").touch()
    assert run("rebuilders", tmp_path / "r.db").stdout == "No rebuilder was ingested yet.\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["ingest"],
        ["ingest", "r.db"],
        ["ingest", "r.db", "source.db", "--config", __file__],
        ["ingest", "r.db", "--config", __file__, "--name", "r"],
        ["ingest", "r.db", "--config", "absent.toml"],
        ["ingest", "r.db", "/"],
        ["ingest", "r.db", ""],
        ["rebuilders", "absent.db"],
        ["nonsense"],
    ],
)
def test_wrong_usage_is_exit_code_2(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert result.exit_code == 2 and "Usage: " in result.stderr
    assert not (tmp_path / "r.db").exists()


def test_a_run_ends_with_one_line_and_silent_with_none(tmp_path: Path) -> None:
    first = run("ingest", tmp_path / "r.db", DAEMON, "--name", "demo")
    assert first.stdout.startswith("demo: 165 builds, ") and first.stderr == ""
    assert run("ingest", tmp_path / "r.db", DAEMON, "--name", "demo").stdout.startswith("demo: unchanged (")
    silent = run("ingest", tmp_path / "r.db", DAEMON, "--name", "demo", "--full", "--silent")
    assert (silent.stdout, silent.stderr, silent.exit_code) == ("", "", 0)


def test_snapshots_are_news_too(tmp_path: Path) -> None:
    stats = run("ingest", tmp_path / "r.db", FIXTURES / "stats.json")
    assert re.match(r"stats: [1-9]\d* snapshots \(", stats.stdout)


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for source in (tmp_path, tmp_path / "pipe"):
        result = run("ingest", tmp_path / "r.db", source)
        assert result.exit_code == 1 and "not a file" in result.stderr


@pytest.mark.parametrize(
    ("option", "table"), [("distribution", "origins"), ("release", "origins"), ("rebuilder", "rebuilders")]
)
def test_an_export_of_what_is_not_there_is_an_error_and_replaces_nothing(
    tmp_path: Path, option: str, table: str
) -> None:
    run("ingest", tmp_path / "r.db", DAEMON, "--name", "tiny")
    (tmp_path / "out").write_text("old")
    result = run("export", "requeue", tmp_path / "r.db", f"--{option}", "tyni", "-o", tmp_path / "out")
    assert result.exit_code == 1
    assert result.stderr == f"Error: --{option} tyni: not in the database; see the table {table}.\n"
    assert (tmp_path / "out").read_text() == "old"


def test_a_new_generation_is_told_and_what_to_do_if_it_is_none(tmp_path: Path) -> None:
    run("ingest", tmp_path / "r.db", DAEMON, "--name", "rebuilderd")
    other = run("ingest", tmp_path / "r.db", MIGRATED, "--name", "rebuilderd")
    assert other.exit_code == 0 and "generation 2 begins" in other.stdout and "--name" in other.stdout


@pytest.mark.parametrize("command", [[], ["ingest"], ["rebuilders"]])
def test_help_shows_examples(command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert not command or "Example" in result.stdout


def test_a_bar_is_drawn_for_steps_and_none_for_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    progress = Progress()
    for label, length in (("something", 2), ("nothing", 0)):
        with progress.bar(label, length) as advance:
            advance(length)
    drawn = capsys.readouterr().err
    assert "something" in drawn and "nothing" not in drawn
