"""InfluxDB 1.x and 2.x: line protocol over HTTP."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import httpx
import stamina

from ingest import __version__
from ingest.errors import SinkError
from ingest.sinks.base import Point, Settings, Sink
from ingest.sources.http import retry_after
from ingest.sources.location import is_url, published_location
from ingest.statistics.periods import parse

ATTEMPTS = 3
SILENCE_SECONDS = 20.0
_RETRIED = {408, 425, 429, 500, 502, 503, 504}
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
        database, bucket = settings.optional("database"), settings.optional("bucket")
        user, password = settings.optional("user"), settings.secret("password")
        org, token = settings.optional("org"), settings.secret("token")
        headers = {"User-Agent": f"rebuilderd-datasette/{__version__}"}
        if database and not (bucket or org or token):
            self._address, target = f"{url}/write", {"db": database}
        elif bucket and org and not (database or user or password):
            self._address, target = f"{url}/api/v2/write", {"org": org, "bucket": bucket}
            headers |= {"Authorization": f"Token {token}"} if token else {}
        else:
            raise settings.wrong("needs either database (InfluxDB 1.x) or org, bucket and token (2.x).")
        if bool(user) != bool(password):
            raise settings.wrong("needs both user and password, or neither.")
        self._target = {**target, "precision": "ns"}
        self._shown = published_location(self._address)
        self._http = httpx.Client(
            headers=headers, timeout=SILENCE_SECONDS, auth=(user, password) if user and password else None
        )

    def send(self, points: Sequence[Point]) -> None:
        stamina.instrumentation.set_on_retry_hooks([])
        content = "\n".join(line(point) for point in points).encode()
        for attempt in stamina.retry_context(
            on=_wait, attempts=ATTEMPTS, timeout=None, wait_initial=0.5, wait_max=5.0
        ):
            with attempt:
                self._write(content)

    def close(self) -> None:
        self._http.close()

    def _write(self, content: bytes) -> None:
        try:
            response = self._http.post(self._address, params=self._target, content=content)
        except httpx.TransportError as error:
            raise _TryAgain(
                f"{self._shown}: cannot be reached ({error}); check the URL and the server."
            ) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise SinkError(f"{self._shown}: not a usable URL ({error}).") from error
        if response.is_success:
            return
        message = f"{self._shown}: answered {response.status_code} ({_reason(response)}); check the sink's settings."
        if response.status_code in _RETRIED:
            raise _TryAgain(message, retry_after(response.headers.get("Retry-After")))
        raise SinkError(message)


def line(point: Point) -> str:
    """A point in line protocol: the statistic as measurement, its dimensions as tags, one field ``value``."""
    tags = "".join(f",{_key(key)}={tag}" for key, value in point.dimensions.items() if (tag := _tag(value)))
    # Always a float: a field that is an integer once may never be anything else.
    return f"{point.statistic}{tags} value={float(point.value)!r} {nanoseconds(point.at)}"


def nanoseconds(at: str) -> int:
    """Since 1970; our times have up to nine digits after the second."""
    fraction = at[19:].strip(".Z")[:9].ljust(9, "0")
    return int(parse(at).timestamp()) * 10**9 + int(fraction)


def _key(name: str) -> str:
    return "time_" if name == "time" else name  # which InfluxDB keeps for itself


def _tag(value: str | int | float) -> str:
    """A tag's value. InfluxDB can hold neither line breaks nor a backslash at the end."""
    text = "".join(character if character.isprintable() else " " for character in str(value))
    if text.endswith("\\"):
        text = f"{text[:-1]}/"
    return text.translate(_ESCAPED)


def _reason(response: httpx.Response) -> str:
    """What InfluxDB says was wrong, in one line."""
    try:
        answer = response.json()
        said = str(answer.get("error") or answer.get("message") or response.reason_phrase)
    except (ValueError, AttributeError):
        said = response.reason_phrase
    return " ".join(said.split())[:200]


def _wait(error: Exception) -> bool | dt.timedelta:
    if not isinstance(error, _TryAgain):
        return False
    return True if error.wait is None else error.wait
