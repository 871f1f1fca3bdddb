"""An answer as it is kept: compressed, since a list of a whole archive takes a tenth of its size or less."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import zstandard

CHUNK = 256 * 1024
SHORT = 4096
"""Bytes that are not worth compressing: an answer about one package."""
_LEVEL = 1


class Body(NamedTuple):
    """What is answered, and when it was last found up to date, where that is known."""

    content: bytes
    is_frame: bool
    """Whether the content is one zstd frame; a short one is as it is sent."""
    length: int
    """Of what is in the frame."""
    etag: str
    modified: str | None
    """ISO 8601 with ``Z``."""


def kept(pieces: Iterable[str | bytes], modified: str | None) -> Body:
    """The body that the pieces make. Never holds more than a chunk of it uncompressed."""
    chunks = _chunks(pieces)
    first = next(chunks)
    if len(first) <= SHORT:
        return Body(first, False, len(first), _etag(first), modified)
    # In a thread of its own: meanwhile SQLite makes the next piece.
    compressor = zstandard.ZstdCompressor(level=_LEVEL, threads=1).compressobj()
    frame, length = bytearray(), 0
    for chunk in itertools.chain([first], chunks):
        length += len(chunk)
        frame += compressor.compress(chunk)
    frame += compressor.flush()
    return Body(bytes(frame), True, length, _etag(frame), modified)


def _etag(content: bytes | bytearray) -> str:
    # The same rows make the same content, here and where the database is copied to.
    return f'W/"{hashlib.blake2b(content, digest_size=16).hexdigest()}"'


def decompressed(frame: bytes) -> Iterator[bytes]:
    """What is in the frame, in chunks."""
    with zstandard.ZstdDecompressor().stream_reader(frame) as reader:
        while chunk := reader.read(CHUNK):
            yield chunk


def _chunks(pieces: Iterable[str | bytes]) -> Iterator[bytes]:
    waiting, size = [], 0
    for piece in pieces:
        waiting.append(piece if isinstance(piece, bytes) else piece.encode())
        size += len(waiting[-1])
        if size >= CHUNK:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)
