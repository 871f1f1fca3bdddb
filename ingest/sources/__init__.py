"""Finds out what kind of source an address is, so that nobody has to say."""

from __future__ import annotations

from pathlib import Path

from ingest.errors import SourceError
from ingest.sources import _sqlite_file
from ingest.sources.base import Source
from ingest.sources.location import flaw, is_file, is_url, published_location

_SQLITE_MAGIC = b"SQLite format 3\0"


def open_source(address: str, release: str | None) -> Source:
    """The source behind a URL or a file name. Raises SourceError where it is none."""
    if not is_file(address) and (why := flaw(address)):
        raise SourceError(f"{published_location(address)}: {why}")
    if is_url(address):
        from ingest.sources import http

        return http.open_api(address, release)
    if not is_file(address):
        raise SourceError(
            f"{published_location(address)}: not a kind of URL that is read; use http or https."
        )
    return _open_file(Path(address), release)


def _open_file(path: Path, release: str | None) -> Source:
    try:
        # Asked first: opening a pipe waits for somebody to write into it.
        if path.exists() and not path.is_file():
            raise SourceError(f"{path}: not a file; name a rebuilder's URL or its database file.")
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
