"""The log store: a cache beside the database that may be deleted, damaged or in use at any time."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from helpers import change, is_sound, one, rows
from hypothesis import given
from hypothesis import strategies as st

from ingest import logs, store
from ingest.errors import DatabaseError
from ingest.logs import LogKey, LogStore, StoredLog

BUILT = "2026-11-20T10:00:00Z"
KEY = LogKey("r", 1, "build", 7)


def keys(count: int) -> list[LogKey]:
    return [LogKey("r", 1, "build", id) for id in range(count)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return logs.beside(tmp_path / "reproducibility.db")


def filled(path: Path, count: int = 3, built_at: str = BUILT) -> list[LogKey]:
    """A store with some logs."""
    with LogStore(path) as kept:
        for key in keys(count):
            kept.put(key, built_at, b"log %d" % key.upstream_id)
    return keys(count)


def age(path: Path, days: int) -> None:
    change(path, f"UPDATE logs SET stored_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-{days} days')")


def test_the_store_lies_beside_the_database() -> None:
    assert logs.beside(Path("/srv/reproducibility.db")) == Path("/srv/reproducibility.logs")


def test_the_store_lies_beside_the_database_that_a_link_leads_to(tmp_path: Path) -> None:
    (link := tmp_path / "reproducibility.db").symlink_to("/var/lib/elsewhere/reproducibility.db")
    assert logs.beside(link) == Path("/var/lib/elsewhere/reproducibility.logs")


def test_a_log_comes_back_as_it_was_put(path: Path) -> None:
    contents = {
        KEY: b"\x28\xb5\x2f\xfd\x00\xff",
        KEY._replace(kind="diffoscope"): b"",
        KEY._replace(generation=2): None,
    }
    with LogStore(path) as kept:
        for key, content in contents.items():
            kept.put(key, BUILT, content)
            assert kept.get(key, BUILT) == StoredLog(content), "before it is committed"
    with LogStore(path) as kept:
        assert {key: kept.get(key, BUILT) for key in contents} == {
            key: StoredLog(content) for key, content in contents.items()
        }
    assert logs.read(path, KEY, BUILT) == StoredLog(b"\x28\xb5\x2f\xfd\x00\xff")


@given(
    st.dictionaries(
        st.builds(
            LogKey, st.sampled_from(["a", "é b"]), st.integers(1, 2), st.sampled_from(["build", "diffoscope"]),
            st.integers(-1, 2**62),
        ),
        st.tuples(st.sampled_from([BUILT, None]), st.none() | st.binary(max_size=100)),
    ),
    st.integers(1, 4),
)  # fmt: skip
def test_what_was_put_last_is_found_and_nothing_else_is(
    tmp_path_factory: pytest.TempPathFactory,
    wanted: dict[LogKey, tuple[str | None, bytes | None]],
    batch: int,
) -> None:
    path = tmp_path_factory.mktemp("logs") / "r.logs"
    with pytest.MonkeyPatch.context() as patch, LogStore(path) as kept:
        patch.setattr(logs, "BATCH_LOGS", batch)
        for key, (built_at, content) in wanted.items():
            kept.put(key, built_at, b"older")
            kept.put(key, built_at, content)
        for key, (built_at, content) in wanted.items():
            assert kept.get(key, built_at) == StoredLog(content)
            assert kept.get(key, "2020-01-01T00:00:00Z") is None
        assert not list(kept.missing((key, built_at) for key, (built_at, _) in wanted.items()))
    assert path.exists() == bool(wanted)


def test_a_log_of_another_build_with_the_same_id_does_not_count(path: Path) -> None:
    key, *_ = filled(path)
    with LogStore(path) as kept:
        assert kept.get(key, "2026-11-21T00:00:00Z") is None
        assert list(kept.missing([(key, "2026-11-21T00:00:00Z"), (key, BUILT)])) == [key]
        kept.put(key, "2026-11-21T00:00:00Z", b"newer")
        assert kept.get(key, BUILT) is None
    assert one(path, "SELECT count(*) FROM logs") == 3


def test_asking_makes_no_file(path: Path) -> None:
    with LogStore(path) as kept:
        assert kept.get(KEY, BUILT) is None
        assert list(kept.missing([(KEY, BUILT)])) == [KEY]
        assert kept.prune([], 1) == 0
    assert logs.read(path, KEY, BUILT) is None
    assert not list(path.parent.iterdir())


def test_reading_for_the_site_leaves_nothing_beside_the_store(path: Path) -> None:
    key, *_ = filled(path)
    before = path.read_bytes()
    assert logs.read(path, key, BUILT) == StoredLog(b"log 0")
    assert list(path.parent.iterdir()) == [path] and path.read_bytes() == before


def test_the_site_reads_what_a_running_ingest_has_committed(path: Path) -> None:
    with LogStore(path) as kept:
        kept.put(KEY, BUILT, b"log")
        kept.flush()
        assert logs.read(path, KEY, BUILT) == StoredLog(b"log")


# Batches and kills


def test_logs_are_committed_in_batches(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "BATCH_LOGS", 3)
    monkeypatch.setattr(logs, "BATCH_BYTES", 100)
    with LogStore(path) as kept:
        kept.put(keys(1)[0], BUILT, b"x" * 99)
        assert not path.exists()
        kept.put(KEY, BUILT, b"x")
        assert one(path, "SELECT count(*) FROM logs") == 2, "100 bytes"
        for key in keys(3):
            kept.put(key, BUILT, None)
        assert one(path, "SELECT count(*) FROM logs WHERE content IS NULL") == 3, "3 logs"
        monkeypatch.setattr(logs, "BATCH_SECONDS", 0.0)
        kept.put(KEY, BUILT, b"y")
        assert one(path, "SELECT count(*) FROM logs WHERE content = x'79'") == 1, "after a while"


def test_a_killed_run_leaves_what_it_had_committed(path: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path; from ingest.logs import *\n"
        "kept = LogStore(Path(sys.argv[1]))\n"
        "for id in range(BATCH_LOGS + 50): kept.put(LogKey('r', 1, 'build', id), None, b'log')\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    assert ended.returncode == -signal.SIGKILL
    wanted = keys(logs.BATCH_LOGS + 50)
    with LogStore(path) as kept:
        assert list(kept.missing((key, None) for key in wanted)) == wanted[logs.BATCH_LOGS :]
    assert is_sound(path)


def test_what_waits_is_committed_even_when_the_run_fails(path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), LogStore(path) as kept:
        kept.put(KEY, BUILT, b"log")
        raise KeyboardInterrupt
    assert logs.read(path, KEY, BUILT) == StoredLog(b"log")


def test_several_runs_fill_one_store_at_the_same_time(path: Path) -> None:
    def fill(name: str) -> None:
        for id in range(30):
            with LogStore(path) as kept:
                kept.put(LogKey(name, 1, "build", id), BUILT, b"log")

    runs = [threading.Thread(target=fill, args=(name,)) for name in "abcd"]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert rows(path, "SELECT rebuilder, count(*) FROM logs GROUP BY 1") == [(name, 30) for name in "abcd"]


# Pruning


def test_logs_without_a_failure_are_dropped_after_a_day(path: Path) -> None:
    first, second, third = filled(path)
    with LogStore(path) as kept:
        assert kept.prune([first]) == 0
        age(path, 2)
        kept.put(KEY, BUILT, b"young")
        assert kept.prune(iter([first, first])) == 2
        assert list(kept.missing((key, BUILT) for key in (first, second, third, KEY))) == [second, third]


def test_logs_of_old_builds_are_dropped_where_days_are_set(path: Path) -> None:
    old, *_ = filled(path, 2, "2020-01-01T00:00:00Z")
    with LogStore(path) as kept:
        kept.put(old, None, b"a build without a time is as old as its log")
        kept.flush()
        assert kept.prune(keys(2), 90) == 0, "a young log may be about to be used"
        age(path, 2)
        assert kept.prune(keys(2), None) == 0
        assert kept.prune(keys(2), 90) == 1
        assert kept.get(old, None) is not None
        age(path, 91)
        assert kept.prune(keys(2), 90) == 1


@pytest.mark.parametrize("days", [500_000, 1_000_000, 10**12])
def test_days_that_reach_back_beyond_all_time_drop_nothing(path: Path, days: int) -> None:
    filled(path, 2)
    age(path, 2)
    with LogStore(path) as kept:
        assert kept.prune(keys(2), days) == 0


def test_dropped_logs_give_their_space_back(path: Path) -> None:
    with LogStore(path) as kept:
        for key in keys(50):
            kept.put(key, BUILT, os.urandom(100_000))
    age(path, 2)
    before = path.stat().st_size
    with LogStore(path) as kept:
        kept.prune([])
    assert before > 5_000_000 > 100_000 > path.stat().st_size


def test_the_logs_that_failures_refer_to_are_live(tmp_path: Path) -> None:
    database = tmp_path / "reproducibility.db"
    with store.open_database(database) as connection:
        for statement in (
            "PRAGMA foreign_keys = OFF",
            "INSERT INTO rebuilders (id, name, kind, generation, highest_build, first_ingest_at)"
            " VALUES (1, 'r', 'API v1', 2, 0, '')",
            "INSERT INTO builds (id, rebuilder_id, generation, origin_id, source_package_id, attempt,"
            " source_inferred, upstream_id) VALUES (5, 1, 1, 1, 1, 1, 0, 70), (6, 1, 2, 1, 1, 1, 0, 70)",
            "INSERT INTO failures (rebuilder_id, origin_id, source_package_id, build_id, build_artifact_id,"
            " is_current, category_id, log_upstream_id, diffoscope_upstream_id)"
            " VALUES (1, 1, 1, 5, 1, 0, 1, 70, 8), (1, 1, 1, 5, 2, 0, 1, 70, NULL),"
            " (1, 1, 1, 6, NULL, 0, 1, 70, NULL), (1, 1, 1, 6, 3, 0, 1, NULL, NULL)",
        ):
            connection.execute(statement)
        assert set(logs.live_keys(connection)) == {
            LogKey("r", 1, "build", 70),
            LogKey("r", 1, "diffoscope", 8),
            LogKey("r", 2, "build", 70),
        }


# What may be wrong with the file


def complains(path: Path, saying: str) -> None:
    """One sentence about the log store, whoever asks."""
    with LogStore(path) as kept:
        for use in (
            lambda: kept.get(KEY, BUILT),
            lambda: list(kept.missing([(KEY, BUILT)])),
            lambda: kept.prune([]),
        ):
            with pytest.raises(DatabaseError, match=saying) as error:
                use()
            assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)
    with pytest.raises(DatabaseError, match=saying), LogStore(path) as kept:
        kept.put(KEY, BUILT, b"log")


def test_a_damaged_store_is_to_be_deleted(path: Path) -> None:
    path.write_bytes(b"no database, and longer than a header " * 20)
    complains(path, "the log store is damaged; delete it")


def test_a_store_with_broken_pages_is_to_be_deleted(path: Path) -> None:
    filled(path)
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    complains(path, "the log store is damaged; delete it")
    with pytest.raises(DatabaseError, match="the log store is damaged; delete it"):
        logs.read(path, KEY, BUILT)


def test_another_programs_database_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE workers (key TEXT)")
    before = path.read_bytes()
    complains(path, "another program's database lies where logs are kept; move it away")
    assert path.read_bytes() == before


def test_a_store_of_another_version_is_to_be_deleted(path: Path) -> None:
    filled(path)
    change(path, "PRAGMA user_version = 99")
    complains(path, "made by another version of rebuilderd-datasette; delete it")


def test_a_locked_store_is_waited_for_and_then_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(path)
    monkeypatch.setattr(logs, "BUSY_SECONDS", 0.2)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with LogStore(path) as kept:
            assert kept.get(keys(1)[0], BUILT) == StoredLog(b"log 0"), "reading needs no lock"
        with pytest.raises(DatabaseError, match="kept the log store locked"), LogStore(path) as kept:
            kept.put(KEY, BUILT, b"log")


def test_a_full_disk_leaves_the_store_as_it_was(path: Path) -> None:
    filled(path)
    before = rows(path, "SELECT * FROM logs")
    with pytest.raises(DatabaseError, match="the disk is full"), LogStore(path) as kept:
        kept.put(KEY, BUILT, b"small")
        kept.flush()
        assert kept._connection
        kept._connection.execute("PRAGMA max_page_count = 20")
        kept.put(KEY, BUILT, os.urandom(200_000))
        kept.put(keys(1)[0], BUILT, b"other")
    assert rows(path, "SELECT * FROM logs WHERE upstream_id <> 7") == before
    assert logs.read(path, KEY, BUILT) == StoredLog(b"small")


def test_a_deleted_store_is_made_anew(path: Path) -> None:
    filled(path)
    path.unlink()
    filled(path)
    assert one(path, "SELECT count(*) FROM logs") == 3


def test_a_store_in_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(DatabaseError, match="the log store cannot be used"),
        LogStore(tmp_path / "gone" / "r.logs") as kept,
    ):
        kept.put(KEY, BUILT, b"log")
