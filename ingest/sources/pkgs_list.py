"""The records of API v0's ``pkgs/list``, from a server or from a saved file.

They name binaries only. A binary's source is inferred: by the path in a Debian
pool, elsewhere by the binary's own name; its version by the binary's version.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import IO, ClassVar

from ingest import incoming
from ingest.records import Record
from ingest.sources.json_records import Json, Skipped, objects, parsed, whole
from ingest.sources.pool_path import source_name
from ingest.sql import quote, split


@dataclass(frozen=True, slots=True)
class ListedBinary(Record):
    """One record of the list, with the source that it is taken to come from."""

    RELATION: ClassVar[str] = "listed"
    KEY: ClassVar[str] = "binary_key"

    binary_key: int | None
    source_name: str
    distribution: str
    architecture: str
    name: str
    version: str
    component: str | None
    artifact_url: str | None
    status: str
    build_id: int | None
    built_at: str | None
    has_diffoscope: int
    has_attestation: int


def stage(
    connection: sqlite3.Connection, body: IO[bytes], where: str, release: str | None, skipped: Skipped
) -> int:
    """Set up the incoming relations from a list; returns how many records were read."""
    incoming.create(connection, ListedBinary)
    count = incoming.insert(connection, _binaries(body, where, skipped))
    for script in ("pkgs_list.sql", "binaries_only.sql"):
        text = files("ingest.sources").joinpath(script).read_text()
        for statement in split(text.replace("{release}", quote(release))):
            connection.execute(statement)
    return count


def _binaries(body: IO[bytes], where: str, skipped: Skipped) -> Iterator[ListedBinary]:
    yield from parsed(objects(body, "item", where), _listed_binary, "binary package", skipped)


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
