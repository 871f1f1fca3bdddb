"""Talks to other people's servers: patient, bounded, and clear about what went wrong."""

from __future__ import annotations

import datetime as dt
import email.utils
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import httpx
import stamina

from ingest import __version__, compressed
from ingest.errors import NotFoundError, SourceError, UnreachableError
from ingest.sources.base import Source
from ingest.sources.body import Body, Bounds
from ingest.sources.connection import open_client, send
from ingest.sources.decoding import ACCEPTED
from ingest.sources.json_records import document
from ingest.sources.location import published_location
from ingest.sources.log_frames import LARGEST_LOG

ATTEMPTS = 5
SILENCE_SECONDS = 60.0
"""How long a server may send nothing."""
LONGEST_SECONDS = 300.0
"""How long one response may take, and longer if it makes progress (``body.SLOWEST``)."""
LARGEST_LIST = 1024**3
"""Bytes, decompressed, of a list whose length nobody knows. A whole archive's binaries are about 0.1 GB."""
LARGEST_ROW = 4096
"""Bytes of a list for each row that it is known to have. Real ones have about 400."""
SMALL_BODY = 16 * 1024**2
"""Of what is no long list."""
LOG_ATTEMPTS = 2
LOG_SILENCE_SECONDS = 20.0
LONGEST_LOG_SECONDS = 300.0
"""Logs are many, and the next run tries again: less patience."""
LONGEST_WAIT = dt.timedelta(minutes=2)
"""What a Retry-After may ask for at most."""
RETRIED = {408, 425, 429, 500, 502, 503, 504}
"""HTTP statuses of what may pass by itself."""
_ABSENT = {404, 405, 410, 501}

Query = Mapping[str, str | int]


