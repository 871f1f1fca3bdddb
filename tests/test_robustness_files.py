"""Files that are damaged, hostile, locked, out of reach; disks that are full."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from helpers import (
    DAEMON,
    FIXTURES,
    LEGACY,
    MIGRATED,
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
    text,
    without_privileges,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest import store
from ingest.errors import DatabaseError, IngestError, SourceError
from ingest.progress import Progress
from ingest.sources import _sqlite_file, open_source
from ingest.sources.base import Known

SLOW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.1)
    monkeypatch.setattr(_sqlite_file, "BUSY_SECONDS", 0.1)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database that holds something already."""
    path = tmp_path / "r.db"
    ingest(path, MIGRATED, name="earlier")
    return path


def fails(database: Path, source: Path, said: str, *, called: str = "") -> None:
    """The ingest fails with one sentence, keeps it, and leaves the data as it was."""
    before = dump(database)
    result = run("ingest", database, source, "--name", "bad")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith(f"Error: {called or source}: ") and result.stderr.count("\n") == 1
    assert said in result.stderr
    assert dump(database) == before
    kept = rows(database, "SELECT rebuilder, source, error FROM ingest_runs ORDER BY id DESC LIMIT 1")[0]
    assert kept[:2] == ("bad", source.name)
    assert said in kept[2] and str(source.parent) not in kept[2]
    assert is_sound(database)


def other_database(path: Path) -> None:
    change(path, "CREATE TABLE places (url TEXT)")


def future_schema(path: Path) -> None:
    shutil.copyfile(DAEMON, path)
    change(path, "ALTER TABLE build_inputs RENAME COLUMN retries TO tries")


def future_old_schema(path: Path) -> None:
    shutil.copyfile(LEGACY, path)
    change(path, "ALTER TABLE pkgbases RENAME COLUMN retries TO tries")


def our_own(path: Path) -> None:
    ingest(path, DAEMON)


