"""What a statistic's ``process`` is given: builds, failures and snapshots, without a look at our tables."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from ingest import sql


@dataclass(frozen=True, slots=True)
class Record:
    """``at`` is when it was, ISO 8601 UTC; ``origin`` a label such as ``debian/trixie/amd64``."""

    QUERY: ClassVar[str]

    rebuilder: str
    origin: str | None
    distribution: str | None
    release: str | None
    architecture: str | None
    at: str

    @classmethod
    def between(cls, connection: sqlite3.Connection, parameters: dict[str, Any]) -> Iterator[Self]:
        """Those of a period (``start``, ``stop``) and of ``origins``, in the order of time."""
        (select,) = sql.statements(f"statistics/{cls.QUERY}")
        return (cls(*row) for row in connection.execute(select, parameters))


@dataclass(frozen=True, slots=True)
class Build(Record):
    """An attempt to rebuild a source package; copies that rebuilderd makes for other releases are left out.

    ``duration`` is in seconds. ``category`` is the key of the first reason why it failed,
    ``log_bytes`` the size of the log, known of failures only, ``properties`` what statistics'
    ``log_properties`` read from it. ``at`` is when its result came.
    """

    QUERY = "builds.sql"

    id: int
    package: str
    version: str
    status: str | None
    attempt: int
    started_at: str | None
    duration: float | None
    backend: str | None
    retries: int | None
    artifacts: int
    log_bytes: int | None
    category: str | None
    properties: Mapping[str, str]

    @classmethod
    def between(cls, connection: sqlite3.Connection, parameters: dict[str, Any]) -> Iterator[Self]:
        (select,) = sql.statements(f"statistics/{cls.QUERY}")
        for *row, properties in connection.execute(select, parameters):
            row.append(json.loads(properties) if properties else {})
            yield cls(*row)


@dataclass(frozen=True, slots=True)
class Failure(Record):
    """A BAD artifact, or a FAIL build, whose ``artifact`` is None; ``at`` is when the build's result came."""

    QUERY = "failures.sql"

    id: int
    build: int
    package: str
    version: str
    status: str | None
    attempt: int
    artifact: str | None
    category: str
    category_class: str
    evidence: str | None


@dataclass(frozen=True, slots=True)
class Snapshot(Record):
    """The totals of an origin at a time; ``kind`` is taken, imported or reconstructed.

    ``unknown`` is None where it is not known. ``counted`` says what: source packages or binary packages.
    """

    QUERY = "snapshots.sql"

    id: int
    kind: str
    counted: str
    good: int
    bad: int
    fail: int
    unknown: int | None
