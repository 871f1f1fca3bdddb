"""What API v1 says in JSON, as our records. Each raises KeyError, TypeError or ValueError where it is none."""

from __future__ import annotations

from ingest import records
from ingest.sources.json_records import Json, whole
from ingest.sources.pool_path import source_name


def source_package(architecture: str, record: Json) -> records.SourcePackage:
    """A record says everything but the architecture that was asked for."""
    return records.SourcePackage(
        source_key=None,
        upstream_source_id=whole(record, "id"),
        upstream_input_id=None,
        ordinal=0,
        distribution=record["distribution"],
        release=record["release"],
        architecture=architecture,
        name=record["name"],
        version=record["version"],
        name_inferred=0,
        input_url=None,
        backend=None,
        retries=None,
        next_retry=None,
        last_seen=record.get("last_seen"),
        seen=record.get("seen_in_last_sync", 1),
        status=None,
        latest_build=record["build_id"],
    )


def build(record: Json) -> records.Build:
    """A build attempt."""
    return records.Build(
        upstream_id=whole(record, "id"),
        source_key=None,
        source_inferred=0,
        distribution=record["distribution"],
        release=record["release"],
        architecture=record["architecture"],
        name=record["name"],
        version=record["version"],
        backend=record.get("backend"),
        retries=record.get("retries"),
        started_at=record["started_at"],
        built_at=record["built_at"],
        status=record["status"],
        log=None,
    )


def binary_and_artifact(record: Json) -> tuple[records.BinaryPackage, records.BuildArtifact | None]:
    """A binary, and the artifact that its latest build gave, where there is one."""
    binary = records.BinaryPackage(
        binary_key=None,
        upstream_id=whole(record, "id"),
        source_key=None,
        source_inferred=0,
        source_name=source_name(record["url"]),
        distribution=record["distribution"],
        release=record["release"],
        origin_architecture=record["architecture"],
        name=record["name"],
        version=record["version"],
        architecture=record["architecture"],
        component=record["component"],
        artifact_url=record["url"],
        seen=record.get("seen_in_last_sync", 1),
        status=None,
        latest_build=record["build_id"],
    )
    if record["artifact_id"] is None or record["build_id"] is None:
        return binary, None
    artifact = records.BuildArtifact(
        artifact_key=whole(record, "artifact_id"),
        upstream_id=record["artifact_id"],
        upstream_build_id=record["build_id"],
        name=record["name"],
        status=record["status"],
        has_diffoscope=int(record["diffoscope_log_id"] is not None),
        has_attestation=int(record["attestation_log_id"] is not None),
    )
    return binary, artifact


def artifact(build: int, record: Json) -> records.BuildArtifact:
    """One file of a build."""
    return records.BuildArtifact(
        artifact_key=whole(record, "id"),
        upstream_id=whole(record, "id"),
        upstream_build_id=build,
        name=record["name"],
        status=record["status"],
        has_diffoscope=record["has_diffoscope"],
        has_attestation=record["has_attestation"],
    )


def queued_build(record: Json) -> records.QueuedBuild:
    """A job of the queue."""
    return records.QueuedBuild(
        upstream_id=whole(record, "id"),
        source_key=None,
        distribution=record["distribution"],
        release=record["release"],
        architecture=record["architecture"],
        name=record["name"],
        version=record["version"],
        priority=record["priority"],
        queued_at=record["queued_at"],
        started_at=record["started_at"],
        worker=None,
    )


def worker(record: Json) -> records.Worker:
    """A worker, without its address."""
    return records.Worker(
        upstream_id=whole(record, "id"),
        name=record["name"] or f"worker {record['id']}",
        status=record["status"],
        last_ping=record["last_ping"],
        is_online=record["is_online"],
    )
