"""Matching on all cores: builds go in, verdicts come out in the same order."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor

from ingest.categories.matcher import Matcher
from ingest.categories.verdicts import FailedBuild, Verdict

BATCH_BUILDS = 50
BATCH_BYTES = 1 << 20
"""Compressed. Batches are large enough that handing them over costs little, small enough for memory."""

IN_FLIGHT = 2
"""Batches per worker: while one is worked on the next one waits."""


def verdicts(
    matcher: Matcher, builds: Iterable[FailedBuild], workers: int, executor: Executor | None = None
) -> Iterator[Verdict]:
    """The verdicts on all builds, in their order; the builds are read by the caller's thread, as needed.

    Threads by default, since what takes long (decompressing, scanning, regexes)
    lets the others run. Any other executor does as well; it is left open.
    """
    if executor is not None:
        yield from _in_order(executor, workers, matcher, builds, None)
        return
    stop = threading.Event()
    pool = ThreadPoolExecutor(workers, "matcher")
    try:
        yield from _in_order(pool, workers, matcher, builds, stop)
    finally:
        # Reached by an interrupt as well: then nobody waits for what is still to do.
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)


def _in_order(
    executor: Executor,
    workers: int,
    matcher: Matcher,
    builds: Iterable[FailedBuild],
    stop: threading.Event | None,
) -> Iterator[Verdict]:
    pending: deque[Future[list[Verdict]]] = deque()
    try:
        for batch in _batches(builds):
            pending.append(executor.submit(_match, matcher, batch, stop))
            if len(pending) >= workers * IN_FLIGHT:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()


def _match(matcher: Matcher, batch: list[FailedBuild], stop: threading.Event | None) -> list[Verdict]:
    found: list[Verdict] = []
    for build in batch:
        if stop is not None and stop.is_set():
            break
        found.extend(matcher.match(build))
    return found


def _batches(builds: Iterable[FailedBuild]) -> Iterator[list[FailedBuild]]:
    batch: list[FailedBuild] = []
    size = 0
    for build in builds:
        batch.append(build)
        size += len(build.log or b"") + sum(len(artifact.diffoscope or b"") for artifact in build.artifacts)
        if len(batch) >= BATCH_BUILDS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
