"""Undoes what HTTP's Content-Encoding names, a little at a time: a small body may stand for gigabytes.

Each generator holds one piece of its output at a time, whatever it is given.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import zstandard

ACCEPTED = "zstd, gzip"
"""What we ask servers for; ``deflate`` is understood where one sends it all the same."""
PIECE = 64 * 1024
_MOST_LAYERS = 2
_WIDEST_WINDOW = 8 * 1024 * 1024
"""Bytes that a decompressor of zstd keeps at most; RFC 9659 allows HTTP no more."""
_FED_AT_ONCE = 128
"""Compressed bytes. Four of them can stand for 128 KiB, so this gives 4 MiB at the most."""


class DecodingError(Exception):
    """The body is not compressed as its server says. The text completes a sentence."""


class _Part(Protocol):
    """One frame or member."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def decoded(chunks: Iterable[bytes], content_encoding: str) -> Iterator[bytes]:
    """A body as it was before it was compressed, by the header that came with it. Raises DecodingError."""
    layers = [name.strip().lower() for name in content_encoding.split(",")]
    layers = [name for name in layers if name not in ("", "identity")]
    if unknown := set(layers).difference(_DECODERS):
        raise DecodingError(f"is compressed in a way that was not asked for ({min(unknown)[:20]!a})")
    if len(layers) > _MOST_LAYERS:
        raise DecodingError(f"is compressed {len(layers)} times")
    for name in reversed(layers):
        chunks = _parts(chunks, _DECODERS[name])
    return iter(chunks)


def _zstd(start: bytes) -> _Part:
    return zstandard.ZstdDecompressor(max_window_size=_WIDEST_WINDOW).decompressobj()


def _gzip(start: bytes) -> _Part:
    return zlib.decompressobj(zlib.MAX_WBITS | 16)


def _deflate(start: bytes) -> _Part:
    """With a header, as it should be, or without, as some servers send it."""
    return zlib.decompressobj(zlib.MAX_WBITS if start[0] & 15 == 8 else -zlib.MAX_WBITS)


def _parts(chunks: Iterable[bytes], new: Callable[[bytes], _Part]) -> Iterator[bytes]:
    """What is in one part after the other: frames of zstd, members of gzip."""
    part, piece = None, bytearray()
    try:
        for chunk in chunks:
            for at in range(0, len(chunk), _FED_AT_ONCE):
                fed = chunk[at : at + _FED_AT_ONCE]
                while fed:
                    part = part or new(fed)
                    piece += part.decompress(fed)
                    fed = b""
                    if part.eof:
                        fed, part = part.unused_data, None
                if len(piece) >= PIECE:
                    yield bytes(piece)
                    piece.clear()
    except (zstandard.ZstdError, zlib.error) as error:
        raise DecodingError("cannot be decompressed") from error
    if piece:
        yield bytes(piece)
    if part:
        raise DecodingError("is cut short, it cannot be decompressed")


_DECODERS: dict[str, Callable[[bytes], _Part]] = {
    "zstd": _zstd,
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
}
