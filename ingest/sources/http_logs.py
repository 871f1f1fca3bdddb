"""Fetches many logs from a server, several at a time, each for itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice

from ingest.errors import SourceError, UnreachableError
from ingest.progress import Progress
from ingest.sources.base import Log, LogRequest
from ingest.sources.http import Client
from ingest.sources.log_frames import frame
from ingest.sources.log_paths import LogPath

REQUESTS_AT_ONCE = 8
GIVE_UP_AFTER = 8
"""How many logs in a row a server may leave unanswered before it is taken to be gone."""


def fetch(client: Client, wanted: Iterable[LogRequest], path: LogPath, progress: Progress) -> Iterator[Log]:
    """One answer a request, as they come; once the server is gone the rest is not asked for."""
    requests = list(wanted)
    with (
        ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool,
        progress.bar("logs of failures", len(requests)) as advance,
    ):
        unasked = iter(requests)
        running: set[Future[tuple[Log, bool]]] = set()
        unanswered = 0
        while True:
            if unanswered < GIVE_UP_AFTER:
                free = REQUESTS_AT_ONCE - len(running)
                running |= {pool.submit(_ask, client, log, path) for log in islice(unasked, free)}
            if not running:
                break
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                log, answered = future.result()
                unanswered = 0 if answered else unanswered + 1
                advance(1)
                yield log
    for request in unasked:
        yield Log(
            request, None, f"{client.shown}: stopped answering, the log was not asked for; try again later."
        )


def _ask(client: Client, request: LogRequest, path: LogPath) -> tuple[Log, bool]:
    """A log, and whether the server answered at all."""
    try:
        return Log(request, frame(client.log(path(request)))), True
    except SourceError as error:
        return Log(request, None, str(error)), not isinstance(error, UnreachableError)
