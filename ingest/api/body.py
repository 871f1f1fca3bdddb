"""An answer, kept compressed: a list of a whole archive takes a tenth of its size or less."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import zstandard

CHUNK = 256 * 1024
_LEVEL = 1
_GZIP = 31
"""What zlib calls the window of the gzip format."""


class Body(NamedTuple):
    """One zstd frame, what it is when decompressed, and when it was last found up to date."""

    frame: bytes
    length: int
    etag: str
    modified: str | None
    """ISO 8601 with ``Z``."""


def compressed(pieces: Iterable[str | bytes], modified: str | None) -> Body:
    """The body that the pieces make. Never holds more than a chunk of it uncompressed."""
    compressor = zstandard.ZstdCompressor(level=_LEVEL).compressobj()
    frame, length = bytearray(), 0
    for chunk in _chunks(pieces):
        length += len(chunk)
        frame += compressor.compress(chunk)
    frame += compressor.flush()
    # The same rows make the same frame, here and where the database is copied to.
    digest = hashlib.blake2b(frame, digest_size=16).hexdigest()
    return Body(bytes(frame), length, f'W/"{digest}"', modified)


def decompressed(frame: bytes) -> Iterator[bytes]:
    """What is in the frame, in chunks."""
    with zstandard.ZstdDecompressor().stream_reader(frame) as reader:
        while chunk := reader.read(CHUNK):
            yield chunk


def gzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks as gzip, in chunks that are not empty."""
    compressor = zlib.compressobj(level=1, wbits=_GZIP)
    for chunk in chunks:
        if ready := compressor.compress(chunk):
            yield ready
    yield compressor.flush()


def _chunks(pieces: Iterable[str | bytes]) -> Iterator[bytes]:
    waiting, size = [], 0
    for piece in pieces:
        waiting.append(piece if isinstance(piece, bytes) else piece.encode())
        size += len(waiting[-1])
        if size >= CHUNK:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)
