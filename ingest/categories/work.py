"""Matching on all cores: builds go in, verdicts come out in the same order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from itertools import chain, islice
from typing import TYPE_CHECKING

from ingest.categories.matcher import Matcher
from ingest.categories.verdicts import FailedBuild, Verdict

if TYPE_CHECKING:
    from ingest.categories.helpers import Helpers

ALONE = 300
"""Builds that are matched before helpers are worth their start."""

BATCH_BUILDS = 50
BATCH_BYTES = 1 << 20
"""Compressed. Batches are large enough that handing them over costs little, small enough for memory."""

IN_FLIGHT = 2
"""Batches per worker: while one is worked on the next one waits."""


def verdicts(matcher: Matcher, builds: Iterable[FailedBuild], workers: int) -> Iterator[Verdict]:
    """The verdicts on all builds, in their order; the builds are read by the caller's thread, as needed."""
    builds = iter(builds)
    for build in islice(builds, ALONE) if workers > 1 else builds:
        yield from matcher.match(build)
    further = next(builds, None)
    if further is None:
        return
    # Imported where it is needed: most runs meet a few failures.
    from ingest.categories.helpers import helping

    with helping(matcher, workers) as helpers:
        yield from _in_order(helpers, workers, chain([further], builds))


def _in_order(helpers: Helpers, workers: int, builds: Iterable[FailedBuild]) -> Iterator[Verdict]:
    pending: deque[Future[list[Verdict]]] = deque()
    for batch in _batches(builds):
        pending.append(helpers.submit(batch))
        if len(pending) >= workers * IN_FLIGHT:
            yield from pending.popleft().result()
    while pending:
        yield from pending.popleft().result()


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
