"""InfluxDB 1.x and 2.x: line protocol over HTTP."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import httpx
import orjson
import stamina

from ingest import __version__
from ingest.errors import SinkError
from ingest.sinks.base import Point, Removed, Settings, Sink
from ingest.sources.connection import open_client
from ingest.sources.http import RETRIED, retry_after
from ingest.sources.location import flaw, is_url, published_location
from ingest.statistics.periods import parse

ATTEMPTS = 3
SILENCE_SECONDS = 20.0
LARGEST_ANSWER = 1024 * 1024
"""Bytes of an answer that are looked at; one to many questions has a few for each."""
_KNOWS_NONE = {404, 405, 501}
"""How servers answer that take the line protocol and remove nothing."""
_SINGLE, _DOUBLE = "'", '"'
_TOO_OLD = "beyond retention policy"
_ESCAPED = str.maketrans({",": "\\,", "=": "\\=", " ": "\\ "})


class _TryAgain(SinkError):
    """A failure that may pass by itself."""

    def __init__(self, message: str, wait: dt.timedelta | None = None) -> None:
        super().__init__(message)
        self.wait = wait


class InfluxDB(Sink):
    """A point is told apart by measurement, tags and time, so what is sent twice is stored once."""

    kind = "influxdb"

    def __init__(self, settings: Settings) -> None:
        url = settings.text("url").rstrip("/")
        if not is_url(url):
            raise settings.wrong("url must begin with http:// or https://.")
        if why := flaw(url):
            raise settings.wrong(f"url is {why}")
        database, bucket = settings.optional("database"), settings.optional("bucket")
        user, password = settings.optional("user"), settings.secret("password")
        org, token = settings.optional("org"), settings.secret("token")
        headers = {"User-Agent": f"rebuilderd-datasette/{__version__}", "Accept-Encoding": "identity"}
        self._url, self._is_1 = url, bool(database)
        self._target: dict[str, str]
        if database and not (bucket or org or token):
            self._target = {"db": database}
        elif bucket and org and not (database or user or password):
            self._target = {"org": org, "bucket": bucket}
            headers |= {"Authorization": f"Token {token}"} if token else {}
        else:
            raise settings.wrong("needs either database (InfluxDB 1.x) or org, bucket and token (2.x).")
        if bool(user) != bool(password):
            raise settings.wrong("needs both user and password, or neither.")
        if token and not (token.isascii() and token.isprintable()):
            # httpx would quote it in an error, and errors of sinks are published.
            raise settings.wrong(
                "token must be printable ASCII without a line break; check where it comes from."
            )
        self._headers = headers
        self._auth = (user, password) if user and password else None
        self._opened: httpx.Client | None = None

    @property
    def _http(self) -> httpx.Client:
        """Opened when something is sent: what the environment makes fail shall stop nothing else."""
        if self._opened is None:
            stamina.instrumentation.set_on_retry_hooks([])
            self._opened = open_client(
                published_location(self._url),
                SinkError,
                headers=self._headers,
                timeout=SILENCE_SECONDS,
                auth=self._auth,
            )
        return self._opened

    def send(self, points: Sequence[Point]) -> None:
        content = "\n".join(line(point) for point in points).encode()
        address = "/write" if self._is_1 else "/api/v2/write"
        self._post(address, {**self._target, "precision": "ns"}, content=content)

    def remove(self, points: Sequence[Removed]) -> None:
        if self._is_1 and points:
            questions = ";".join(deletion(point) for point in points)
            self._post("/query", self._target, _KNOWS_NONE, data={"q": questions})
        elif not self._is_1:
            # A predicate cannot say that a tag is absent: others of that time may have the same tags and more.
            for point in points:
                if None not in point.dimensions.values():
                    self._post("/api/v2/delete", self._target, _KNOWS_NONE, json=predicate(point))

    def close(self) -> None:
        if self._opened:
            self._opened.close()

    def _post(
        self, path: str, parameters: Mapping[str, str], passed: Collection[int] = (), **content: Any
    ) -> None:
        for attempt in stamina.retry_context(
            on=_wait, attempts=ATTEMPTS, timeout=None, wait_initial=0.5, wait_max=5.0
        ):
            with attempt:
                self._post_once(path, parameters, passed, content)

    def _post_once(
        self, path: str, parameters: Mapping[str, str], passed: Collection[int], content: Mapping[str, Any]
    ) -> None:
        shown = published_location(self._url + path)
        http = self._http
        try:
            with http.stream("POST", self._url + path, params=parameters, **content) as response:
                reason = _reason(response)
        except httpx.TransportError as error:
            raise _TryAgain(f"{shown}: cannot be reached ({error}); check the URL and the server.") from error
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise SinkError(f"{shown}: not a usable URL; check it.") from error
        if (response.is_success and not reason) or response.status_code in passed:
            return
        if _TOO_OLD in reason:  # All others of the batch were stored.
            return
        message = f"{shown}: answered {response.status_code} ({reason}); check the sink's settings."
        if response.status_code in RETRIED:
            raise _TryAgain(message, retry_after(response.headers.get("Retry-After")))
        raise SinkError(message)


def line(point: Point) -> str:
    """A point in line protocol: the statistic as measurement, its dimensions as tags, one field ``value``."""
    tags = "".join(f",{_key(key)}={tag}" for key, value in point.dimensions.items() if (tag := _tag(value)))
    # Always a float: a field that is an integer once may never be anything else.
    return f"{point.statistic}{tags} value={float(point.value)!r} {nanoseconds(point.at)}"


def deletion(point: Removed) -> str:
    """InfluxQL that removes a point: the one with these tags, and without those that it has none of."""
    tags = [f'"{_key(key)}" = {_quoted(value, _SINGLE)}' for key, value in point.dimensions.items()]
    return f'DELETE FROM "{point.statistic}" WHERE {" AND ".join([f"time = {nanoseconds(point.at)}", *tags])}'


def predicate(point: Removed) -> dict[str, str]:
    """What removes a point from InfluxDB 2.x; both limits of time are included."""
    tags = [f"{_key(key)}={_quoted(value, _DOUBLE)}" for key, value in point.dimensions.items()]
    said = " AND ".join([f'_measurement="{point.statistic}"', *tags])
    return {"start": point.at, "stop": point.at, "predicate": said}


def _quoted(value: str | int | float | None, quote: str) -> str:
    text = "" if value is None else _tag_text(value)
    return quote + text.replace("\\", "\\\\").replace(quote, f"\\{quote}") + quote


def nanoseconds(at: str) -> int:
    """Since 1970; our times have up to nine digits after the second."""
    fraction = at[19:].strip(".Z")[:9].ljust(9, "0")
    return int(parse(at).timestamp()) * 10**9 + int(fraction)


def _key(name: str) -> str:
    return "time_" if name == "time" else name  # which InfluxDB keeps for itself


def _tag(value: str | int | float) -> str:
    return _tag_text(value).translate(_ESCAPED)


def _tag_text(value: str | int | float) -> str:
    """A tag's value. InfluxDB can hold neither line breaks nor a backslash at the end."""
    text = "".join(character if character.isprintable() else " " for character in str(value))
    return f"{text[:-1]}/" if text.endswith("\\") else text


def _reason(response: httpx.Response) -> str:
    """What InfluxDB says was wrong, in one line, also of one of several questions; empty for nothing."""
    said = "" if response.is_success else response.reason_phrase
    try:
        answer = orjson.loads(_start(response))
        results = [answer, *answer.get("results", ())]
        said = next((str(each[key]) for each in results for key in ("error", "message") if key in each), said)
    except (ValueError, AttributeError, TypeError):
        pass
    return " ".join(said.split())[:200]


def _start(response: httpx.Response) -> bytes:
    """As much of an answer as an error may need: who answers may be anybody, and send without end."""
    content, until = b"", time.monotonic() + SILENCE_SECONDS
    for chunk in response.iter_raw():
        content += chunk
        if len(content) > LARGEST_ANSWER or time.monotonic() > until:
            break
    return content


def _wait(error: Exception) -> bool | dt.timedelta:
    if not isinstance(error, _TryAgain):
        return False
    return True if error.wait is None else error.wait
