"""What docs/deploy.md promises: the image, the units, live and baked publishing."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sqlite3
import subprocess
import sys
from contextlib import AbstractContextManager, closing
from pathlib import Path

import httpx
import pytest
from conftest import unavailable
from helpers import DAEMON, MIGRATED, ingest
from served import ROOT, SITE, answering, lay_out, serving

BIN = Path(sys.executable).parent
UNITS = ROOT / "contrib/systemd"
ENTRYPOINT = ROOT / "contrib/docker/entrypoint"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{BIN}:{os.environ['PATH']}"}
HERE = ("--host", "127.0.0.1", "--port", "0")
REBUILDERS = "/reproducibility.json?_shape=arrayfirst&sql=SELECT+name+FROM+rebuilders+ORDER+BY+id"
Step = tuple[str, str]


@pytest.fixture(scope="module")
def stages() -> list[list[Step]]:
    """The Dockerfile's instructions, stage by stage."""
    lines = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    found: list[list[Step]] = []
    for line in filter(None, lines.splitlines()):
        word, rest = line.split(None, 1)
        if word == "FROM":
            found.append([])
        found[-1].append((word, rest))
    return found


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The site, with a link to a database that lies elsewhere, as units and image have it."""
    folder, state = lay_out(tmp_path / "site"), tmp_path / "state"
    state.mkdir()
    (folder / "reproducibility.db").symlink_to(state / "reproducibility.db")
    return folder


def copied(stage: list[Step]) -> list[str]:
    """What a stage takes out of the repository."""
    return [
        name
        for word, rest in stage
        if word == "COPY" and not rest.startswith("--from=")
        for name in rest.split()[:-1]
    ]


def instruction(stage: list[Step], word: str) -> str:
    """The one instruction of that name."""
    (found,) = [rest for name, rest in stage if name == word]
    return found


def started(folder: Path, *command: str | Path) -> AbstractContextManager[str]:
    """A server that is started by a command in a folder."""
    return answering(
        subprocess.Popen(
            command, cwd=folder, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
    )


def setting(unit: str, name: str) -> str:
    """One setting of a unit."""
    return re.findall(rf"^{name}=(.*)$", (UNITS / unit).read_text(), re.MULTILINE)[0]


def bake(folder: Path) -> Path:
    """Bakes as the docs say; returns the folder with everything."""
    commands = re.search(
        r"^## Baked\n\n```\n(.*?)```", (ROOT / "docs/deploy.md").read_text(), re.DOTALL | re.M
    )
    assert commands
    subprocess.run(
        ["sh", "-eu", "-c", commands[1]], cwd=folder, env=ENVIRONMENT, check=True, capture_output=True
    )
    return folder / "baked"


# The image


def test_what_the_image_copies_is_in_git_and_in_the_build_context(stages: list[list[Step]]) -> None:
    context = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"}
    sources = [name.rstrip("/") for stage in stages for name in copied(stage)]
    assert sources
    for source in sources:
        assert any(source == name or source.startswith(f"{name}/") for name in context), source
        files = subprocess.run(["git", "ls-files", source], cwd=ROOT, capture_output=True, text=True).stdout
        assert files, f"{source} is not in git"


def test_the_image_has_the_whole_site(stages: list[list[Step]]) -> None:
    assert set(SITE) <= {name.rstrip("/") for name in copied(stages[-1])}


def test_the_build_context_is_a_list_of_what_may_enter() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"


def test_the_final_image_has_no_build_tools_and_no_rights(stages: list[list[Step]]) -> None:
    final = stages[-1]
    commands = " ".join(rest for word, rest in final if word == "RUN")
    assert "slim" in instruction(final, "FROM")
    assert not re.search(r"apt-get|\binstall(?! --directory)|gcc|build-essential", commands)
    assert "pip uninstall" in commands
    user = instruction(final, "USER").split(":")[0]
    assert user.isdecimal() and int(user) > 0
    last = max(index for index, (word, _) in enumerate(final) if word in ("RUN", "COPY"))
    assert [word for word, _ in final].index("USER") > last


def test_the_health_check_is_answered_by_what_the_image_starts(stages: list[list[Step]], site: Path) -> None:
    ingest(site / "reproducibility.db", DAEMON)
    final = stages[-1]
    assert json.loads(instruction(final, "ENTRYPOINT")) == [ENTRYPOINT.name]
    python, *check = json.loads(instruction(final, "HEALTHCHECK").split("CMD ", 1)[1])
    with started(site, ENTRYPOINT, *json.loads(instruction(final, "CMD")), *HERE) as address:
        check = [part.replace("http://127.0.0.1:8001", address) for part in check]
        assert address in check[-1]
        assert subprocess.run([BIN / python, *check]).returncode == 0
    assert subprocess.run([BIN / python, *check], capture_output=True).returncode == 1


def test_the_image_runs_the_commands_of_rebuilderd_datasette(site: Path) -> None:
    if not shutil.which("rebuilderd-datasette", path=ENVIRONMENT["PATH"]):
        unavailable("rebuilderd-datasette is not installed: pip install --editable .")
    said = subprocess.run(
        [ENTRYPOINT, "ingest", "reproducibility.db", DAEMON, "--name", "tiny"],
        cwd=site,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert (said.returncode, said.stderr) == (0, "") and said.stdout.startswith("tiny: ")
    assert (site / "reproducibility.db").is_symlink()
    assert sorted(path.name for path in (site.parent / "state").iterdir()) == [
        "reproducibility.db",
        "reproducibility.logs",
    ]


def test_before_the_first_ingest_the_image_says_what_to_do(site: Path) -> None:
    said = subprocess.run(
        [ENTRYPOINT, "serve", *HERE], cwd=site, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert said.returncode == 1
    assert said.stderr.startswith("Error: There is no reproducibility.db in this folder yet.")


# The units


@pytest.mark.parametrize("unit", sorted(path.name for path in UNITS.iterdir()))
def test_systemd_finds_nothing_wrong_with_the_units(unit: str, tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        unavailable("systemd-analyze is missing: apt install systemd")
    program = tmp_path / "rebuilderd-datasette"
    program.touch(mode=0o755)
    for path in UNITS.iterdir():
        text = re.sub(r"(?<=^ExecStart=)\S+", str(program), path.read_text(), flags=re.MULTILINE)
        (tmp_path / path.name).write_text(text)
    said = subprocess.run(["systemd-analyze", "verify", tmp_path / unit], capture_output=True, text=True)
    assert (said.returncode, said.stderr) == (0, "")


@pytest.mark.parametrize("unit", sorted(path.name for path in UNITS.glob("*.service")))
def test_the_services_have_few_rights(unit: str) -> None:
    if not shutil.which("systemd-analyze"):
        unavailable("systemd-analyze is missing: apt install systemd")
    said = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=15", UNITS / unit],
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stdout


# Live


def test_a_live_site_shows_new_rows_without_a_restart(site: Path) -> None:
    database = site / "reproducibility.db"
    ingest(database, DAEMON, name="first")
    program, *options = shlex.split(setting("rebuilderd-datasette.service", "ExecStart"))
    assert Path(program).parent == Path(
        setting("rebuilderd-datasette.service", "WorkingDirectory"), ".venv/bin"
    )
    with started(site, BIN / Path(program).name, *options, *HERE) as address:
        assert httpx.get(address + REBUILDERS).json() == ["first"]
        assert httpx.get(address + "/.json").json()["reproducibility"]["hash"] is None, (
            "an immutable database"
        )
        ingest(database, MIGRATED, name="second", release="trixie")
        assert httpx.get(address + REBUILDERS).json() == ["first", "second"]


def test_a_live_site_shows_logs_that_lie_beside_the_database_itself(site: Path) -> None:
    ingest(site / "reproducibility.db", DAEMON)
    with serving(site) as address:
        failure = httpx.get(f"{address}/reproducibility/failures.json?_shape=array&log_bytes__gt=0").json()[0]
        log = httpx.get(f"{address}/failures/{failure['id']}/log")
    assert log.status_code == 200 and len(log.content) == failure["log_bytes"]
    assert not list(site.glob("*.logs"))


# Baked


def test_a_baked_database_is_one_file_with_all_rows_though_others_use_it(site: Path) -> None:
    database = site / "reproducibility.db"
    ingest(database, DAEMON)
    with (
        closing(sqlite3.connect(database, isolation_level=None)) as reader,
        closing(sqlite3.connect(database)) as writer,
    ):
        reader.execute("BEGIN").execute("SELECT count(*) FROM rebuilders").fetchone()
        with writer:
            writer.execute("UPDATE rebuilders SET name = 'only in the write-ahead log'")
        # A reader holds the checkpoint back, so the file itself does not have the row.
        assert b"only in the write-ahead log" not in database.read_bytes()
        baked = bake(site.parent / "state")
    assert sorted(path.name for path in baked.iterdir()) == [
        "inspect-data.json",
        "reproducibility.db",
        "reproducibility.logs",
    ]
    assert (baked / "reproducibility.db").read_bytes()[18:20] == b"\x01\x01", "a WAL database"
    assert b"only in the write-ahead log" in (baked / "reproducibility.db").read_bytes()


def test_a_baked_site_is_served_as_immutable_and_writes_nothing(site: Path) -> None:
    ingest(site / "reproducibility.db", DAEMON, name="tiny")
    baked = lay_out(bake(site.parent / "state"))
    before = {path.name for path in baked.iterdir()}
    with started(baked, ENTRYPOINT, "serve", *HERE) as address:
        hash = httpx.get(address + "/.json").json()["reproducibility"]["hash"]
        assert hash == json.loads((baked / "inspect-data.json").read_text())["reproducibility"]["hash"]
        assert httpx.get(address + REBUILDERS).json() == ["tiny"]
        failure = httpx.get(f"{address}/reproducibility/failures.json?_shape=array&log_bytes__gt=0").json()[0]
        assert httpx.get(f"{address}/failures/{failure['id']}/log").status_code == 200
        assert {path.name for path in baked.iterdir()} == before


# Settings


def refused(*command: str | Path, folder: Path) -> str:
    """What a command says that does not start."""
    said = subprocess.run(command, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
    assert said.returncode == 1
    return said.stderr


def has_our_settings(address: str) -> bool:
    """Datasette's own pages have a hundred rows."""
    return len(httpx.get(f"{address}/reproducibility/build_artifacts.json?_shape=array").json()) == 50