BAD_FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "nothing": (lambda path: None, "no such file"),
    "empty": (lambda path: path.touch(), "the file is empty"),
    "text": (lambda path: path.write_text("hello"), "neither an SQLite database nor JSON"),
    "noise": (lambda path: path.write_bytes(random.Random(1).randbytes(9999)), "neither an SQLite database"),
    "folder": (lambda path: path.mkdir(), "not a file"),
    "header only": (lambda path: path.write_bytes(DAEMON.read_bytes()[:100]), "damaged or cut short"),
    "half": (lambda path: path.write_bytes(DAEMON.read_bytes()[:400_000]), "damaged or cut short"),
    "magic and noise": (
        lambda path: path.write_bytes(DAEMON.read_bytes()[:16] + random.Random(1).randbytes(9999)),
        "damaged or cut short",
    ),
    "something else": (other_database, "not a rebuilderd's"),
    "no tables": (lambda path: change(path, "PRAGMA user_version = 1"), "not a rebuilderd's"),
    "future": (future_schema, "no build_inputs.retries"),
    "future of the old": (future_old_schema, "no pkgbases.retries"),
    "ours": (our_own, "a database of ours"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_is_named_in_one_sentence(tmp_path: Path, database: Path, kind: str) -> None:
    source = tmp_path / "source.db"
    make, said = BAD_FILES[kind]
    make(source)
    fails(database, source, said)


@pytest.mark.parametrize("file", [DAEMON, LEGACY], ids=lambda file: file.stem)
@pytest.mark.parametrize("share", [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99])
def test_a_file_cut_short_anywhere_fails(tmp_path: Path, database: Path, file: Path, share: float) -> None:
    source = tmp_path / "source.db"
    content = file.read_bytes()
    source.write_bytes(content[: int(len(content) * share)])
    fails(database, source, "")


def test_a_file_cut_short_later_leaves_what_was_read_before(tmp_path: Path) -> None:
    source, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    ingest(database, source, name="bad")
    os.truncate(source, 300_000)
    fails(database, source, "damaged or cut short")


def test_a_locked_file_is_said_to_be_locked(tmp_path: Path, database: Path, impatient: None) -> None:
    source = copy(DAEMON, tmp_path)
    with closing(sqlite3.connect(source, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        fails(database, source, "it stayed locked by another program")


def test_our_database_locked_is_not_blamed_on_the_source(database: Path, impatient: None) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        result = run("ingest", database, DAEMON)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {database}: another program kept it locked")


def test_our_database_locked_while_reading_is_not_blamed_on_the_source(
    database: Path, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = sqlite3.connect(database, isolation_level=None)
    insert = store.RunLog.__init__

    def insert_then_lock(*arguments: object) -> None:
        insert(*arguments)  # type: ignore[arg-type]
        other.execute("BEGIN IMMEDIATE")

    monkeypatch.setattr(store.RunLog, "__init__", insert_then_lock)
    result = run("ingest", database, DAEMON)
    other.close()
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {database}: another program kept it locked")


def test_two_runs_at_once_both_arrive(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    ingest(database, LEGACY, name="first")
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "ingest", "ingest", database, source, "--name", name, "--silent"],
            stderr=subprocess.PIPE,
        )
        for name, source in [("a", DAEMON), ("b", MIGRATED), ("c", DAEMON), ("first", LEGACY)]
    ]
    for process in running:
        _, said = process.communicate(timeout=60)
        assert (process.returncode, said) == (0, b"")
    assert rows(database, "SELECT r.name, count(*) FROM builds AS b JOIN rebuilders AS r"
        " ON r.id = b.rebuilder_id WHERE r.name <> 'first' GROUP BY 1 ORDER BY 1") == [
        ("a", 165), ("b", one(MIGRATED, "SELECT count(*) FROM rebuilds")), ("c", 165)
    ]  # fmt: skip
    assert is_sound(database)


def test_a_file_without_permission_says_so(tmp_path: Path) -> None:
    source = copy(DAEMON, tmp_path)
    source.chmod(0)
    result = without_privileges("ingest", tmp_path / "r.db", source)
    assert result.returncode == 1
    assert result.stderr == f"Error: {source}: cannot be read (Permission denied); check its permissions.\n"


def test_a_file_in_a_folder_without_permission_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "private"
    folder.mkdir()
    source = copy(DAEMON, folder)
    folder.chmod(0)
    result = without_privileges("ingest", tmp_path / "r.db", source)
    folder.chmod(0o700)
    assert result.returncode == 1
    assert result.stderr == f"Error: {source}: cannot be read (Permission denied); check its permissions.\n"


def test_a_name_too_long_for_a_file_is_said_to_be(tmp_path: Path, database: Path) -> None:
    fails(database, tmp_path / ("a" * 300), "cannot be read (File name too long)")


def test_a_name_too_long_for_our_own_database_is_said_to_be(tmp_path: Path) -> None:
    database = tmp_path / ("a" * 300)
    result = run("ingest", database, DAEMON)
    assert result.exit_code == 1
    assert (
        result.stderr == f"Error: {database}: cannot be looked at (File name too long); name another file.\n"
    )


def test_a_file_that_is_gone_before_it_was_read_to_the_end_is_said_to_be(tmp_path: Path) -> None:
    path = copy(DAEMON, tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = wal")
    with closing(open_source(str(path), None)) as source, closing(sqlite3.connect(":memory:")) as connection:
        path.unlink()
        for read in (source.confirm, lambda: source.stage(connection, Known(), Progress(silent=True))):
            with pytest.raises(SourceError, match=r"cannot be read \(No such file"):
                read()


def test_our_own_database_in_a_folder_without_permission_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "private"
    folder.mkdir(mode=0)
    result = without_privileges("ingest", folder / "r.db", DAEMON)
    folder.chmod(0o700)
    assert result.returncode == 1
    assert result.stderr == (
        f"Error: {folder}/r.db: cannot be looked at (Permission denied); name another file.\n"
    )


@pytest.mark.parametrize("mode", ["delete", "wal"])
def test_a_read_only_file_in_a_read_only_folder_is_read(tmp_path: Path, mode: str) -> None:
    folder = tmp_path / "upstream"
    folder.mkdir()
    source = copy(DAEMON, folder)
    with closing(sqlite3.connect(source)) as connection:
        connection.execute(f"PRAGMA journal_mode = {mode}")
    source.chmod(0o444)
    folder.chmod(0o555)
    result = without_privileges("ingest", tmp_path / "r.db", source)
    folder.chmod(0o755)
    assert (result.returncode, result.stderr) == (0, "")
    assert one(tmp_path / "r.db", "SELECT count(*) FROM builds") == 165
    assert [path.name for path in folder.iterdir()] == [source.name]


def test_a_read_only_database_of_ours_says_so(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    ingest(database, DAEMON)
    database.chmod(0o444)
    before = dump(database)
    for leftover in tmp_path.glob("r.db-*"):
        leftover.unlink()
    result = without_privileges("ingest", database, MIGRATED)
    assert result.returncode == 1
    assert result.stderr == f"Error: {database}: it is read-only; check the file's permissions.\n"
    assert dump(database) == before


def test_a_folder_that_may_not_be_written_to_says_so(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    result = without_privileges("ingest", tmp_path / "r.db", DAEMON)
    tmp_path.chmod(0o755)
    assert result.returncode == 1
    assert result.stderr.startswith(f"Error: {tmp_path}/r.db: it cannot be opened")


def test_a_missing_folder_says_so(tmp_path: Path) -> None:
    result = run("ingest", tmp_path / "missing" / "r.db", DAEMON)
    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: {tmp_path}/missing/r.db: it cannot be opened; check that the folder exists and that you may"
        " write to it.\n"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"hello, this is no database" * 100, "it is not an SQLite database; name another file."),
        (
            DAEMON.read_bytes(),
            "it is another program's SQLite database; name a file of our own or a new one.",
        ),
    ],
    ids=["text", "a daemon's"],
)
def test_somebody_elses_file_is_never_written_to(tmp_path: Path, content: bytes, said: str) -> None:
    database = tmp_path / "r.db"
    database.write_bytes(content)
    result = run("ingest", database, DAEMON)
    assert (result.exit_code, result.stderr) == (1, f"Error: {database}: {said}\n")
    assert database.read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == ["r.db"]


def test_a_damaged_database_of_ours_is_not_blamed_on_the_source(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    ingest(database, DAEMON)
    root = one(database, "SELECT rootpage FROM sqlite_master WHERE name = 'source_packages'")
    size = one(database, "PRAGMA page_size")
    with database.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)
    result = run("ingest", database, DAEMON, "--full")
    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: {database}: the database is damaged; restore a copy or ingest into a new file.\n"
    )


@pytest.mark.parametrize("room", [0, 1, 4, 10, 25])
def test_a_full_database_leaves_the_data_as_it_was(
    database: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    before = dump(database)
    connect = store.connect

    def connect_to_full(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + room}")
        return connection

    with monkeypatch.context() as patch:
        patch.setattr(store, "connect", connect_to_full)
        result = run("ingest", database, DAEMON)
    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: {database}: the disk is full, or the one of temporary files, which TMPDIR names;"
        " free some space and run the ingest again.\n"
    )
    assert dump(database) == before and is_sound(database)
    assert run("ingest", database, DAEMON).exit_code == 0


@pytest.mark.parametrize("kilobytes", [4, 64, 200, 400])
def test_a_disk_that_takes_no_more_is_not_blamed_on_the_source(tmp_path: Path, kilobytes: int) -> None:
    database = tmp_path / "r.db"
    result = subprocess.run(
        [sys.executable, "-m", "ingest", "ingest", database, DAEMON],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes * 1024, kilobytes * 1024)),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert result.returncode == 1
    assert result.stderr.startswith(f"Error: {database}: the disk ") and result.stderr.count("\n") == 1
    assert run("ingest", database, DAEMON).exit_code == 0
    fresh = tmp_path / "fresh.db"
    ingest(fresh, DAEMON)
    assert published(database) == published(fresh) and is_sound(database)


