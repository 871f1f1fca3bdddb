"""The checks that every value of every source passes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.values import LONGEST_NAME, expand, is_readable, iso_time, slug


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


def test_a_call_on_a_column_becomes_one_on_its_bytes() -> None:
    assert (
        expand("SELECT iso_time(i.built_at)")
        == "SELECT CASE WHEN i.built_at IS NOT NULL THEN iso_time(CAST(i.built_at AS BLOB)) END"
    )
