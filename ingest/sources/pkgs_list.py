"""The records of API v0's ``pkgs/list``, from a server or from a saved file.

They name binaries only. A binary's source is inferred: by the path in a Debian
pool, elsewhere by the binary's own name; its version by the binary's version.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import ClassVar

from ingest import incoming
from ingest.records import Id, Record, SourcePackage
from ingest.sources.json_guard import Readable
from ingest.sources.json_records import Json, Skipped, objects, parsed, whole
from ingest.sources.pool_path import source_name
from ingest.sql import quote


@dataclass(slots=True)
class ListedBinary(Record):
    """One record of the list, with the source that it is taken to come from."""

    RELATION: ClassVar[str] = "listed"
    KEY: ClassVar[str] = "binary_key"

    binary_key: Id | None
    source_name: str
    distribution: str
    architecture: str
    name: str
    version: str
    component: str | None
    artifact_url: str | None
    status: str
    build_id: Id | None
    built_at: str | None
    has_diffoscope: int
    has_attestation: int


def stage(
    connection: sqlite3.Connection, body: Readable, where: str, release: str | None, skipped: Skipped
) -> None:
    """Set up the incoming relations from a list: ``where`` is how messages call it. Raises SourceError."""
    incoming.create(connection, ListedBinary)
    incoming.create(connection, SourcePackage)
    found = parsed(objects(body, "item", where), _listed_binary, "binary package", skipped)
    incoming.insert(connection, found)
    incoming.create_views(connection, "pkgs_list.sql", release=quote(release))
    incoming.create_views(connection, "binaries_only.sql")


def _listed_binary(record: Json) -> ListedBinary:
    return ListedBinary(
        binary_key=None,
        source_name=source_name(record["artifact_url"]) or record["name"],
        distribution=record["distro"],
        architecture=record["architecture"],
        name=record["name"],
        version=record["version"],
        component=record["suite"],
        artifact_url=record["artifact_url"],
        status=record["status"],
        build_id=None if record.get("build_id") is None else whole(record, "build_id"),
        built_at=record.get("built_at"),
        has_diffoscope=record["has_diffoscope"],
        has_attestation=record["has_attestation"],
    )