class _TryAgain(UnreachableError):
    """A failure that may pass by itself."""

    def __init__(self, message: str, status: int | None = None, wait: dt.timedelta | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.wait = wait
        # What a rebuilderd says that cannot give one thing; any other status is a gateway's before it.
        self.answered = status == 500


class Client:
    """Requests below one base URL, whose query is left out. Bodies go through a file, so memory stays flat."""

    def __init__(self, base: str) -> None:
        stamina.instrumentation.set_on_retry_hooks([])
        self.base = base.partition("#")[0].partition("?")[0].rstrip("/")
        self.shown = published_location(self.base)
        self._http = open_client(
            self.shown,
            SourceError,
            headers={"User-Agent": f"rebuilderd-datasette/{__version__}", "Accept-Encoding": ACCEPTED},
            limits=httpx.Limits(max_connections=16),
        )

    def close(self) -> None:
        self._http.close()

    def json(self, path: str) -> Any:
        """A small response, parsed. Raises NotFoundError, UnreachableError, SourceError."""
        with self.body("GET", path, largest=SMALL_BODY) as body:
            return document(body, self.address(path))

    def body(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        *,
        content: Any = None,
        largest: int = LARGEST_LIST,
    ) -> Body:
        """A response, received whole, again where that may help; to be closed by who reads it.

        Raises NotFoundError, UnreachableError, SourceError.
        """
        bounds = Bounds(largest, LONGEST_SECONDS)
        for attempt in stamina.retry_context(
            on=_wait, attempts=ATTEMPTS, timeout=None, wait_initial=0.5, wait_max=20.0
        ):
            with attempt:
                body = self._fetch(method, path, bounds, SILENCE_SECONDS, params=query, json=content)
        return body

    def log(self, path: str) -> Body:
        """A log, compressed with zstd where the server can do that. Asks twice at most, once if it is silent.

        Raises NotFoundError, UnreachableError, SourceError.
        """
        bounds = Bounds(LARGEST_LOG, LONGEST_LOG_SECONDS)
        try:
            for attempt in stamina.retry_context(
                on=_wait_for_log, attempts=LOG_ATTEMPTS, timeout=None, wait_initial=0.5
            ):
                with attempt:
                    body = self._fetch(
                        "GET", path, bounds, LOG_SILENCE_SECONDS, headers={"Accept-Encoding": "zstd"}
                    )
        except _TryAgain as error:
            if error.answered:
                raise NotFoundError(
                    f"{self.address(path)}: answered 500 again; the log may be lost there."
                ) from error
            raise
        return body

    def log_content(self, path: str, body: Body) -> bytes:
        """What a log's body has for content: compressed as it came, or not at all. Raises SourceError."""
        if body.encoding.strip().lower() != "zstd":
            return body.whole()
        content = body.raw()
        if content and not compressed.is_zstd(content):
            raise SourceError(
                f"{self.address(path)}: the log is not compressed with zstd as the server says; left out."
            )
        return content

    def address(self, path: str) -> str:
        """How a path is called in messages, which are published: without credentials."""
        return f"{self.shown}{path}"

    def _fetch(self, method: str, path: str, bounds: Bounds, silence: float, **question: Any) -> Body:
        address = self.address(path)
        with _explained(address, silence):
            timeout = httpx.Timeout(silence, connect=min(20.0, silence))
            request = self._http.build_request(method, self.base + path, timeout=timeout, **question)
            with closing(send(self._http, request, address)) as response:
                _check_status(response, address)
                encoding = response.headers.get("Content-Encoding", "")
                return Body(response.iter_raw(), encoding, address, bounds)


def largest_list(rows: int) -> int:
    """Bytes that a list may have which had so many rows when it was read last."""
    return max(LARGEST_LIST, rows * LARGEST_ROW)


@contextmanager
def _explained(address: str, silence: float) -> Iterator[None]:
    """Say what went wrong with a request, and whether asking again may help."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise _TryAgain(
            f"{address}: no answer within {silence:.0f} seconds; "
            "check that the server is up and try again later."
        ) from error
    except httpx.ConnectError as error:
        raise _TryAgain(f"{address}: cannot connect ({error}); check the URL and the server.") from error
    except (httpx.InvalidURL, UnicodeError) as error:
        # What httpx says of it may quote a part of a password.
        raise SourceError(
            f"{address}: not a usable URL; check it, in a password write %2F for “/” and %23 for “#”."
        ) from error
    except httpx.UnsupportedProtocol as error:
        raise SourceError(f"{address}: not a usable URL ({error}).") from error
    except httpx.HTTPError as error:
        raise _TryAgain(f"{address}: the connection broke off ({error}); try again later.") from error


def _check_status(response: httpx.Response, address: str) -> None:
    status = response.status_code
    if status == 200:
        return
    if status in _ABSENT:
        raise NotFoundError(f"{address}: answered {status}; is this the URL of a rebuilderd?")
    if status in RETRIED:
        raise _TryAgain(
            f"{address}: answered {status} again and again; try again later.",
            status,
            retry_after(response.headers.get("Retry-After")),
        )
    raise SourceError(f"{address}: answered {status} {response.reason_phrase}; check the URL and its access.")


def retry_after(header: str | None) -> dt.timedelta | None:
    """What a Retry-After header asks for, as seconds or as a date; at most two minutes, None for neither."""
    if header is None:
        return None
    try:
        if header.strip().isdigit():
            return min(dt.timedelta(seconds=min(int(header), 86400)), LONGEST_WAIT)
        until = email.utils.parsedate_to_datetime(header)
    except (ValueError, OverflowError):
        return None
    if until.tzinfo is None:
        return None
    wait = until - dt.datetime.now(dt.UTC)
    return max(dt.timedelta(0), min(wait, LONGEST_WAIT))


def _wait(error: Exception) -> bool | dt.timedelta:
    if not isinstance(error, _TryAgain):
        return False
    return True if error.wait is None else error.wait


def _wait_for_log(error: Exception) -> bool | dt.timedelta:
    return False if isinstance(error.__cause__, httpx.TimeoutException) else _wait(error)


def open_api(address: str, release: str | None) -> Source:
    """The rebuilderd at a URL, by API v1 where it answers, else by v0. Raises SourceError."""
    from ingest.sources.api_v0 import ApiV0
    from ingest.sources.api_v1 import ApiV1

    client = Client(address)
    location = published_location(address)
    try:
        try:
            answer = client.json("/api/v1/meta/distributions")
            if isinstance(answer, list) and all(isinstance(name, str) for name in answer):
                return ApiV1(client, location)
        except NotFoundError:
            answer = client.json("/api/v0/dashboard")
            if isinstance(answer, dict) and "suites" in answer:
                return ApiV0(client, location, release)
    except BaseException:
        client.close()
        raise
    client.close()
    raise SourceError(f"{location}: answers, but not as a rebuilderd does; check the URL.")
