"""What a source yields: one class per *incoming* relation, one field per column.

A source fills these relations (temporary tables or views called
``incoming_<relation>``), the merge reads them. Values are upstream's own and
not yet checked; every check is made once, by the merge, for all sources.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from operator import attrgetter
from typing import Any, ClassVar

Id = int
"""A number that relations are joined by. Its column is an integer as the published ones are, since SQLite
uses no index to compare an integer with a column that takes any type."""


@dataclass(slots=True)
class Record:
    """One row of an incoming relation. ``INDEXED``: what rows are looked up by, other than their key.

    Nothing changes a record. They are not frozen all the same: Python takes four times as long to make one that
    is, and a run makes hundreds of thousands.
    """

    RELATION: ClassVar[str]
    KEY: ClassVar[str]
    INDEXED: ClassVar[tuple[str, ...]] = ()

    @classmethod
    @cache
    def columns(cls) -> tuple[str, ...]:
        return tuple(field.name for field in fields(cls))

    @classmethod
    @cache
    def ids(cls) -> frozenset[str]:
        """The columns that hold an ``Id``."""
        return frozenset(field.name for field in fields(cls) if str(field.type).startswith("Id"))

    @classmethod
    @cache
    def _all_values(cls) -> attrgetter[tuple[Any, ...]]:
        return attrgetter(*cls.columns())

    def values(self) -> tuple[Any, ...]:
        return self._all_values()(self)


@dataclass(slots=True)
class SourcePackage(Record):
    """A build input: one source package to rebuild in one origin.

    ``source_key`` links the other relations to this row within one run.
    ``ordinal`` numbers the inputs of one source and architecture from 0.
    ``latest_build`` is the upstream id of its latest build, where listed.
    """

    RELATION: ClassVar[str] = "source_packages"
    KEY: ClassVar[str] = "source_key"
    INDEXED: ClassVar[tuple[str, ...]] = ("upstream_source_id", "upstream_input_id")

    source_key: Id | None
    upstream_source_id: Id | None
    upstream_input_id: Id | None
    ordinal: int
    distribution: str
    release: str | None
    architecture: str
    name: str
    version: str
    name_inferred: int
    input_url: str | None
    backend: str | None
    retries: int | None
    next_retry: str | None
    last_seen: str | None
    seen: int
    status: str | None
    latest_build: Id | None


@dataclass(slots=True)
class BinaryPackage(Record):
    """A binary package that a source should give.

    ``architecture`` is the binary's own; ``origin_architecture`` the build's.
    ``source_name`` is what a never built binary's source is inferred from.
    """

    RELATION: ClassVar[str] = "binary_packages"
    KEY: ClassVar[str] = "binary_key"
    INDEXED: ClassVar[tuple[str, ...]] = ("upstream_id",)

    binary_key: Id | None
    upstream_id: Id | None
    source_key: Id | None
    source_inferred: int
    source_name: str | None
    distribution: str
    release: str | None
    origin_architecture: str
    name: str
    version: str
    architecture: str
    component: str | None
    artifact_url: str | None
    seen: int
    status: str | None
    latest_build: Id | None


@dataclass(slots=True)
class Build(Record):
    """One attempt to rebuild a source package. ``log`` is upstream's id of its log."""

    RELATION: ClassVar[str] = "builds"
    KEY: ClassVar[str] = "upstream_id"

    upstream_id: Id
    source_key: Id | None
    source_inferred: int
    distribution: str
    release: str | None
    architecture: str
    name: str
    version: str
    backend: str | None
    retries: int | None
    started_at: str | None
    built_at: str | None
    status: str | None
    log: Id | None


@dataclass(slots=True)
class BuildArtifact(Record):
    """One file of one build."""

    RELATION: ClassVar[str] = "build_artifacts"
    KEY: ClassVar[str] = "artifact_key"
    INDEXED: ClassVar[tuple[str, ...]] = ("upstream_build_id",)

    artifact_key: Id | None
    upstream_id: Id | None
    upstream_build_id: Id
    name: str
    status: str | None
    has_diffoscope: int
    has_attestation: int


@dataclass(slots=True)
class QueuedBuild(Record):
    """A build that waits or runs."""

    RELATION: ClassVar[str] = "queue"
    KEY: ClassVar[str] = "upstream_id"

    upstream_id: Id
    source_key: Id | None
    distribution: str
    release: str | None
    architecture: str
    name: str
    version: str
    priority: int
    queued_at: str
    started_at: str | None
    worker: Id | None


@dataclass(slots=True)
class Worker(Record):
    """A machine that rebuilds. Its key and its address are never read."""

    RELATION: ClassVar[str] = "workers"
    KEY: ClassVar[str] = "upstream_id"

    upstream_id: Id
    name: str
    status: str | None
    last_ping: str | None
    is_online: int


@dataclass(slots=True)
class ImportedSnapshot(Record):
    """Totals that upstream's ``GET /api/v1/stats`` kept."""

    RELATION: ClassVar[str] = "snapshots"
    KEY: ClassVar[str] = "upstream_id"

    upstream_id: Id
    captured_at: str
    distribution: str | None
    release: str | None
    architecture: str | None
    good: int
    bad: int
    fail: int
    unknown: int


@dataclass(slots=True)
class ImportedCategory(Record):
    """The failures of one category in an imported snapshot."""

    RELATION: ClassVar[str] = "snapshot_categories"
    KEY: ClassVar[str] = "category_key"

    category_key: Id | None
    upstream_snapshot_id: Id
    category: str
    failures: int


RELATIONS: tuple[type[Record], ...] = (
    SourcePackage,
    BinaryPackage,
    Build,
    BuildArtifact,
    QueuedBuild,
    Worker,
    ImportedSnapshot,
    ImportedCategory,
)