def test_a_reader_sees_before_or_after_and_never_an_error(tmp_path: Path) -> None:
    source, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    change(
        source,
        "DELETE FROM rebuild_artifacts WHERE rebuild_id > 1000",
        "DELETE FROM rebuilds WHERE id > 1000",
    )
    ingest(database, source)
    seen: set[tuple[int, ...]] = set()
    problems: list[Exception] = []
    done = threading.Event()

    def read() -> None:
        try:
            with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=0)) as reader:
                while not done.is_set():
                    seen.add(reader.execute(
                        "SELECT (SELECT count(*) FROM builds), (SELECT count(*) FROM build_artifacts),"
                        " (SELECT count(*) FROM status_changes), (SELECT sum(attempts) FROM source_packages),"
                        " (SELECT highest_build FROM rebuilders)"
                    ).fetchone())  # fmt: skip
        except sqlite3.Error as error:
            problems.append(error)

    reader = threading.Thread(target=read)
    state = "SELECT (SELECT count(*) FROM builds), (SELECT count(*) FROM build_artifacts)," \
        " (SELECT count(*) FROM status_changes), (SELECT sum(attempts) FROM source_packages)," \
        " (SELECT highest_build FROM rebuilders)"  # fmt: skip
    before = rows(database, state)[0]
    reader.start()
    subprocess.run(
        [sys.executable, "-m", "ingest", "ingest", database, DAEMON, "--name", "r", "--silent"],
        check=True, timeout=60,
    )  # fmt: skip
    done.set()
    reader.join()
    after = rows(database, state)[0]
    assert before != after and not problems
    assert before in seen and seen <= {before, after}


