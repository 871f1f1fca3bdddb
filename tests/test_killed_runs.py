"""Runs that are killed or interrupted at any moment."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import zstandard
from helpers import (
    DAEMON,
    Row,
    change,
    copy,
    dump,
    ingest,
    is_sound,
    one,
    published,
    restore_interrupts,
    rows,
    run,
)

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "demo" / "rebuilderd.db.zst"
SAID = "Interrupted: what was not finished is undone; run it again.\n"
TABLES_OF_A_RUN = ("ingest_runs", "_sqlite_migrations")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that takes a while to read."""
    path = tmp_path_factory.mktemp("demo") / "rebuilderd.db"
    with DEMO.open("rb") as packed, path.open("wb") as unpacked:
        zstandard.ZstdDecompressor().copy_stream(packed, unpacked)
    return path


def start(database: Path, source: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "ingest", "ingest", database, source, "--name", "r", "--silent"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=restore_interrupts,
    )


def duration(database: Path, source: Path) -> float:
    started = time.monotonic()
    _, said = start(database, source).communicate(timeout=60)
    assert said == b""
    return time.monotonic() - started


def state(database: Path) -> dict[str, list[Row]]:
    """All published rows; none where the database, or its tables, are not there yet."""
    if not database.exists():
        return {}
    return {
        table: found
        for table, found in dump(database, without=TABLES_OF_A_RUN).items()
        if found and "_fts" not in table
    }


def has_tables(database: Path) -> bool:
    return bool(database.exists() and rows(database, "SELECT 1 FROM sqlite_master WHERE name = 'builds'"))


MOMENTS = 20
RUNS = get_context("forkserver")
RUNS.set_forkserver_preload(["helpers", "ingest.schema.migrations", "ingest.failures.catalogue", "hyperscan"])


def beginning(database: Path, source: Path) -> BaseProcess:
    """A run in a process of its own, which has loaded most of what it needs: what is killed is its work."""
    process = RUNS.Process(target=ingest, args=(database, source))
    process.start()
    return process


@pytest.mark.parametrize("begun", [False, True], ids=["first run", "later run"])
def test_a_killed_run_leaves_the_state_before_or_after_and_the_next_one_completes(
    tmp_path: Path, begun: bool
) -> None:
    undisturbed = tmp_path / "undisturbed.db"
    earlier = tmp_path / "earlier.db"
    if begun:
        early = copy(DAEMON, tmp_path)
        limit = one(early, "SELECT id FROM rebuilds ORDER BY id LIMIT 1 OFFSET 40")
        change(
            early,
            f"DELETE FROM rebuild_artifacts WHERE rebuild_id >= {limit}",
            f"DELETE FROM rebuilds WHERE id >= {limit}",
        )
        ingest(earlier, early)
        undisturbed.write_bytes(earlier.read_bytes())
    before = state(earlier)
    beginning(tmp_path / "first.db", DAEMON).join()  # starts the server of processes too
    started = time.monotonic()
    process = beginning(undisturbed, DAEMON)
    process.join()
    takes = time.monotonic() - started
    assert process.exitcode == 0
    complete = published(undisturbed)
    chance = random.Random(28)
    outcomes = set()
    for number in range(MOMENTS):
        database = tmp_path / f"{number}.db"
        if begun:
            database.write_bytes(earlier.read_bytes())
        process = beginning(database, DAEMON)
        time.sleep(takes * (number + chance.random()) / MOMENTS)
        process.kill()
        process.join()

        left = state(database)
        if left != before:
            assert published(database) == complete
        if has_tables(database):
            assert is_sound(database)
        outcomes.add(left == before)

        ingest(database, DAEMON)
        assert published(database) == complete
        assert is_sound(database)
    assert True in outcomes


