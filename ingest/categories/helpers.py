"""Who matches besides the run itself: copies of its process, or threads where there can be none.

Threads would do where logs are long: decompressing and scanning let the others run.
Most logs are so short that they only wait for Python's lock.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from ctypes import c_bool
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Protocol

from ingest.categories.matcher import Matcher
from ingest.categories.verdicts import FailedBuild, Verdict

if TYPE_CHECKING:
    from multiprocessing.context import ForkContext


class _Stop(Protocol):
    def is_set(self) -> bool: ...
    def set(self) -> None: ...


class _SharedStop:
    """One of processes. Has no lock, which one that is killed would keep for ever."""

    def __init__(self, context: ForkContext) -> None:
        self._flag = context.RawValue(c_bool, False)

    def is_set(self) -> bool:
        return bool(self._flag.value)

    def set(self) -> None:
        self._flag.value = True


@dataclass(frozen=True, slots=True)
class Helpers:
    """An executor whose workers match batches until ``stop`` is set."""

    executor: Executor
    match: Callable[[list[FailedBuild]], list[Verdict]]
    stop: _Stop

    def submit(self, batch: list[FailedBuild]) -> Future[list[Verdict]]:
        return self.executor.submit(self.match, batch)


@contextmanager
def helping(matcher: Matcher, workers: int) -> Iterator[Helpers]:
    """As many helpers as ``workers``. On leaving, also by an interrupt, nobody waits for what is still to do.

    Raises BrokenExecutor where one of them was killed; the others have ended then, and given back their memory.
    """
    helpers = _processes(matcher, workers) or _threads(matcher, workers)
    try:
        yield helpers
    except BrokenExecutor:
        helpers.executor.shutdown(wait=True)
        raise
    finally:
        helpers.stop.set()
        helpers.executor.shutdown(wait=False, cancel_futures=True)
        # One that was killed may have held the lock.
        matcher.one_large = threading.Lock()


def _processes(matcher: Matcher, workers: int) -> Helpers | None:
    """Forks, which need no start and have the compiled rules; None where the system has or allows none.

    They never touch the databases that the run has open.
    """
    if sys.platform != "linux":
        return None
    context = multiprocessing.get_context("fork")
    # An interrupt is for the run's own process: what is blocked here stays so in forks.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        matcher.one_large = context.Lock()
        stop = _SharedStop(context)
        executor = ProcessPoolExecutor(workers, context, _begin, (matcher, stop))
        executor.submit(os.getpid)  # the first task starts all of them
    except OSError:
        return None
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    return Helpers(executor, _match_here, stop)


def _threads(matcher: Matcher, workers: int) -> Helpers:
    matcher.one_large = threading.Lock()  # in place of one between processes that could not be started
    stop = threading.Event()
    return Helpers(ThreadPoolExecutor(workers, "matcher"), lambda batch: _match(matcher, batch, stop), stop)


_here: tuple[Matcher, _Stop]
"""What a forked process was given when it began."""


def _begin(matcher: Matcher, stop: _Stop) -> None:
    global _here
    _here = matcher, stop
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """If the run is killed, nobody else would end its forks."""
    if parent := multiprocessing.parent_process():
        wait([parent.sentinel])
    os._exit(1)


def _match_here(batch: list[FailedBuild]) -> list[Verdict]:
    return _match(_here[0], batch, _here[1])


def _match(matcher: Matcher, batch: list[FailedBuild], stop: _Stop) -> list[Verdict]:
    found: list[Verdict] = []
    for build in batch:
        if stop.is_set():
            break
        found.extend(matcher.match(build))
    return found