HOSTILE = {
    "control characters": (text("a\x1b[31mb\a"), False),
    "a newline": (text("a\nb"), False),
    "a NUL inside": ("CAST(x'610062' AS TEXT)", False),
    "invalid UTF-8": ("CAST(x'61ff62' AS TEXT)", False),
    "10 kB": (text("a" * 10_000), False),
    "a BLOB": ("x'6162'", False),
    "a zero-width space": (text("a\u200bb"), False),
    "nothing": (text(""), False),
    "quotes": (text("a'b\"c`d"), True),
    "markup": (text("<script>alert(1)</script>"), True),
    "a wildcard": (text("%_*"), True),
    "no ASCII": (text("ζ-naïve"), True),
    "FTS syntax": (text('AND OR NEAR("'), True),
}


def lonely_source(file: Path) -> None:
    """Add a package that was never built."""
    change(
        file,
        'INSERT INTO source_packages (id, name, version, distribution, "release", last_seen,'
        " seen_in_last_sync) VALUES (99001, 'lonely', '1', 'debian', 'trixie', '2026-11-21 00:00:00', 1)",
        "INSERT INTO build_inputs (source_package_id, url, backend, architecture, retries)"
        " VALUES (99001, 'https://mirror.example/', 'debian', 'amd64', 0)",
    )


@pytest.mark.parametrize("table", ["source_packages", "binary_packages", "rebuild_artifacts", "workers"])
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_name_is_taken_as_it_is_or_skipped_and_counted(
    tmp_path: Path, table: str, kind: str
) -> None:
    if (table, kind) == ("workers", "nothing"):
        return  # such a worker is called by its number
    source, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    literal, fine = HOSTILE[kind]
    if table == "source_packages":
        lonely_source(source)
    identifier = one(source, f"SELECT max(id) FROM {table}")
    change(source, f"UPDATE {table} SET name = {literal} WHERE id = {identifier}")
    run_ = ingest(database, source)
    expected = one(source, f"SELECT CAST(name AS BLOB) FROM {table} WHERE id = ?", identifier)
    ours = {"rebuild_artifacts": "build_artifacts"}.get(table, table)
    upstream_id = "upstream_source_id" if table == "source_packages" else "upstream_id"
    found = rows(
        database, f"SELECT DISTINCT CAST(name AS BLOB) FROM {ours} WHERE {upstream_id} = ?", identifier
    )
    assert found == ([(expected,)] if fine else [])
    assert (run_.skipped > 0) is not fine
    assert one(database, "SELECT skipped_records FROM ingest_runs") == run_.skipped
    if not fine:
        assert any("skipped: bad name, the first with id" in note for note in run_.notes)
    assert is_sound(database)
    # A measurement of this hour may change while the test runs.
    of_now = ("ingest_runs", "measurements", "sqlite_sequence")
    before = dump(database, without=of_now)
    ingest(database, source, full=True)
    assert dump(database, without=of_now) == before


