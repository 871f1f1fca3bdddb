"""Compressed logs are read to their last byte, whatever they are made of."""

from __future__ import annotations

import gzip
import time
from pathlib import Path

import pytest
import zstandard
from fake_server import answer, serve
from helpers import run
from hypothesis import given
from hypothesis import strategies as st
from test_matcher import category, matching, rule

from ingest import compressed
from ingest.categories.verdicts import FailedBuild
from ingest.logs import LogKey, LogStore
from ingest.progress import Progress
from ingest.sources import http_logs
from ingest.sources.base import LogRequest
from ingest.sources.http import Client
from ingest.sources.log_frames import frame
from ingest.statistics import log_properties

SKIPPED = b"\x5a\x2a\x4d\x18" + (7).to_bytes(4, "little") + b"skipped"
FIRST, LAST = b"first part\n", b"E: it died\n"


def zstd(content: bytes) -> bytes:
    """As rebuilderd has it: a frame that does not say how long its content is."""
    return zstandard.ZstdCompressor(write_content_size=False).compress(content)


SEVERAL = {
    "two frames": zstd(FIRST) + zstd(LAST),
    "two frames that tell their size": zstandard.compress(FIRST) + zstandard.compress(LAST),
    "an empty frame first": zstd(b"") + zstd(FIRST + LAST),
    "a skippable frame first": SKIPPED + zstd(FIRST + LAST),
    "a skippable frame between": zstd(FIRST) + SKIPPED + zstandard.compress(LAST),
    "a skippable frame last": zstd(FIRST + LAST) + SKIPPED,
}
several = pytest.mark.parametrize("content", SEVERAL.values(), ids=SEVERAL)


@several
def test_rules_see_all_of_a_log_of_several_frames(content: bytes) -> None:
    rules = matching(rule("whole", "log_has_re", "^first part\nE: it died\n$"), rule("rest", "catch_all"))
    assert category(rules, FailedBuild(1, "debian", "amd64", content)) == "whole"


@several
def test_a_log_of_several_frames_is_taken_from_a_server_as_it_is(content: bytes) -> None:
    with serve({"/log": answer(content, Content_Encoding="zstd")}) as server:
        wanted, path = [LogRequest("build", 1, 1)], (lambda _: "/log")
        (log,) = http_logs.fetch(Client(server.url), wanted, path, Progress(silent=True))
    assert (log.content, log.problem) == (content, None)


@several
def test_explain_reads_a_log_of_several_frames(content: bytes, tmp_path: Path) -> None:
    assert_explained(tmp_path, content)


def test_explain_reads_a_log_of_several_gzip_members(tmp_path: Path) -> None:
    assert_explained(tmp_path, gzip.compress(FIRST) + gzip.compress(LAST))


def assert_explained(folder: Path, content: bytes) -> None:
    rules, log = folder / "rules.toml", folder / "build.log"
    rules.write_text('[backend.debian]\ncategories = [{name = "died", log_has = "E: it died"}]\n')
    log.write_bytes(content)
    assert run("rules", "explain", log, "--rules", rules).output.startswith("died (died, unknown)\n")


@several
def test_properties_are_found_in_any_frame(content: bytes, tmp_path: Path) -> None:
    key = LogKey("r", 1, "build", 1)
    with LogStore(tmp_path / "r.logs") as logs:
        logs.put(key, None, content)
        found = log_properties._found(logs, [(7, None, *key)], "end", r"E: it (\w+)")
        assert list(found) == [(7, "end", "died")]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (zstd(FIRST) + zstd(LAST)[:-3], "ends too early"),
        (zstd(FIRST) + SKIPPED[:-1], "ends too early"),
        (zstd(FIRST) + b"something else", "no zstd frame"),
        (gzip.compress(FIRST) + gzip.compress(LAST)[:-3], "ends too early"),
    ],
    ids=["frame cut", "skippable frame cut", "no frame", "member cut"],
)
def test_what_is_damaged_after_the_first_part_is_shown_up_to_there(content: bytes, reason: str) -> None:
    shown = b"".join(compressed.shown(content))
    assert shown.startswith(FIRST) and shown.endswith(compressed.BROKEN)
    with pytest.raises(compressed.DamagedError, match=reason):
        list(compressed.pieces(content))


@pytest.mark.parametrize(
    "content",
    [b"", *(empty * 2 for empty in (zstd(b""), zstandard.compress(b"")))],
    ids=["nothing", "without size", "with size"],
)
def test_a_log_of_nothing_but_empty_frames_is_empty(content: bytes) -> None:
    assert frame(content) is None


PARTS = st.lists(st.tuples(st.binary(max_size=3000), st.sampled_from([zstd, zstandard.compress])))


@given(PARTS.filter(bool), st.data())
def test_any_frames_are_read_to_the_end_and_half_of_one_is_noticed(
    parts: list[tuple[bytes, object]], data: st.DataObject
) -> None:
    frames = [pack(part) for part, pack in parts]  # type: ignore[operator]
    assert b"".join(compressed.pieces(b"".join(frames))) == b"".join(part for part, _ in parts)
    assert compressed.is_ordinary(b"".join(frames)) == (len(frames) == 1)
    *whole, last = frames
    cut = last[: data.draw(st.integers(1, len(last) - 1))]
    assert not compressed.is_ordinary(cut)
    with pytest.raises(compressed.DamagedError):
        list(compressed.pieces(b"".join([*whole, cut])))


@given(st.binary(max_size=300))
def test_no_bytes_are_too_odd_to_be_looked_at(content: bytes) -> None:
    for hostile in (content, b"\x28\xb5\x2f\xfd" + content, b"\x1f\x8b\x08" + content):
        assert isinstance(compressed.is_ordinary(hostile), bool)
        assert b"".join(compressed.shown(hostile))


def test_a_frame_with_a_wide_window_is_not_passed_on() -> None:
    parameters = zstandard.ZstdCompressionParameters.from_level(1, window_log=24, write_content_size=False)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    wide = compressor.compress(b"a" * 2**25) + compressor.flush()
    assert not compressed.is_ordinary(wide)
    assert sum(map(len, compressed.pieces(wide))) == 2**25


def test_millions_of_frames_and_blocks_take_seconds_and_no_memory() -> None:
    start = time.process_time()
    assert not any(compressed.pieces(zstd(b"") * 200_000))
    blocks = b"\x28\xb5\x2f\xfd\x00\x58" + b"\x00\x00\x00" * 1_000_000 + b"\x01\x00\x00"
    assert not compressed.is_ordinary(blocks) and not any(compressed.pieces(blocks))
    assert time.process_time() - start < 5
