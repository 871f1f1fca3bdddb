"""What a source yields: one class per *incoming* relation, one field per column.

A source fills these relations (temporary tables or views called
``incoming_<relation>``), the merge reads them. Values are upstream's own and
not yet checked; every check is made once, by the merge, for all sources.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Record:
    """One row of an incoming relation."""

    RELATION: ClassVar[str]
    KEY: ClassVar[str]

    @classmethod
    @cache
    def columns(cls) -> tuple[str, ...]:
        return tuple(field.name for field in fields(cls))

    def values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.columns())


@dataclass(frozen=True, slots=True)
class SourcePackage(Record):
    """A build input: one source package to rebuild in one origin.

    ``source_key`` links the other relations to this row within one run.
    ``ordinal`` numbers the inputs of one source and architecture from 0.
    ``latest_build`` is the upstream id of its latest build, where listed.
    """

    RELATION: ClassVar[str] = "source_packages"
    KEY: ClassVar[str] = "source_key"

    source_key: int | None
    upstream_source_id: int | None
    upstream_input_id: int | None
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
    latest_build: int | None


@dataclass(frozen=True, slots=True)
class BinaryPackage(Record):
    """A binary package that a source should give.

    ``architecture`` is the binary's own; ``origin_architecture`` the build's.
    ``source_name`` is what a never built binary's source is inferred from.
    """

    RELATION: ClassVar[str] = "binary_packages"
    KEY: ClassVar[str] = "binary_key"

    binary_key: int | None
    upstream_id: int | None
    source_key: int | None
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
    latest_build: int | None


@dataclass(frozen=True, slots=True)
class Build(Record):
    """One attempt to rebuild a source package. ``log`` is upstream's id of its log."""

    RELATION: ClassVar[str] = "builds"
    KEY: ClassVar[str] = "upstream_id"

    upstream_id: int
    source_key: int | None
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
    log: int | None


@dataclass(frozen=True, slots=True)
class BuildArtifact(Record):
    """One file of one build."""

    RELATION: ClassVar[str] = "build_artifacts"
    KEY: ClassVar[str] = "artifact_key"

    artifact_key: int | None
    upstream_id: int | None
    upstream_build_id: int
    name: str
    status: str | None
    has_diffoscope: int
    has_attestation: int


@dataclass(frozen=True, slots=True)
class QueuedBuild(Record):
    """A build that waits or runs."""

    RELATION: ClassVar[str] = "queue"
    KEY: ClassVar[str] = "upstream_id"

    upstream_id: int
    source_key: int | None
    distribution: str
    release: str | None
    architecture: str
    name: str
    version: str
    priority: int
    queued_at: str
    started_at: str | None
    worker: int | None


@dataclass(frozen=True, slots=True)
class Worker(Record):
    """A machine that rebuilds. Its key and its address are never read."""

    RELATION: ClassVar[str] = "workers"
    KEY: ClassVar[str] = "upstream_id"

    upstream_id: int
    name: str
    status: str | None
    last_ping: str | None
    is_online: int


@dataclass(frozen=True, slots=True)
class ImportedSnapshot(Record):
    """Totals that upstream's ``GET /api/v1/stats`` kept."""

    RELATION: ClassVar[str] = "snapshots"
    KEY: ClassVar[str] = "upstream_id"

    upstream_id: int
    captured_at: str
    distribution: str | None
    release: str | None
    architecture: str | None
    good: int
    bad: int
    fail: int
    unknown: int


@dataclass(frozen=True, slots=True)
class ImportedCategory(Record):
    """The failures of one category in an imported snapshot."""

    RELATION: ClassVar[str] = "snapshot_categories"
    KEY: ClassVar[str] = "category_key"

    category_key: int | None
    upstream_snapshot_id: int
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
