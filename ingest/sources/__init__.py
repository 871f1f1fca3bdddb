"""Tells what kind of source an address is. Never asks."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from ingest.errors import SourceError
from ingest.sources import _sqlite_file
from ingest.sources.base import Source
from ingest.values import printable

_SQLITE_MAGIC = b"SQLite format 3\0"


def is_url(address: str) -> bool:
    return address.startswith(("http://", "https://"))


def default_name(address: str) -> str:
    """A rebuilder's name where the operator gives none: host and path as a slug, or the file's stem."""
    if not is_url(address):
        return Path(address).stem
    shown = published_location(address).partition("://")[2]
    return re.sub(r"[^a-z0-9.]+", "-", shown.lower()).strip("-") or "rebuilder"


def published_location(address: str) -> str:
    """What may be published of an address: a URL without credentials and query, a file's name."""
    if not is_url(address):
        return printable(Path(address).name)
    try:
        parts = urlsplit(address)
    except ValueError:
        return "http://"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def open_source(address: str, release: str | None) -> Source:
    """The source behind a URL or a file name. Raises SourceError where it is none."""
    if is_url(address):
        from ingest.sources import http

        return http.open_api(address, release)
    return _open_file(Path(address), release)


def _open_file(path: Path, release: str | None) -> Source:
    try:
        with path.open("rb") as file:
            start = file.read(len(_SQLITE_MAGIC))
    except FileNotFoundError:
        raise SourceError(f"{path}: no such file; name a rebuilder's URL or its database file.") from None
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror}); check its permissions.") from None
    if not start:
        raise SourceError(f"{path}: the file is empty; name a rebuilder's database file.")
    if start == _SQLITE_MAGIC:
        return _open_database(path, release)
    if start.lstrip()[:1] in (b"[", b"{"):
        from ingest.sources import saved_json

        return saved_json.open_saved(path, release)
    raise SourceError(
        f"{path}: neither an SQLite database nor JSON; name a rebuilder's database or a saved response."
    )


def _open_database(path: Path, release: str | None) -> Source:
    columns = _sqlite_file.table_columns(path)
    if "source_packages" in columns and "rebuilds" in columns:
        from ingest.sources.daemon_database import DaemonDatabase

        return DaemonDatabase(path, columns)
    if "pkgbases" in columns and "packages" in columns:
        from ingest.sources.legacy_database import LegacyDatabase

        return LegacyDatabase(path, columns, release)
    if "ingest_runs" in columns:
        raise SourceError(f"{path}: this is a database of ours; name the rebuilder's own.")
    raise SourceError(f"{path}: an SQLite database, but not a rebuilderd's; name the daemon's own file.")
