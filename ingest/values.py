"""The checks that every value of every source passes, as SQL functions.

Values are checked in SQL, next to the comparison with what is published
already, so an unchanged row costs no check at all.
"""

from __future__ import annotations

import re
import sqlite3
from datetime import UTC, date, datetime
from functools import lru_cache

LONGEST_NAME = 1000
"""Characters. The longest real package names and URLs stay below 300."""

_TIME = re.compile(
    r"((?:20\d\d|2100)-\d\d-\d\d)[ T]((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(\d{1,9}))?Z?", re.ASCII
)
_LONGEST_TIME = len("2026-11-22 01:02:03.123456789Z")

_CALL = re.compile(r"\b(iso_time|other_time|unreadable)\(([\w., \n]+)\)")


Value = str | bytes | int | float | None
"""What a column holds, whatever it should hold."""


def iso_time(value: Value) -> str | None:
    """rebuilderd's times (``YYYY-MM-DD HH:MM:SS[.f]``, UTC, 0 to 9 digits) as ISO 8601 with ``Z``.

    The fraction gets 0, 3, 6 or 9 digits, as rebuilderd's API prints it.
    Anything that is no time between 2000 and 2100 gives None.
    """
    if isinstance(value, (str, bytes)) and len(value) <= _LONGEST_TIME:
        return _known_time(value)
    return None


@lru_cache(maxsize=4096)  # of short texts only: a hostile file may hold thousands of long ones
def _known_time(value: str | bytes) -> str | None:
    match = _TIME.fullmatch(value.decode("latin-1") if isinstance(value, bytes) else value)
    if match is None:
        return None
    day, clock, digits = match.groups()
    if not _is_day(day):
        return None
    if digits and (digits := digits.rstrip("0")):
        return f"{day}T{clock}.{digits.ljust(-(-len(digits) // 3) * 3, '0')}Z"
    return f"{day}T{clock}Z"


@lru_cache(maxsize=4096)
def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_readable(value: bytes) -> bool:
    """Whether the bytes are UTF-8 text of at most 1000 printable characters."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return False
    return len(text) <= LONGEST_NAME and text.isprintable()


def are_readable(*values: Value) -> bool:
    """Whether all are readable text, of 1000 characters together; where not, one by one may be."""
    try:
        text = "".join(values)  # type: ignore[arg-type]
    except TypeError:
        return False
    return len(text) <= LONGEST_NAME and text.isprintable()


def printable(text: str) -> str:
    """A text of the operator's, such as a file's name, as it can be stored and shown in one line."""
    return "".join(character if character.isprintable() else "?" for character in text)


def slug(name: str) -> str:
    """A name as a key: lower case, everything but letters and digits folded to ``-``."""
    return re.sub(r"[\W_]+", "-", name.lower()).strip("-") or "-"


def _slug_of_text(value: Value) -> str | None:
    return slug(value) if isinstance(value, str) else None


def now() -> str:
    """The time of now, ISO 8601 UTC, whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def register(connection: sqlite3.Connection) -> None:
    """Make the functions known to a connection."""
    # They fail where a text is no UTF-8, which is expected: Datasette, where it is loaded, wants to see why.
    sqlite3.enable_callback_tracebacks(False)
    connection.create_function("iso_time", 1, iso_time, deterministic=True)
    connection.create_function("are_readable", -1, are_readable, deterministic=True)
    connection.create_function("is_readable", 1, is_readable, deterministic=True)
    connection.create_function("slug", 1, _slug_of_text, deterministic=True)


def expand(sql: str, *, careful: bool = False) -> str:
    """Spell out ``iso_time(column)``, ``other_time(ours, theirs)`` and ``unreadable(column, …)``.

    ``unreadable`` becomes the name of the first column that is no readable text,
    NULL where all are (or are NULL). ``other_time`` says whether a published time
    differs from one that was read, and calls Python only where the two do not look
    the same at once.

    Columns of foreign files may hold bytes that are no UTF-8. Python functions can
    be given such a text only as BLOB: that is what ``careful`` does, and it takes
    twice as long. Without it the statement fails.
    """
    return _CALL.sub(lambda call: _expand_call(call, careful), sql)


def _expand_call(call: re.Match[str], careful: bool) -> str:
    columns = [column.strip() for column in call[2].split(",")]
    if call[1] == "iso_time":
        return f"CASE WHEN {columns[0]} IS NOT NULL THEN {_time(columns[0], careful)} END"
    if call[1] == "other_time":
        ours, theirs = columns
        return (
            f"CASE WHEN {theirs} IS NULL THEN {ours} IS NOT NULL "
            f"WHEN {ours} = replace({theirs}, ' ', 'T') || 'Z' THEN 0 "
            f"ELSE {ours} IS NOT {_time(theirs, careful)} END"
        )
    texts = [f"coalesce({column}, '')" for column in columns]
    fine = "" if careful else f"WHEN are_readable({', '.join(texts)}) THEN NULL "
    each = " ".join(
        f"WHEN typeof({column}) NOT IN ('text', 'null') "
        f"OR NOT is_readable(CAST({text} AS BLOB)) THEN '{column.rpartition('.')[2]}'"
        for column, text in zip(columns, texts, strict=True)
    )
    return f"CASE {fine}{each} END"


def _time(column: str, careful: bool) -> str:
    return f"iso_time(CAST({column} AS BLOB))" if careful else f"iso_time({column})"
