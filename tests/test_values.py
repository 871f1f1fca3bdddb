"""The checks that every value of every source passes."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.values import LONGEST_NAME, expand, is_readable, iso_time, register, slug


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("2026-11-22 01:02:03", "2026-11-22T01:02:03Z"),
        ("2026-11-22T01:02:03", "2026-11-22T01:02:03Z"),
        ("2026-11-22T01:02:03Z", "2026-11-22T01:02:03Z"),
        ("2026-11-22 01:02:03.5", "2026-11-22T01:02:03.500Z"),
        ("2026-11-22 01:02:03.500000", "2026-11-22T01:02:03.500Z"),
        ("2026-11-22 01:02:03.1234", "2026-11-22T01:02:03.123400Z"),
        ("2026-11-22 01:02:03.123456789", "2026-11-22T01:02:03.123456789Z"),
        ("2026-11-22 01:02:03.000", "2026-11-22T01:02:03Z"),
        ("2000-02-29 23:59:59", "2000-02-29T23:59:59Z"),
        ("2100-12-31 00:00:00", "2100-12-31T00:00:00Z"),
        ("1999-12-31 23:59:59", None),
        ("2101-01-01 00:00:00", None),
        ("2026-02-29 00:00:00", None),
        ("2026-11-22 24:00:00", None),
        ("2026-11-22 01:02:60", None),
        ("2026-11-22 01:02:03.", None),
        ("2026-11-22 01:02:03.1234567890", None),
        ("2026-11-22 01:02:03+01:00", None),
        ("2026-11-22", None),
        ("١٢٣٤-11-22 01:02:03", None),
        ("2026-11-22 01:02:03\n", None),
        ("2026-11-22 01:02:03\0", None),
        ("1763773323", None),
        ("", None),
    ],
)
def test_times_are_iso_8601_in_utc_or_nothing(theirs: str, ours: str | None) -> None:
    assert iso_time(theirs.encode()) == ours


def test_no_time_is_no_time() -> None:
    assert iso_time(None) is None


def test_a_text_too_long_for_a_time_is_not_kept_in_memory() -> None:
    text = "2026-11-22 01:02:03." + "1" * 100_000
    before = sys.getrefcount(text)
    assert iso_time(text) is None
    assert sys.getrefcount(text) == before


@given(
    st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 12, 31)),
    st.integers(0, 9),
    st.integers(0, 999_999_999),
)
def test_a_time_keeps_its_moment_and_its_order(moment: datetime, digits: int, fraction: int) -> None:
    written = f"{fraction:09}"[:digits]
    whole = moment.strftime("%Y-%m-%d %H:%M:%S")
    ours = iso_time((f"{whole}.{written}" if digits else whole).encode())
    assert ours is not None and ours.endswith("Z")
    head, _, tail = ours[:-1].partition(".")
    assert head == whole.replace(" ", "T")
    assert tail.ljust(9, "0") == written.ljust(9, "0")
    assert len(tail) in (0, 3, 6, 9)
    second = iso_time(
        (moment.replace(microsecond=0) + timedelta(seconds=1)).strftime("%Y-%m-%d %H:%M:%S").encode()
    )
    assert second is None or ours.rstrip("Z") < second.rstrip("Z")
    assert datetime.fromisoformat(ours).tzinfo == UTC


@given(st.binary())
def test_no_bytes_are_too_strange_for_a_time(value: bytes) -> None:
    result = iso_time(value)
    assert result is None or iso_time(result.encode()) == result


@pytest.mark.parametrize(
    ("value", "fine"),
    [
        (b"libstdc++6", True),
        (b"1:2.3~rc1-4+b1", True),
        ("naïve-ζ".encode(), True),
        (b"", True),
        (b'it\'s "quoted" <b>marked up</b> & more', True),
        (b"a" * LONGEST_NAME, True),
        (b"a" * (LONGEST_NAME + 1), False),
        (b"two\nlines", False),
        (b"bell\a", False),
        (b"\x1b[31mred", False),
        (b"nul\0inside", False),
        (b"invalid \xff", False),
        ("right\u202eleft".encode(), False),
        ("zero\u200bwidth".encode(), False),
        (b"\xed\xa0\x80", False),
    ],
)
def test_a_readable_text_is_printable_utf_8_of_a_sane_length(value: bytes, fine: bool) -> None:
    assert is_readable(value) is fine


@given(st.binary())
def test_what_is_readable_can_be_printed(value: bytes) -> None:
    assert is_readable(value) == (_decoded(value) is not None and str(_decoded(value)).isprintable())


def _decoded(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


@given(st.text())
def test_a_slug_is_a_key_and_its_own_slug(name: str) -> None:
    key = slug(name)
    assert key and " " not in key and "/" not in key
    assert slug(key) == key


CHECKS = "SELECT unreadable(a, b, c), iso_time(a), other_time(b, a) FROM given"
TIMES = st.sampled_from(["2026-11-22 01:02:03", "2026-11-22T01:02:03Z", "2026-11-22 01:02:03.50"])
PIECES = st.sampled_from(["a", "é", "\0", "\x1b", "\n", "𝐚", "\u202e", "x" * LONGEST_NAME, ""])
VALUES = st.one_of(
    st.none(),
    st.integers(-9, 9),
    st.floats(0, 9),
    st.binary(max_size=4),
    TIMES,
    st.lists(PIECES).map("".join),
)


@pytest.fixture(scope="module")
def checking() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        register(connection)
        connection.execute("CREATE TABLE given (a, b, c)")
        yield connection


def checked(connection: sqlite3.Connection, *, careful: bool) -> object:
    return connection.execute(expand(CHECKS, careful=careful)).fetchone()


@given(values=st.tuples(VALUES, VALUES, VALUES))
def test_careful_checks_find_what_the_others_do(
    checking: sqlite3.Connection, values: tuple[object, ...]
) -> None:
    checking.execute("DELETE FROM given")
    checking.execute("INSERT INTO given VALUES (?, ?, ?)", values)
    assert checked(checking, careful=True) == checked(checking, careful=False)


@given(first=st.binary(), second=st.binary(), third=st.binary())
def test_texts_of_any_bytes_are_checked_one_by_one(
    checking: sqlite3.Connection, first: bytes, second: bytes, third: bytes
) -> None:
    checking.execute("DELETE FROM given")
    checking.execute(
        "INSERT INTO given VALUES (CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS TEXT))", (first, second, third)
    )
    unreadable, time, _ = checking.execute(expand(CHECKS, careful=True)).fetchone()
    bad = (name for name, text in zip("abc", (first, second, third), strict=True) if not is_readable(text))
    assert unreadable == next(bad, None)
    assert time == iso_time(first)
    if all(_decoded(text) is not None for text in (first, second, third)):
        assert checked(checking, careful=False)[0] == unreadable
    else:
        with pytest.raises(sqlite3.OperationalError, match="user-defined function raised exception"):
            checked(checking, careful=False)
