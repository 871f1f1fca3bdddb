"""Logs as we keep them, whatever a source stores or sends: zstd."""

from __future__ import annotations

import zstandard

from ingest import compressed

LARGEST_LOG = 32 * 1024**2
"""Bytes, compressed. Real ones stay below one megabyte."""
_SHORT = 64
"""An empty log's frame is shorter, whatever it was compressed with."""


def frame(content: bytes | None) -> bytes | None:
    """A log as zstd: unchanged where it is; None where there is nothing in it."""
    if not content:
        return None
    if not compressed.is_zstd(content):
        return zstandard.compress(content)
    return None if len(content) < _SHORT and _is_empty(content) else content


def too_large(size: int) -> str:
    """What is said of a log larger than LARGEST_LOG."""
    return f"the log is larger than {LARGEST_LOG >> 20} MiB compressed ({size >> 20} MiB or more); left out."


def _is_empty(content: bytes) -> bool:
    try:
        return not any(compressed.pieces(content))
    except compressed.DamagedError:
        return False
