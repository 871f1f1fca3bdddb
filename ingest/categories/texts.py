"""Logs as they are searched: decompressed, within limits, and decoded only where a rule needs it."""

from __future__ import annotations

import io
import re
import threading
from functools import cached_property
from typing import Protocol

import zstandard

from ingest import compressed
from ingest.categories.rules import LOG_TOO_LARGE, LOG_UNREADABLE, Category

LARGEST = 32 << 20
"""Bytes, decompressed. Upstream cuts logs at some megabytes; what is larger was made to be large."""

LARGE = 4 << 20
"""Bytes. Above, logs are read one at a time, so that memory does not grow with the number of workers."""

LARGEST_WIDE = 16 << 20
"""Bytes. Text with characters beyond U+FFFF takes four times its size in memory once it is decoded."""

_WIDE = re.compile(rb"[\xf0-\xf4]")

_threads = threading.local()


class Lock(Protocol):
    """One of threads or one of processes."""

    def acquire(self) -> bool: ...
    def release(self) -> None: ...


class UnreadableError(Exception):
    """A log that no rule can be tried on: the category that says so, and what is wrong in words."""

    def __init__(self, category: Category, reason: str) -> None:
        super().__init__(reason)
        self.category = category
        self.reason = reason


class Text:
    """One decompressed log. Who reads a large one holds ``one_large`` until ``release``."""

    def __init__(self, data: bytes, one_large: Lock | None = None) -> None:
        self.data = data
        self._held = one_large

    @classmethod
    def decompressed(cls, log: bytes | None, one_large: Lock) -> Text:
        """Of a compressed log, or of nothing. Raises UnreadableError."""
        if not log:
            return cls(b"")
        try:
            # Nearly every log is decompressed by this one call; what went wrong
            # otherwise, if anything, turns out when reading it piece by piece.
            if compressed.is_ordinary(log) and zstandard.frame_content_size(log) <= LARGE:
                return cls(_decompressor().decompress(log, max_output_size=LARGE))
        except zstandard.ZstdError:
            pass
        one_large.acquire()
        try:
            return cls(_piece_by_piece(log), one_large)
        except BaseException:
            one_large.release()
            raise

    @cached_property
    def text(self) -> str:
        """As rules see it: UTF-8 with replacement characters. Raises UnreadableError."""
        if len(self.data) > LARGEST_WIDE and _WIDE.search(self.data):
            raise UnreadableError(
                LOG_TOO_LARGE, f"decoded it takes more than {4 * LARGEST_WIDE >> 20} MiB of memory"
            )
        return self.data.decode("utf-8", "replace")

    def release(self) -> None:
        """Lets the next large one be read."""
        if self._held:
            self._held.release()
            self._held = None


def _decompressor() -> zstandard.ZstdDecompressor:
    if not hasattr(_threads, "decompressor"):
        _threads.decompressor = zstandard.ZstdDecompressor()
    decompressor: zstandard.ZstdDecompressor = _threads.decompressor
    return decompressor


def _piece_by_piece(log: bytes) -> bytes:
    content = io.BytesIO()
    try:
        for piece in compressed.pieces(log):
            content.write(piece)
            if content.tell() > LARGEST:
                raise UnreadableError(LOG_TOO_LARGE, f"decompressed it is larger than {LARGEST >> 20} MiB")
    except compressed.DamagedError as error:
        raise UnreadableError(LOG_UNREADABLE, str(error)) from error
    return content.getvalue()
