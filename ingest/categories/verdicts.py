"""What the matcher is asked and what it answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FailedArtifact:
    """A BAD artifact; ``diffoscope`` is compressed with zstd, None where there is none."""

    name: str
    diffoscope: bytes | None


@dataclass(frozen=True, slots=True)
class FailedBuild:
    """A build that failed, with its logs as upstream stores them (zstd, mostly one frame without a size).

    ``key`` is whatever the asker tells builds apart by. A FAIL build has no
    artifacts and is explained by its log alone; of a BAD build each BAD artifact
    is explained by the build's log and its own diffoscope output. A ``log`` of
    None is an empty log.
    """

    key: int
    distribution: str
    architecture: str
    log: bytes | None
    artifacts: tuple[FailedArtifact, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why one thing failed. ``artifact`` is None for a FAIL build.

    ``category`` is a category's key. ``evidence`` are the lines that decided, at
    most 500 printable characters, from the ``evidence_from`` log (``log`` or
    ``diffoscope``); both are None where nothing particular decided. The sizes
    are in bytes, decompressed; None where there is no log, it is not readable, or
    it was not read to its end.
    """

    key: int
    artifact: str | None
    category: str
    evidence: str | None
    evidence_from: str | None
    log_bytes: int | None
    diffoscope_bytes: int | None