def test_a_run_killed_while_it_made_the_database_is_no_obstacle(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    with closing(sqlite3.connect(database, isolation_level=None)) as half_made:
        half_made.execute("PRAGMA cache_size = 1")
        half_made.execute("PRAGMA user_version = 1")
        half_made.execute("BEGIN")
        for number in range(50):
            half_made.execute(f"CREATE TABLE unfinished_{number} (column_ TEXT)")
        half_made.execute("PRAGMA cache_spill = 1")
        killed = tmp_path / "killed.db"
        killed.write_bytes(database.read_bytes())
        Path(f"{killed}-journal").write_bytes(Path(f"{database}-journal").read_bytes())
        half_made.execute("ROLLBACK")
    with (
        pytest.raises(sqlite3.OperationalError),
        closing(sqlite3.connect(f"{killed.as_uri()}?mode=ro", uri=True)) as reader,
    ):
        reader.execute("SELECT * FROM sqlite_master")
    assert run("ingest", killed, DAEMON).exit_code == 0
    assert is_sound(killed)


def test_an_interrupted_run_says_so_and_leaves_the_state_before(tmp_path: Path, large: Path) -> None:
    takes = duration(tmp_path / "undisturbed.db", large)
    complete = published(tmp_path / "undisturbed.db")
    said_so = 0
    for number in range(12):
        database = tmp_path / f"{number}.db"
        process = start(database, large)
        while not database.exists() and process.poll() is None:
            time.sleep(0.001)
        time.sleep(takes * number / 20)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        if said == b"":  # it had finished
            assert process.returncode == 0 and published(database) == complete
            continue
        assert said.decode() == SAID
        assert process.returncode == 130
        assert state(database) == {} or published(database) == complete
        said_so += 1
        if state(database) == {} and has_tables(database) and rows(database, "SELECT 1 FROM ingest_runs"):
            assert one(database, "SELECT error FROM ingest_runs") == "interrupted"
    assert said_so


INTERRUPT = "os.kill(os.getpid(), signal.SIGINT)"


INTERRUPTED_SNAPSHOT = f"""
import os, signal
from ingest import snapshots
from ingest.__main__ import main

take = snapshots.take
snapshots.take = lambda *given: {INTERRUPT} or take(*given)
main()
"""


def test_a_run_that_was_started_with_interrupts_ignored_goes_on_to_its_end(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_SNAPSHOT, "ingest", tmp_path / "r.db", DAEMON, "--silent"],
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, b"")
    assert one(tmp_path / "r.db", "SELECT error IS NULL AND snapshots > 0 FROM ingest_runs")


LATE_INTERRUPT = f"{INTERRUPT}\nfor _ in range(9): pass"


@pytest.mark.parametrize(
    "moment",
    [
        f"class Finder: find_spec = lambda name, *_: name == 'ingest.cli' and {INTERRUPT} or None\n"
        "sys.meta_path.insert(0, Finder)",
        f"from ingest import config; config.read_config = lambda path: {INTERRUPT} or []",
        f"from ingest import config; config.read_config = lambda path: exec({LATE_INTERRUPT!r})",
    ],
    ids=["while the command is imported", "before anything began", "in what Python executes from a text"],
)
def test_an_early_interrupt_is_one_sentence_too(tmp_path: Path, moment: str) -> None:
    script = f"import os, signal, sys\n{moment}\nfrom ingest.__main__ import main; main()"
    (tmp_path / "started.py").write_text(script)
    result = subprocess.run(
        [sys.executable, "-m", "started", "ingest", tmp_path / "r.db", "--config", DAEMON],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"},
        preexec_fn=restore_interrupts,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (result.returncode, result.stderr) == (130, SAID)


def test_a_run_killed_in_the_middle_of_its_transaction_is_rolled_back_for_readers(
    tmp_path: Path, large: Path
) -> None:
    database = tmp_path / "r.db"
    ingest(database, DAEMON)
    before = dump(database, without=TABLES_OF_A_RUN)
    script = (
        "import os, sys; from pathlib import Path; from ingest import pipeline, snapshots;"
        "from ingest.cli import cli;"
        "snapshots.take = lambda *arguments: os.kill(os.getpid(), 9);"
        f"cli(['ingest', {str(database)!r}, {str(large)!r}])"
    )
    with closing(sqlite3.connect(database)) as reader:
        reader.execute("BEGIN")
        count = reader.execute("SELECT count(*) FROM builds").fetchone()
        result = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60, check=False)
        assert result.returncode == -signal.SIGKILL
        assert reader.execute("SELECT count(*) FROM builds").fetchone() == count
    assert dump(database, without=TABLES_OF_A_RUN) == before
    assert is_sound(database)
    assert rows(database, "SELECT finished_at, error FROM ingest_runs ORDER BY id DESC LIMIT 1") == [
        (None, None)
    ]
