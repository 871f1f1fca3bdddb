"""Addresses of sources: what they are called, and what of them may be published."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from ingest.values import printable

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def is_url(address: str) -> bool:
    """Whether it is of a kind that can be read: over HTTP."""
    return address.lower().startswith(("http://", "https://"))


def is_file(address: str) -> bool:
    """Whether it is no URL of any kind."""
    return not _SCHEME.match(address)


def default_name(address: str) -> str:
    """A rebuilder's name where the operator gives none: host and path as a slug, or the file's stem."""
    if is_file(address):
        return Path(address).stem
    shown = published_location(address).partition("://")[2]
    return re.sub(r"[^a-z0-9.]+", "-", shown.lower()).strip("-") or "rebuilder"


def published_location(address: str) -> str:
    """What may be published of an address: a URL without credentials and query, a file's name.

    Of a URL that nobody can read only its scheme: a password with a “/” makes one, and is all over it.
    """
    if is_file(address):
        return printable(Path(address).name)
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return f"{address.partition('://')[0]}://"
    return printable(urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "")))
