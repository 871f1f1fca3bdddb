"""What is in compressed logs, to their last byte, whoever compressed them.

Both formats allow more than one part after another: frames of zstd, some of which are to be
skipped, and members of gzip. Most tools write one; what appends to a file writes more.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import zstandard

LONGEST_SHOWN = 256 * 1024**2
"""Bytes of a log that are shown. Ours are smaller by far; what is larger was made to be large."""
CHUNK = 256 * 1024
CUT = b"\n\n[The rest is not shown: the log is longer than 256 MiB.]\n"
BROKEN = b"\n\n[The rest cannot be shown: it cannot be decompressed.]\n"

_FRAME = b"\x28\xb5\x2f\xfd"
_SKIPPABLE = b"\x2a\x4d\x18"
"""Its last three bytes; the first one is 0x50 to 0x5f."""
_MEMBER = b"\x1f\x8b"
_GZIP = 31
"""What zlib calls the window of the gzip format."""
_FED_AT_ONCE = 256
"""Compressed bytes. Four of them can stand for 128 KiB, so this gives 8 MiB at the most."""
_WIDEST_WINDOW = 8 * 1024**2
"""Bytes. What RFC 9659 has clients reserve for zstd over HTTP."""
_MOST_BLOCKS = 4096
"""Of a frame that is looked through; 32 MiB need 256."""
_RLE = 1
"""A block of one byte that is repeated as often as its size says."""


class DamagedError(Exception):
    """The rest cannot be decompressed, and why, as the end of a sentence."""


class Part(Protocol):
    """One frame or member."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def is_zstd(content: bytes) -> bool:
    """Whether it begins as zstd does."""
    return content[:4] == _FRAME or (content[1:4] == _SKIPPABLE and content[0] >> 4 == 5)


def is_gzip(content: bytes) -> bool:
    """Whether it begins as gzip does."""
    return content.startswith(_MEMBER)


def is_ordinary(content: bytes) -> bool:
    """Whether it is one whole frame of zstd and no more, that any client can read.

    Some read the first frame only, and browsers none with a window wider than 8 MiB. Looks at where
    blocks end, which takes microseconds; what is in them may still be damaged.
    """
    if not content.startswith(_FRAME):
        return False
    try:
        header = zstandard.get_frame_parameters(content)
        end = zstandard.frame_header_size(content)
    except zstandard.ZstdError:
        return False
    if header.window_size > _WIDEST_WINDOW or header.dict_id:
        return False
    for _ in range(_MOST_BLOCKS):
        block = int.from_bytes(content[end : end + 3], "little")
        is_last, kind, size = block & 1, block >> 1 & 3, block >> 3
        end += 3 + (1 if kind == _RLE else size)
        if is_last or end > len(content):
            break
    return bool(is_last) and end + 4 * header.has_checksum == len(content)


def pieces(content: bytes) -> Iterator[bytes]:
    """What is in frames or members, in pieces of 8 MiB at most. Raises DamagedError after what can be read."""
    if not content:
        raise DamagedError("there is nothing in it")
    if is_gzip(content):
        return parts([content], lambda _: zlib.decompressobj(_GZIP), "gzip member")
    return parts([content], lambda _: zstandard.ZstdDecompressor().decompressobj(), "zstd frame")


def parts(chunks: Iterable[bytes], new: Callable[[bytes], Part], name: str) -> Iterator[bytes]:
    """What is in one part after the other, as ``pieces``; ``new`` is given the start of each, ``name`` is theirs."""
    part = None
    try:
        for chunk in chunks:
            for at in range(0, len(chunk), _FED_AT_ONCE):
                fed = chunk[at : at + _FED_AT_ONCE]
                while fed:
                    part = part or new(fed)
                    piece = part.decompress(fed)
                    fed = b""
                    if part.eof:
                        fed, part = part.unused_data, None
                    if piece:
                        yield piece
    except (zstandard.ZstdError, zlib.error) as error:
        raise DamagedError(f"it is no {name}, or a damaged one ({error})") from error
    if part:
        raise DamagedError(f"its {name} ends too early")


def start(content: bytes, size: int) -> bytes:
    """The first bytes of what is in it, as far as they can be read."""
    found = bytearray()
    try:
        for piece in pieces(content):
            found += piece
            if len(found) >= size:
                break
    except DamagedError:
        pass
    return bytes(found[:size])


def shown(content: bytes) -> Iterator[bytes]:
    """A log in chunks for who wants to read it: as far as it can be read and to a limit, and what is missing."""
    chunk, size = bytearray(), 0
    end = b""
    try:
        for piece in pieces(content):
            chunk += piece[: LONGEST_SHOWN - size]
            size += len(piece)
            if size > LONGEST_SHOWN:
                end = CUT
                break
            if len(chunk) >= CHUNK:
                yield bytes(chunk)
                chunk.clear()
    except DamagedError:
        end = BROKEN
    if chunk:
        yield bytes(chunk)
    if end:
        yield end


def gzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks as gzip, in chunks that are not empty."""
    compressor = zlib.compressobj(level=1, wbits=_GZIP)
    for chunk in chunks:
        if ready := compressor.compress(chunk):
            yield ready
    yield compressor.flush()
