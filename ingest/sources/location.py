"""Addresses of sources and sinks: what they are called, and what of them may be published.

Whatever holds ``://`` is meant as a URL, and may hold a password; nobody knows where one ends that was
written without escapes. All else names a file.
"""

from __future__ import annotations

import re
from pathlib import Path

from ingest.values import printable

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_CREDENTIALS = re.compile(rf"({_SCHEME.pattern})\S*@", re.IGNORECASE)


def is_url(address: str) -> bool:
    """Whether it is of a kind that can be read: over HTTP."""
    return address.lower().startswith(("http://", "https://"))


def is_file(address: str) -> bool:
    """Whether it is no URL of any kind."""
    return "://" not in address


def flaw(url: str) -> str | None:
    """Why it cannot be told where the credentials of a URL end, and what to do; None where it can."""
    before, _, _ = url.partition("://")[2].rpartition("@")
    if not re.search("[/?#@]", before):
        return None
    return (
        "not a usable URL: a “/”, “?”, “#” or “@” comes before its last “@”;"
        " in a password write them as %2F, %3F, %23 and %40, elsewhere “@” as %40."
    )


def default_name(address: str) -> str:
    """A rebuilder's name where the operator gives none: host and path as a slug, or the file's stem."""
    if is_file(address):
        return Path(address).stem
    shown = published_location(address).lower()
    host_and_path = shown.removeprefix("http://").removeprefix("https://")
    return re.sub(r"[^a-z0-9.]+", "-", host_and_path).strip("-") or "rebuilder"


def published_location(address: str) -> str:
    """What may be published of an address: of a URL nothing before its last “@”, and no query; a file's name."""
    if is_file(address):
        return printable(Path(address).name)
    shown = re.split("[?#]", address.rpartition("@")[2], maxsplit=1)[0]
    scheme = _SCHEME.match(address)
    if scheme and not _SCHEME.match(shown):
        shown = scheme[0] + shown
    return printable(shown)


def published_name(name: str) -> str:
    """A name that an operator gave, as it is stored: one that is a URL only as far as that may be published."""
    return printable(name) if is_file(name) else published_location(name)


def published_text(text: str) -> str:
    """An error of whatever origin, without the credentials of URLs in it."""
    return _CREDENTIALS.sub(r"\1", text)
