"""What parsers of JSON choke on is refused before they see it, wherever a read ends."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
from fake_server import answer, page, rebuilderd, serve, source_package
from helpers import DAEMON, dump, ingest, is_sound, run
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import SourceError
from ingest.sources.json_guard import LARGEST_RECORD, Guard
from ingest.sources.json_records import document, objects, total

LONG = "9" * 4301
FAR = "1e9999999999999999999"
NUMBERS = [LONG, f"-{LONG}", f"0.{LONG}", f"1e{LONG}", FAR, FAR.upper(), "1e-9999999999999999999"]


class Pieces:
    """A document that is read in pieces of these sizes."""

    def __init__(self, content: bytes, sizes: list[int]) -> None:
        self.content, self.sizes = io.BytesIO(content), iter(sizes)

    def read(self, size: int = -1) -> bytes:
        return self.content.read(next(self.sizes, 7))


def read(guard: Guard) -> bytes:
    return b"".join(iter(guard.read, b""))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
sizes = st.lists(st.integers(1, 20), max_size=20)


@given(json_values, st.booleans(), sizes)
def test_ordinary_json_passes_as_it_is(value: Any, ascii_only: bool, sizes: list[int]) -> None:
    content = json.dumps([value], ensure_ascii=ascii_only).encode(errors="replace")
    assert read(Guard(Pieces(content, sizes), 1)) == content


@given(st.lists(st.text()), st.sampled_from(NUMBERS), sizes)
def test_a_long_number_is_refused_wherever_it_stands_and_reads_end(
    before: list[str], number: str, sizes: list[int]
) -> None:
    content = f"{json.dumps(before)[:-1]}{',' if before else ''}{number}]".encode()
    with pytest.raises(ValueError, match="more than 400 digits"):
        read(Guard(Pieces(content, sizes)))


@given(st.text(alphabet='\\"0e9', min_size=401), sizes)
def test_digits_in_a_text_are_no_number(text: str, sizes: list[int]) -> None:
    content = json.dumps([text + "9" * 500]).encode()
    assert read(Guard(Pieces(content, sizes))) == content


@pytest.mark.parametrize(
    "content",
    [
        b'{"total":1,"records":[{"id":1,"name":"' + b"a" * 10_000_000 + b'"}]}',
        b'{"total":1,"records":[{"id":1,"name":"' + b'\\"' * 5_000_000 + b'"}]}',
        b'{"total":1,"records":[{"id":1,"name":[' + b"1," * 5_000_000 + b"1]}]}",
        b'{"total":1,"records":["' + b"a" * 10_000_000 + b'"]}',
        b'{"a":"' + b"\\\\" * 5_000_000 + b'","total":1,"records":[]}',
        b'{"total":1,"records":[' + b'{"a":' * 2_000_000,
        b'{"total":1,"records":[' + b" " * 10_000_000 + b"]}",
        b'{"total":1,"records":[' + b"1," * 5_000_000 + b"1]}",
    ],
    ids=["text", "quotes", "list", "bare text", "before the total", "depth", "spaces", "numbers"],
)
def test_ten_megabytes_in_one_value_are_refused_in_a_second(content: bytes) -> None:
    started = time.process_time()
    with pytest.raises(SourceError, match=r"without end|nested deeper"):
        total(io.BytesIO(content), "here")
        list(objects(io.BytesIO(content), "records.item", "here"))
    assert time.process_time() - started < 1


def test_many_small_records_are_no_record_without_end() -> None:
    records = [{"id": id, "name": "a" * 50_000} for id in range(2 * LARGEST_RECORD // 50_000)]
    content = json.dumps({"total": len(records), "records": records}).encode()
    assert list(objects(io.BytesIO(content), "records.item", "here")) == records


@pytest.mark.parametrize("number", [LONG, FAR], ids=["long", "far"])
def test_a_long_number_in_an_answer_is_a_sentence_and_stops_no_other(tmp_path: Path, number: str) -> None:
    answers = rebuilderd(source=answer(b'{"total":1,"records":[{"id":' + number.encode() + b"}]}"))
    with serve(answers) as server:
        (tmp_path / "rebuilders.toml").write_text(
            f'[rebuilders.liar]\nsource = "{server.url}"\n[rebuilders.here]\nsource = "{DAEMON.resolve()}"\n'
        )
        result = run("ingest", tmp_path / "r.db", "--config", tmp_path / "rebuilders.toml")
    assert result.exit_code == 1 and result.stderr.count("\n") == 1
    assert "more than 400 digits" in result.stderr
    assert "\nhere: " in f"\n{result.stdout}" and is_sound(tmp_path / "r.db")


@pytest.mark.parametrize("body", [f"[{LONG}]", f'{{"total":{FAR},"records":[]}}', f'[{{"id":{LONG}}}]'])
def test_a_long_number_in_a_small_answer_is_a_sentence(body: str) -> None:
    with pytest.raises(SourceError, match="more than 400 digits"):
        document(io.BytesIO(body.encode()), "here")


@pytest.mark.parametrize("number", [LONG, FAR], ids=["long", "far"])
@pytest.mark.parametrize("key", ["build_id", "captured_at"])
def test_a_long_number_in_a_saved_answer_is_a_sentence(tmp_path: Path, key: str, number: str) -> None:
    known = {
        "build_id": '[{"name":"a","version":"1","status":"GOOD","distro":"debian","artifact_url":"x"},{"build_id":',
        "captured_at": '[{"captured_at":"x","good":1,"bad":1,"fail":1,"unknown":1},{"captured_at":',
    }
    saved = tmp_path / "saved.json"
    saved.write_text(f"{known[key]}{number}}}]")
    result = run("ingest", tmp_path / "r.db", saved)
    assert result.exit_code == 1 and result.stderr.count("\n") == 1
    assert "more than 400 digits" in result.stderr


def test_an_integer_that_no_column_holds_costs_its_record_only(tmp_path: Path) -> None:
    large = int("9" * 400)
    record = source_package(large, "dash")
    with serve(rebuilderd(source=page(source_package(1, "acl"), record))) as server:
        result = ingest(tmp_path / "r.db", server.url)
    assert result.skipped == 1 and len(dump(tmp_path / "r.db")["source_packages"]) == 1
