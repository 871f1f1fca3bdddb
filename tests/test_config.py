"""``rebuilders.toml``: many instances, one run each."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import DAEMON, LEGACY, MIGRATED, one, rows, run

from ingest.config import Instance, read_config
from ingest.errors import ConfigError


def write(folder: Path, text: str) -> Path:
    path = folder / "rebuilders.toml"
    path.write_text(text)
    return path


def test_every_rebuilder_of_the_file_is_ingested(tmp_path: Path) -> None:
    config = write(
        tmp_path,
        f'[rebuilders.new]\nsource = "{DAEMON}"\n[rebuilders.old]\nsource = "{LEGACY}"\nrelease = "trixie"\n',
    )
    result = run("ingest", tmp_path / "r.db", "--config", config)
    assert result.exit_code == 0
    assert [line.partition(":")[0] for line in result.output.splitlines()] == ["new", "old"]
    assert rows(tmp_path / "r.db", "SELECT name, kind FROM rebuilders ORDER BY id") == [
        ("new", "database"),
        ("old", "legacy database"),
    ]


def test_a_configuration_is_utf_8_whatever_the_locale_says(tmp_path: Path) -> None:
    config = tmp_path / "rebuilders.toml"
    config.write_bytes('[rebuilders."büro"]\nsource = "x.db"\n'.encode())
    script = "import sys; from pathlib import Path; from ingest.config import read_config as read;"
    printed = subprocess.run(
        [sys.executable, "-c", f"{script} print(ascii(read(Path(sys.argv[1])).instances[0].name))", config],
        env=os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    assert printed.strip() == rb"'b\xfcro'"


def test_one_bad_source_does_not_stop_the_others(tmp_path: Path) -> None:
    config = write(
        tmp_path,
        f'[rebuilders.one]\nsource = "{DAEMON}"\n[rebuilders.bad]\nsource = "missing.db"\n'
        f'[rebuilders.two]\nsource = "{MIGRATED}"\n',
    )
    result = run("ingest", tmp_path / "r.db", "--config", config)
    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: {tmp_path}/missing.db: no such file; name a rebuilder's URL or its database file.\n"
    )
    runs = "SELECT rebuilder, error IS NULL, builds > 0 FROM ingest_runs ORDER BY id"
    assert rows(tmp_path / "r.db", runs) == [("one", 1, 1), ("bad", 0, None), ("two", 1, 1)]
    assert one(tmp_path / "r.db", "SELECT count(*) FROM rebuilders") == 2


def test_file_names_are_relative_to_the_configuration(tmp_path: Path) -> None:
    config = write(
        tmp_path, '[rebuilders.a]\nsource = "a.db"\n[rebuilders.b]\nsource = "https://b.example"\n'
    )
    assert list(read_config(config).instances) == [
        Instance(str(tmp_path / "a.db"), "a"),
        Instance("https://b.example", "b"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names no rebuilder"),
        ("rebuilders = 5", "names no rebuilder"),
        ("[rebuilders]", "names no rebuilder"),
        ("[rebuilders.a]", 'needs source = "URL or file"'),
        ("[rebuilders.a]\nsource = 5", 'needs source = "URL or file"'),
        ('[rebuilders.a]\nsource = "x"\ncolour = "red"', "unknown key colour"),
        ('[rebuilders.a]\nsource = "x"\nrelease = 13', "release must be a text"),
        ('[rebuilders.a]\nsource = "x"\n[other]', "unknown key or table other"),
        ('rules = "one"\n[rebuilders.a]\nsource = "x"', "rules must be a list of files"),
        ("[rebuilders.a", "not TOML"),
        (f"a = {'9' * 5000}", "not TOML"),
        (f"a = {'[' * 10_000}", "nested too deeply"),
        ("rebuilders.a = 1", 'needs source = "URL or file"'),
    ],
    ids=lambda text: text[:30],
)
def test_a_mistake_in_the_configuration_is_said_in_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    config = write(tmp_path, text)
    with pytest.raises(ConfigError, match=said):
        read_config(config)
    result = run("ingest", tmp_path / "r.db", "--config", config)
    assert result.exit_code == 1 and said in result.stderr and not (tmp_path / "r.db").exists()


def test_a_configuration_that_is_no_text_is_said_to_be_none(tmp_path: Path) -> None:
    config = tmp_path / "rebuilders.toml"
    config.write_bytes(b"\xff\xfe\0")
    result = run("ingest", tmp_path / "r.db", "--config", config)
    assert result.exit_code == 1 and "not TOML" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["r.db"],
        ["r.db", "x.db", "--config", "rebuilders.toml"],
        ["r.db", "--config", "rebuilders.toml", "--name", "x"],
        ["r.db", "--config", "rebuilders.toml", "--release", "x"],
        ["r.db", "--config", "missing.toml"],
        ["r.db", "x.db", "--colour"],
        [".", "x.db"],
    ],
    ids=" ".join,
)
def test_a_wrong_call_is_a_usage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    write(tmp_path, f'[rebuilders.a]\nsource = "{DAEMON}"\n')
    monkeypatch.chdir(tmp_path)
    result = run("ingest", *arguments)
    assert result.exit_code == 2 and "Usage:" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["rebuilders.toml"]


def test_rules_of_the_configuration_are_used_for_all(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('[backend.all]\ncategories = [{ name = "Mine", catch_all = true }]\n')
    config = write(tmp_path, f'rules = ["mine.toml"]\n[rebuilders.a]\nsource = "{DAEMON}"\n')
    assert run("ingest", tmp_path / "r.db", "--config", config).exit_code == 0
    assert rows(tmp_path / "r.db", "SELECT DISTINCT category FROM current_failures") == [("Mine",)]


def test_missing_rules_are_reported_before_anything_is_written(tmp_path: Path) -> None:
    config = write(tmp_path, f'rules = ["missing.toml"]\n[rebuilders.a]\nsource = "{DAEMON}"\n')
    result = run("ingest", tmp_path / "r.db", "--config", config)
    assert result.exit_code == 1
    assert "missing.toml: cannot be read" in result.stderr
    assert not (tmp_path / "r.db").exists()