CELLS = [
    ("rebuilds", "built_at", text("9999-12-31 00:00:00"), "build"),
    ("rebuilds", "built_at", "123456789", "build"),
    ("rebuilds", "started_at", text("-4711-01-01 00:00:00"), "build"),
    ("rebuilds", "status", text("EXCELLENT"), "build"),
    ("rebuilds", "build_log_id", text("seven"), "build"),
    ("rebuild_artifacts", "status", "x'474F4F44'", "build artifact"),
    ("build_inputs", "next_retry", text("soon"), "source package"),
    ("build_inputs", "retries", text("many"), "source package"),
    ("build_inputs", "url", text("https://mirror.example/" + "x" * 10_000), "source package"),
    ("build_inputs", "backend", "CAST(x'610062' AS TEXT)", "source package"),
    ("build_inputs", "architecture", text(""), "source package"),
    ("source_packages", "seen_in_last_sync", "7", "source package"),
    ("source_packages", "last_seen", text("2026-13-01 00:00:00"), "source package"),
    ("binary_packages", "component", "x'00'", "binary package"),
    ("binary_packages", "version", "CAST(x'ff' AS TEXT)", "binary package"),
    ("queue", "queued_at", text("now"), "queued build"),
    ("queue", "priority", text("high"), "queued build"),
    ("workers", "last_ping", text("2026-02-30 00:00:00"), "worker"),
    ("workers", "online", text("maybe"), "worker"),
]


@pytest.mark.parametrize(("table", "column", "value", "record"), CELLS, ids=lambda value: str(value)[:20])
def test_a_wrong_value_costs_its_record_and_no_other(
    tmp_path: Path, table: str, column: str, value: str, record: str
) -> None:
    source, database, usual = copy(DAEMON, tmp_path), tmp_path / "r.db", tmp_path / "usual.db"
    change(source, f"UPDATE {table} SET {column} = {value} WHERE id = (SELECT min(id) FROM {table})")
    result = ingest(database, source)
    ingest(usual, DAEMON)
    assert result.skipped and any(f"{record} skipped: bad" in note for note in result.notes)
    ours = {"rebuilds": "builds", "rebuild_artifacts": "build_artifacts", "build_inputs": "source_packages"}
    count = f"SELECT count(*) FROM {ours.get(table, table)}"
    lost = one(usual, count) - one(database, count)
    assert 1 <= lost <= 3
    assert is_sound(database)


def test_a_bad_value_in_a_known_record_keeps_the_record_as_it_was(tmp_path: Path) -> None:
    source, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    ingest(database, source)
    before = published(database)
    change(
        source,
        "UPDATE build_inputs SET next_retry = 'soon' WHERE id = (SELECT min(id) FROM build_inputs)",
        "UPDATE binary_packages SET name = x'00' WHERE id = (SELECT min(id) FROM binary_packages)",
        "UPDATE workers SET name = x'00' WHERE id = 1",
        "UPDATE queue SET queued_at = 'soon' WHERE id = (SELECT min(id) FROM queue)",
    )
    assert ingest(database, source).skipped == 4
    assert published(database) == before


@pytest.mark.parametrize(
    ("file", "table", "column"),
    [
        (LEGACY, "pkgbases", "id"),
        (LEGACY, "packages", "id"),
        (LEGACY, "packages", "build_id"),
        (LEGACY, "queue", "id"),
        (LEGACY, "workers", "id"),
        (DAEMON, "build_inputs", "id"),
    ],
)
def test_a_text_in_a_column_of_integers_costs_its_record_and_no_other(
    tmp_path: Path, file: Path, table: str, column: str
) -> None:
    source = copy(file, tmp_path)
    text_of_bytes = f"CAST(x'{(b'a' + bytes([10, 27, 255]) + b'x' * 5000).hex()}' AS TEXT)"
    change(
        source,
        f"CREATE TABLE lax AS SELECT * FROM {table}",
        f"DROP TABLE {table}",
        f"ALTER TABLE lax RENAME TO {table}",
        f"UPDATE {table} SET {column} = {text_of_bytes} WHERE rowid = (SELECT max(rowid) FROM {table})",
    )
    result = ingest(tmp_path / "r.db", source, release="trixie")
    assert is_sound(tmp_path / "r.db") and result.builds > 0
    assert all(note.isprintable() and len(note) < 300 for note in result.notes)


def test_no_temporary_folder_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    result = run("ingest", tmp_path / "r.db", DAEMON, "--keep-logs", "none")
    assert result.exit_code == 1 and result.stderr.count("\n") == 1
    assert "no temporary folder can be made (No such file or directory); free some space" in result.stderr


