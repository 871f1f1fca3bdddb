"""HTTP clients as the environment wants them, and how far they follow redirects."""

from __future__ import annotations

import os
from contextlib import closing
from typing import Any

import httpx

from ingest.errors import IngestError, SourceError

MOST_REDIRECTS = 5
_PROXIES = ("ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")
_FILES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")
_PORTS = {"http": 80, "https": 443}


def open_client(where: str, refusal: type[IngestError], **settings: Any) -> httpx.Client:
    """A client that follows no redirect by itself. Raises the refusal where the environment allows none."""
    try:
        return httpx.Client(follow_redirects=False, **settings)
    except Exception as error:
        # What httpx and ssl make of wrong variables: OSError, ImportError, ValueError and others.
        raise refusal(f"{where}: cannot be asked, {_explain(error)}") from error


def _explain(error: Exception) -> str:
    """Which variables are to blame and what to do. Quotes no proxy, whose URL may hold a password."""
    if isinstance(error, OSError):
        return (
            f"{_set(_FILES) or 'a certificate'} cannot be used ({error.strerror or type(error).__name__});"
            " correct or unset it."
        )
    if isinstance(error, ImportError):
        return (
            f"a proxy in {_set(_PROXIES)} needs a package that is not installed;"
            " install httpx[socks] or name an HTTP proxy."
        )
    return (
        f"{_set(_PROXIES) or 'the environment'} cannot be understood; a proxy begins with http://, https:// or"
        " socks5://, and IPv6 addresses in NO_PROXY are written without brackets and without a length."
    )


def _set(names: tuple[str, ...]) -> str:
    """Those of the variables that are set, in either case."""
    return ", ".join(name for each in names for name in (each, each.lower()) if os.environ.get(name))


def send(client: httpx.Client, request: httpx.Request, address: str) -> httpx.Response:
    """The response, not read yet, also where the server redirects to itself. Raises SourceError, httpx's errors."""
    origin = request.url
    for _ in range(MOST_REDIRECTS + 1):
        response = client.send(request, stream=True)
        if response.next_request is None:
            return response
        # What a redirect has for a body is not read: it may be as large as any.
        with closing(response):
            request = response.next_request
        if not is_within(origin, request.url):
            raise SourceError(
                f"{address}: redirects to another server ({_shown(request.url)});"
                " name that one instead, if you trust it."
            )
    raise SourceError(f"{address}: redirects without end; check the URL.")


def is_within(origin: httpx.URL, url: httpx.URL) -> bool:
    """Whether a redirect stays on the server that was named: its port, or to TLS on that port or the usual one."""
    if url.host != origin.host:
        return False
    if url.scheme == origin.scheme:
        return _port(url) == _port(origin)
    return (origin.scheme, url.scheme) == ("http", "https") and _port(url) in (443, _port(origin))


def _port(url: httpx.URL) -> int | None:
    return url.port or _PORTS.get(url.scheme)


def _shown(url: httpx.URL) -> str:
    return ascii(f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}"[:100])[1:-1]