def test_where_a_setting_that_is_given_drops_the_others_nothing_starts_but_the_command_that_is_named(
    site: Path,
) -> None:
    ingest(site / "reproducibility.db", DAEMON)
    said = refused("datasette", ".", *HERE, "--setting", "base_url", "/results/", folder=site)
    assert said.startswith("Error: settings.json is not read")
    assert "max_returned_rows" in said and "allow_download" in said and "Traceback" not in said
    named = shlex.split(said.rpartition("\n\n")[2])
    with started(site, *named) as address:
        assert has_our_settings(f"{address}/results")
        assert httpx.get(f"{address}/results/reproducibility.db").status_code == 403


def test_without_its_folder_the_site_does_not_start_with_datasettes_settings(site: Path) -> None:
    ingest(site / "reproducibility.db", DAEMON)
    said = refused(
        "datasette", "reproducibility.db", "--plugins-dir", "plugins", "--template-dir", "templates", *HERE,
        folder=site,
    )  # fmt: skip
    assert "sql_time_limit_ms" in said


def test_another_value_on_purpose_is_fine_though_it_is_datasettes_own(site: Path) -> None:
    ingest(site / "reproducibility.db", DAEMON)
    said = refused("datasette", ".", *HERE, "--setting", "num_sql_threads", "3", folder=site)
    assert "num_sql_threads" not in said.partition("Write")[0]
    with started(site, *shlex.split(said.rpartition("\n\n")[2])) as address:
        assert has_our_settings(address)