def test_more_than_a_small_share_of_bad_records_fails_the_run(tmp_path: Path, database: Path) -> None:
    source = copy(DAEMON, tmp_path)
    change(source, "UPDATE rebuilds SET built_at = 'never' WHERE id % 2")
    fails(database, source, "more than a small share", called=source.name)


@SLOW
@given(st.data(), st.sampled_from([DAEMON, LEGACY]))
def test_flipped_bytes_give_an_ingest_or_a_sentence(data: st.DataObject, file: Path) -> None:
    content = bytearray(file.read_bytes())
    first = data.draw(st.booleans())
    end = 20_000 if first else len(content)
    for _ in range(data.draw(st.integers(1, 20))):
        content[data.draw(st.integers(0, end - 1))] = data.draw(st.integers(0, 255))
    with TemporaryDirectory() as folder:
        source, database = Path(folder) / "s.db", Path(folder) / "r.db"
        source.write_bytes(content)
        survives(database, source)


def survives(database: Path, source: Path) -> None:
    try:
        ingest(database, source)
    except IngestError as error:
        assert str(error).startswith((str(source), source.name))
        assert one(database, "SELECT count(*) FROM source_packages") == 0
        assert one(database, "SELECT error FROM ingest_runs")
    assert is_sound(database)


COLUMNS = {
    file: [
        (table, column)
        for (table,) in rows(file, "SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%id%'")
        for (column,) in rows(file, "SELECT name FROM pragma_table_info(?)", table)
        if not table.startswith(("sqlite_", "__"))
    ]
    for file in (DAEMON, LEGACY)
}
WILD = st.one_of(
    st.none(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.binary(max_size=30),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30), st.sampled_from([0, 1, 2, "GOOD", "BAD"]),
)  # fmt: skip


@SLOW
@given(st.data(), st.sampled_from([DAEMON, LEGACY]))
def test_arbitrary_cells_give_an_ingest_or_a_sentence(data: st.DataObject, file: Path) -> None:
    with TemporaryDirectory() as folder:
        source, database = copy(file, Path(folder)), Path(folder) / "r.db"
        ingested_before = data.draw(st.booleans())
        if ingested_before:
            ingest(database, source)
        with closing(sqlite3.connect(source)) as connection, connection:
            for _ in range(data.draw(st.integers(1, 8))):
                table, column = data.draw(st.sampled_from(COLUMNS[file]))
                rowid = data.draw(st.integers(0, 60))
                connection.execute("PRAGMA ignore_check_constraints = 1")
                try:
                    connection.execute(
                        f'UPDATE {table} SET "{column}" = ? WHERE rowid ='
                        f" (SELECT rowid FROM {table} ORDER BY rowid LIMIT 1 OFFSET ?)",
                        (data.draw(WILD), rowid),
                    )
                except sqlite3.IntegrityError:
                    continue
        if ingested_before:
            try:
                ingest(database, source)
            except SourceError as error:
                assert "unusable" in str(error)
            assert is_sound(database)
        else:
            survives(database, source)


def test_the_folder_of_a_source_is_not_published_however_it_is_written(tmp_path: Path) -> None:
    for written in (f"{tmp_path}//absent.db", f"{tmp_path}/./absent.db", f"{tmp_path}/absent.db"):
        assert run("ingest", tmp_path / "r.db", written).exit_code == 1
    errors = {error for (error,) in rows(tmp_path / "r.db", "SELECT error FROM ingest_runs")}
    assert errors == {"absent.db: no such file; name a rebuilder's URL or its database file."}


def test_a_file_name_that_is_no_text_is_read_all_the_same(tmp_path: Path) -> None:
    source = tmp_path / os.fsdecode(b"odd-\xff\n.db")
    shutil.copyfile(DAEMON, source)
    result = run("ingest", tmp_path / "r.db", source)
    assert result.exit_code == 0, result.stderr
    assert one(tmp_path / "r.db", "SELECT count(*) FROM builds") == 165


