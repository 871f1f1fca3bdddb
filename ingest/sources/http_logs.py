"""Fetches many logs from a server, each for itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from ingest.errors import SourceError, UnreachableError
from ingest.progress import Progress
from ingest.sources import at_once
from ingest.sources.base import Log, LogRequest
from ingest.sources.http import Client
from ingest.sources.log_frames import frame
from ingest.sources.log_paths import LogPath


def fetch(client: Client, wanted: Iterable[LogRequest], path: LogPath, progress: Progress) -> Iterator[Log]:
    """One answer a request, as they come; once the server is gone the rest is not asked for."""
    requests = list(wanted)
    with progress.bar("logs of failures", len(requests)) as advance:
        for request, log in at_once.asked(partial(_ask, client, path), requests):
            advance(1)
            yield log or Log(
                request,
                None,
                f"{client.shown}: stopped answering, the log was not asked for; try again later.",
            )


def _ask(client: Client, path: LogPath, request: LogRequest) -> tuple[Log, bool]:
    """A log, and whether the server answered at all."""
    try:
        return Log(request, frame(client.log(path(request)))), True
    except SourceError as error:
        return Log(request, None, str(error)), not isinstance(error, UnreachableError)
