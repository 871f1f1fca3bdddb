"""Fetches many logs from a server, each for itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from ingest.errors import SourceError, UnreachableError
from ingest.progress import Progress
from ingest.sources import at_once
from ingest.sources.base import Log, LogRequest
from ingest.sources.body import Body
from ingest.sources.http import Client
from ingest.sources.log_frames import frame
from ingest.sources.log_paths import LogPath


def fetch(client: Client, wanted: Iterable[LogRequest], path: LogPath, progress: Progress) -> Iterator[Log]:
    """One answer a request, as they come; once the server is gone the rest is not asked for."""
    requests = list(wanted)
    with progress.bar("logs of failures", len(requests)) as advance:
        for request, answer in at_once.asked(partial(_ask, client, path), requests):
            advance(1)
            yield _log(client, path, request, answer)


def _ask(client: Client, path: LogPath, request: LogRequest) -> tuple[Body | SourceError, bool]:
    """A log or why there is none, and whether the server answered at all."""
    try:
        return client.log(path(request)), True
    except SourceError as error:
        return error, not isinstance(error, UnreachableError)


def _log(client: Client, path: LogPath, request: LogRequest, answer: Body | SourceError | None) -> Log:
    if answer is None:
        problem = f"{client.shown}: stopped answering, the log was not asked for; try again later."
        return Log(request, None, problem)
    if isinstance(answer, SourceError):
        return Log(request, None, str(answer))
    try:
        with answer:
            return Log(request, frame(client.log_content(path(request), answer)))
    except SourceError as error:
        return Log(request, None, str(error))
