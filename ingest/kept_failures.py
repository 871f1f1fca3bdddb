"""The failures of our database, with the logs that are kept of them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ingest import store
from ingest.categories.texts import Text
from ingest.categories.verdicts import FailedArtifact, FailedBuild
from ingest.logs import LogKey, LogStore, store_of

_FAILURES = """
SELECT o.distribution, o.architecture, s.name, s.version,
    r.name, b.generation, b.built_at, f.log_upstream_id, f.diffoscope_upstream_id
FROM failures AS f
JOIN builds AS b ON b.id = f.build_id
JOIN origins AS o ON o.id = f.origin_id
JOIN source_packages AS s ON s.id = f.source_package_id
JOIN rebuilders AS r ON r.id = f.rebuilder_id
ORDER BY f.id DESC
"""


@dataclass(frozen=True, slots=True)
class KeptFailure:
    """One failure of a source package; its logs are zstd, None where there is nothing in them."""

    distribution: str
    architecture: str
    name: str
    version: str
    log: bytes | None
    diffoscope: bytes | None

    def texts(self) -> tuple[bytes, bytes]:
        """Log and diffoscope output, decompressed. Raises UnreadableError."""
        return decompressed(self.log), decompressed(self.diffoscope)

    def as_failed(self) -> FailedBuild:
        """What the matcher is asked."""
        artifacts = (FailedArtifact(self.name, self.diffoscope),)
        return FailedBuild(0, self.distribution, self.architecture, self.log, artifacts)


def decompressed(log: bytes | None) -> bytes:
    """What is in a compressed log. Raises UnreadableError where it is damaged or too large."""
    return Text.decompressed(log, threading.Lock()).data


def kept_failures(database: Path) -> Iterator[KeptFailure]:
    """The failures whose logs are kept beside the database, the newest first. Raises DatabaseError."""
    with (
        store.reading_database(database) as connection,
        store_of(database, connection, read_only=True) as kept,
    ):
        for distribution, architecture, name, version, *stored_as in connection.execute(_FAILURES):
            found = _logs(kept, *stored_as)
            if found:
                yield KeptFailure(distribution, architecture, name, version, *found)


def _logs(
    kept: LogStore,
    rebuilder: str,
    generation: int,
    built_at: str | None,
    log_id: int | None,
    diffoscope_id: int | None,
) -> tuple[bytes | None, bytes | None] | None:
    if log_id is None:
        return None
    log = kept.get(LogKey(rebuilder, generation, "build", log_id), built_at)
    if diffoscope_id is None:
        return (log.content, None) if log else None
    diffoscope = kept.get(LogKey(rebuilder, generation, "diffoscope", diffoscope_id), built_at)
    return (log.content, diffoscope.content) if log and diffoscope else None
