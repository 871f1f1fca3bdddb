"""Matching on all cores: builds go in, verdicts come out in the same order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import BrokenExecutor, Future
from itertools import chain, islice

from ingest.categories.matcher import Matcher
from ingest.categories.verdicts import FailedBuild, Verdict
from ingest.errors import IngestError

ALONE = 300
"""Builds that are matched before helpers are worth their start."""

BATCH_BUILDS = 50
BATCH_BYTES = 1 << 20
"""Compressed. Batches are large enough that handing them over costs little, small enough for memory."""

IN_FLIGHT = 2
"""Batches per worker: while one is worked on the next one waits."""

_KILLED = (
    "a process that read logs was ended by somebody, perhaps for want of memory; the rest was read by one alone."
    " With --workers 1 it is from the beginning."
)
_KILLED_AGAIN = (
    "processes that read logs were ended by somebody, also the one that did it alone, perhaps for want of"
    " memory; free some and run this again with --workers 1."
)

_Batch = list[FailedBuild]


def verdicts(
    matcher: Matcher, builds: Iterable[FailedBuild], workers: int, notes: list[str] | None = None
) -> Iterator[Verdict]:
    """The verdicts on all builds, in their order; the builds are read by the caller's thread, as needed.

    Where a helper is killed one alone goes on, and ``notes`` gets a sentence; where it is killed too,
    raises IngestError.
    """
    builds = iter(builds)
    for build in islice(builds, ALONE) if workers > 1 else builds:
        yield from matcher.match(build)
    further = next(builds, None)
    if further is None:
        return
    batches = _batches(chain([further], builds))
    unfinished: deque[_Batch] = deque()
    try:
        yield from _in_order(matcher, workers, batches, unfinished)
    except BrokenExecutor:
        if notes is not None:
            notes.append(_KILLED)
        rest = chain(list(unfinished), batches)
        try:
            yield from _in_order(matcher, 1, rest, deque())
        except BrokenExecutor as error:
            raise IngestError(_KILLED_AGAIN) from error


def _in_order(
    matcher: Matcher, workers: int, batches: Iterable[_Batch], unfinished: deque[_Batch]
) -> Iterator[Verdict]:
    """The verdicts of helpers; ``unfinished`` are the batches whose verdicts did not come yet."""
    # Imported where it is needed: most runs meet a few failures.
    from ingest.categories.helpers import helping

    futures: deque[Future[list[Verdict]]] = deque()
    with helping(matcher, workers) as helpers:
        for batch in batches:
            unfinished.append(batch)
            futures.append(helpers.submit(batch))
            if len(futures) >= workers * IN_FLIGHT:
                yield from futures.popleft().result()
                unfinished.popleft()
        while futures:
            yield from futures.popleft().result()
            unfinished.popleft()


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