INTERRUPTED_CHECK = """
import os, signal
from ingest import values
from ingest.__main__ import main

check, calls = values.are_readable, []

def are_readable(*texts):
    if not calls:
        calls.append(texts)
        os.kill(os.getpid(), signal.SIGINT)
    return check(*texts)

values.are_readable = are_readable
main()
"""


def test_an_interrupt_within_a_check_is_not_taken_for_a_text_that_is_none(
    tmp_path: Path, database: Path
) -> None:
    before = dump(database)
    (tmp_path / "started.py").write_text(INTERRUPTED_CHECK)
    result = subprocess.run(
        [sys.executable, "-m", "started", "ingest", database, DAEMON, "--silent"],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{Path(__file__).parent.parent}"},
        preexec_fn=restore_interrupts, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (result.returncode, result.stderr.split(":")[0]) == (130, "Interrupted")
    assert dump(database) == before
    assert one(database, "SELECT error FROM ingest_runs ORDER BY id DESC LIMIT 1") == "interrupted"


@pytest.mark.parametrize("name", [None, 5, 1.5, True, [], {}, "a\0b", "x" * 10_000], ids=type)
def test_a_category_without_a_usable_name_costs_its_count_and_no_other(tmp_path: Path, name: object) -> None:
    source, database, usual = tmp_path / "stats.json", tmp_path / "r.db", tmp_path / "usual.db"
    snapshots = json.loads((FIXTURES / "stats.json").read_text())
    source.write_text(json.dumps(snapshots))
    ingest(usual, source)
    next(snapshot for snapshot in snapshots if snapshot["categories"])["categories"][0]["category"] = name
    source.write_text(json.dumps(snapshots))
    result = ingest(database, source)
    count = "SELECT count(*) FROM snapshot_categories"
    assert one(database, "SELECT count(*) FROM snapshots") == one(usual, "SELECT count(*) FROM snapshots") > 0
    assert one(database, count) == one(usual, count) - 1
    assert result.skipped == 1


def test_history_that_is_partly_unusable_is_counted_and_hardly_usable_history_fails(tmp_path: Path) -> None:
    source, database = tmp_path / "stats.json", tmp_path / "r.db"
    known = json.loads((FIXTURES / "stats.json").read_text())
    bad = [{**known[0], "good": "many"}, {**known[1], "captured_at": "never"}, {"id": 3}]
    source.write_text(json.dumps([*bad, *known[3:]]))
    result = ingest(database, source)
    assert result.skipped == one(database, "SELECT skipped_records FROM ingest_runs") == len(bad)
    assert one(database, "SELECT count(*) FROM snapshots") == len(known) - len(bad)
    assert "1 × snapshot skipped: bad captured_at, the first with id 2" in result.notes
    source.write_text(json.dumps([{**known[0], "id": number, "good": "many"} for number in range(30)]))
    fails(database, source, "30 of 30 records are unusable", called=source.name)


def test_an_empty_release_is_none(tmp_path: Path) -> None:
    source, database, history = copy(DAEMON, tmp_path), tmp_path / "r.db", tmp_path / "stats.json"
    change(
        source, "UPDATE source_packages SET release = CASE WHEN id % 2 THEN '' END WHERE release = 'trixie'"
    )
    ingest(database, source)
    before = published(database)
    change(source, "UPDATE source_packages SET release = CASE WHEN release IS NULL THEN '' END"
        " WHERE coalesce(release, '') = ''")  # fmt: skip
    ingest(database, source, full=True)
    assert published(database) == before
    known = json.loads((FIXTURES / "stats.json").read_text())
    history.write_text(json.dumps([{**snapshot, "release": ""} for snapshot in known]))
    ingest(database, history, name="history")
    origins = rows(database, "SELECT release, label FROM origins WHERE coalesce(release, '') = ''")
    assert origins and all(release is None and "/-/" in label for release, label in origins)
    assert one(database, "SELECT count(*) FROM snapshots WHERE scope LIKE '%//%'") == 0


def test_what_contradicts_itself_unforeseen_is_no_reason_to_check_the_file(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError) as raised, store.saying(tmp_path / "r.db"):
        raise sqlite3.IntegrityError("UNIQUE constraint failed: wanted_logs.kind, wanted_logs.id")
    assert "contradicts itself" in str(raised.value) and "report" in str(raised.value)
    assert "integrity_check" not in str(raised.value)