def test_the_image_starts_with_a_setting_that_is_given_and_all_others(site: Path, tmp_path: Path) -> None:
    ingest(site / "reproducibility.db", DAEMON)
    before = (site / "settings.json").read_text()
    with started(site, ENTRYPOINT, "serve", *HERE, "--setting", "default_cache_ttl", "3600") as address:
        assert "max-age=3600" in httpx.get(f"{address}/reproducibility/builds").headers["Cache-Control"]
        assert has_our_settings(address)
        assert httpx.get(f"{address}/reproducibility/failures.json?_shape=array&log_bytes__gt=0").json()
    assert (site / "settings.json").read_text() == before


@pytest.mark.parametrize("given", [("max_rows", "3"), ("max_csv_mb", "many"), ("suggest_facets",)])
def test_the_image_says_what_is_wrong_with_a_setting(site: Path, given: tuple[str, ...]) -> None:
    said = refused(ENTRYPOINT, "serve", "--setting", *given, folder=site)
    assert said.startswith(f"Error: --setting {' '.join(given)}") and said.count("\n") == 1


def test_the_docs_give_a_reason_for_each_setting() -> None:
    documented = dict(
        re.findall(r"^\| `(\w+)` \| (\w+)", (ROOT / "docs/deploy.md").read_text(), re.MULTILINE)
    )
    settings = json.loads((ROOT / "settings.json").read_text())
    assert documented == {name: json.dumps(value) for name, value in settings.items()}
