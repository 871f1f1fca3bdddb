"""Bodies are decompressed a little at a time, as their header says and no further."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.decoding import DecodingError, decoded

MIB = 1024 * 1024


def raw_deflate(content: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(content) + compressor.flush()


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": zstandard.compress,
    "gzip": gzip.compress,
    "X-GZip": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": raw_deflate,
}
compressions = st.sampled_from(sorted(COMPRESS))


def pieces(content: bytes, size: int) -> Iterator[bytes]:
    return (content[start : start + size] for start in range(0, len(content), size))


@given(compressions, st.binary(max_size=500), st.integers(1, 300_000), st.integers(1, 1000))
def test_what_was_compressed_comes_back_however_it_arrives(
    encoding: str, content: bytes, times: int, size: int
) -> None:
    content = (content * times)[:300_000]
    assert b"".join(decoded(pieces(COMPRESS[encoding](content), size), encoding)) == content


@given(st.sampled_from(["zstd", "gzip"]), st.lists(st.binary(max_size=99), max_size=5), st.integers(1, 99))
def test_several_frames_are_one_body(encoding: str, contents: list[bytes], size: int) -> None:
    body = b"".join(map(COMPRESS[encoding], contents))
    assert b"".join(decoded(pieces(body, size), encoding)) == b"".join(contents)


def test_frames_without_content_are_passed_over() -> None:
    skippable = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc"
    assert b"".join(decoded([skippable + zstandard.compress(b"x") + skippable], "zstd")) == b"x"


def test_layers_are_undone_from_the_last_to_the_first() -> None:
    assert b"".join(decoded([zstandard.compress(gzip.compress(b"x"))], "gzip, identity, zstd")) == b"x"
    assert b"".join(decoded([b"as it ", b"is"], "")) == b"as it is"


@pytest.mark.parametrize("encoding", ["sdch", "br", "gzip, sdch", "gzip, gzip, gzip", "\u00e4", "zstd;q=1"])
def test_a_compression_that_was_not_asked_for_is_refused(encoding: str) -> None:
    with pytest.raises(DecodingError, match="is compressed"):
        decoded([b""], encoding)


@given(compressions, st.binary(min_size=1, max_size=99))
def test_half_a_body_is_none(encoding: str, content: bytes) -> None:
    body = COMPRESS[encoding](content)
    for end in range(1, len(body)):
        with pytest.raises(DecodingError, match="cannot be decompressed"):
            list(decoded([body[:end]], encoding))


@given(compressions, st.binary(min_size=1, max_size=99))
def test_nonsense_is_decoded_or_refused(encoding: str, body: bytes) -> None:
    try:
        list(decoded([body], encoding))
    except DecodingError as error:
        assert "cannot be decompressed" in str(error)


def bomb(encoding: str) -> bytes:
    """Of 64 MiB of spaces."""
    made: Any = (
        zstandard.ZstdCompressor().compressobj() if encoding == "zstd" else zlib.compressobj(1, wbits=31)
    )
    return b"".join(made.compress(b" " * (8 * MIB)) for _ in range(8)) + bytes(made.flush())


@pytest.mark.parametrize("encoding", ["zstd", "gzip"])
def test_memory_stays_flat_whatever_a_body_stands_for(encoding: str) -> None:
    body = bomb(encoding)
    tracemalloc.start()
    received = sum(map(len, decoded([body], encoding)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(body) < MIB and received == 64 * MIB and peak < 12 * MIB


def test_a_frame_that_needs_much_memory_is_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=27)
    made = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    body = made.compress(b"a" * 99) + made.flush()
    with pytest.raises(DecodingError, match="cannot be decompressed"):
        list(decoded([body], "zstd"))
