"""Many builds are matched by helpers: processes that are forked, or threads."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from helpers import DAEMON, ingest, one, published, restore_interrupts, run
from test_matcher import HOSTILE, failed, frame, matching, rule

from ingest.categories import helpers, work
from ingest.categories.verdicts import FailedBuild, Verdict
from ingest.categories.work import BATCH_BUILDS, verdicts
from ingest.errors import IngestError

ODD_OR_EVEN = (rule("odd", "log_has_re", "[13579]$"), rule("even", "catch_all"))


@pytest.fixture(params=["processes", "threads"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(work, "ALONE", 20)
    if request.param == "threads":
        monkeypatch.setattr(helpers, "_processes", lambda *_: None)
    else:
        monkeypatch.setattr(helpers, "_threads", None)
    return str(request.param)


def numbered(number: int) -> FailedBuild:
    return FailedBuild(number, "debian", "amd64", frame(b"log %d" % number))


def children(parent: int) -> list[int]:
    """The processes that a process started."""
    threads = Path(f"/proc/{parent}/task").iterdir()
    return [int(pid) for thread in threads for pid in (thread / "children").read_text().split()]


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(condition, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_verdicts_come_in_the_order_of_the_builds(kind: str, workers: int) -> None:
    got = verdicts(matching(*ODD_OR_EVEN), map(numbered, range(333)), workers)
    assert [(each.key, each.category) for each in got] == [
        (number, "odd" if number % 2 else "even") for number in range(333)
    ]


def test_helpers_say_what_the_run_itself_would(kind: str) -> None:
    builds = [failed(b"log %d" % number, b"- a\n+ b\n", None) for number in range(200)]
    rules = (rule("diff", "diff_has_re", "- (.)"), *ODD_OR_EVEN)
    assert list(verdicts(matching(*rules), builds, 2)) == list(verdicts(matching(*rules), builds, 1))


def test_few_failures_start_nobody(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helpers, "helping", None)
    assert len(list(verdicts(matching(*ODD_OR_EVEN), map(numbered, range(20)), 2))) == 20


def test_builds_are_read_only_as_far_as_they_are_needed_and_by_the_caller(kind: str) -> None:
    read: list[int] = []

    def builds() -> Iterator[FailedBuild]:
        for number in count():
            assert threading.current_thread() is threading.main_thread()
            read.append(number)
            yield numbered(number)

    stream = verdicts(matching(rule("a", "catch_all")), builds(), 2)
    for _ in range(work.ALONE + 1):
        last = next(stream)
    assert last.key == work.ALONE
    stream.close()
    assert len(read) <= work.ALONE + 5 * BATCH_BUILDS


@pytest.mark.alone
def test_an_interrupt_waits_for_no_work(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "ALONE", 0)
    slow = [failed(b"a" * 5000) for _ in range(BATCH_BUILDS)]

    def interrupted() -> Iterator[FailedBuild]:
        yield from slow
        raise KeyboardInterrupt

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        list(verdicts(matching(HOSTILE), interrupted(), 2))
    assert time.monotonic() - start < 1


ENDLESS = """
from itertools import repeat
from tests.test_matcher import *
from ingest.categories import work
work.ALONE = 0
for number, _ in enumerate(work.verdicts(matching(rule("a", "log_has_re", "a+$")), repeat(failed(b"a")), 2)):
    if number == 500:
        print("started", flush=True)
"""


@pytest.fixture
def endless() -> Iterator[subprocess.Popen[str]]:
    """A process whose helpers are at work, in a process group of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", ENDLESS],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
        process_group=0,
        preexec_fn=restore_interrupts,
    )
    with process:
        assert process.stdout and process.stdout.readline() == "started\n"
        yield process
        process.kill()


def test_helpers_end_with_a_run_that_is_killed(endless: subprocess.Popen[str]) -> None:
    processes = children(endless.pid)
    assert len(processes) == 2
    endless.kill()
    wait_until(lambda: not any(map(is_running, processes)))


def test_an_interrupt_is_for_the_run_alone(endless: subprocess.Popen[str]) -> None:
    processes = children(endless.pid)
    os.killpg(endless.pid, signal.SIGINT)
    _, errors = endless.communicate(timeout=20)
    assert errors.count("Traceback") == 1
    assert errors.rstrip().endswith("KeyboardInterrupt")
    assert not any(map(is_running, processes))


def kill_helpers() -> None:
    for helper in multiprocessing.active_children():
        helper.kill()


def test_where_a_helper_is_killed_one_alone_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "ALONE", 0)
    notes: list[str] = []
    found = []
    for verdict in verdicts(matching(*ODD_OR_EVEN), map(numbered, range(2_000)), 2, notes):
        if len(found) == 10:
            kill_helpers()
        found.append((verdict.key, verdict.category))
    assert found == [(number, "odd" if number % 2 else "even") for number in range(2_000)]
    (note,) = notes
    assert note.startswith("a process that read logs was ended by somebody, perhaps for want of memory")


def test_where_the_one_alone_is_killed_too_a_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "ALONE", 0)
    with pytest.raises(IngestError, match="also the one that did it alone"):
        for number, _ in enumerate(verdicts(matching(*ODD_OR_EVEN), map(numbered, range(20_000)), 2)):
            if number in (10, 5_000):
                kill_helpers()


def test_a_run_of_which_a_helper_was_killed_says_so_and_explains_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed_once(*arguments: Any) -> list[Verdict]:
        if not killed.exists():
            killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return match(*arguments)

    killed, match, database = tmp_path / "killed", helpers._match, tmp_path / "r.db"
    monkeypatch.setattr(work, "ALONE", 0)
    monkeypatch.setattr(helpers, "_match", killed_once)
    result = run("ingest", database, DAEMON, "--workers", "2")
    assert result.exit_code == 0 and "the rest was read by one alone" in result.output
    assert "the rest was read by one alone" in one(database, "SELECT notes FROM ingest_runs")
    undisturbed = tmp_path / "undisturbed.db"
    ingest(undisturbed, DAEMON, name=DAEMON.stem)
    assert published(database)["failures"] == published(undisturbed)["failures"]
    killed.unlink()
    again = run("categorise", database, "--workers", "2")
    assert again.exit_code == 0 and ", 0 changed" in again.output
    assert "the rest was read by one alone" in again.output


def test_where_no_process_may_be_started_threads_do_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> int:
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(work, "ALONE", 0)
    monkeypatch.setattr(os, "fork", refused)
    assert len(list(verdicts(matching(*ODD_OR_EVEN), map(numbered, range(99)), 2))) == 99
