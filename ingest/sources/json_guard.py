"""Looks at JSON before a parser does: what parsers choke on is refused, whatever its size, in linear time.

Numbers of thousands of digits crash ijson, exponents without end make it raise what nobody expects,
its time grows with the square of the depth, and a text or a record is held in memory as a whole.
"""

from __future__ import annotations

import re
from typing import Protocol

DEEPEST = 20
"""Levels. Records have three."""
LONGEST_NUMBER = 400
"""Digits. The largest number that a float can hold has 309, written out."""
LARGEST_RECORD = 1024 * 1024
"""Bytes of one record, or of one text. Real ones stay below a few thousand."""

_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_NUMBERS = bytes.maketrans(b"123456789E", b"000000000e")
_IN_NUMBERS = b"+-."
_TOO_LONG = b"0" * (LONGEST_NUMBER + 1)
_TOO_FAR = b"e00000"


class Readable(Protocol):
    """What can be read piece by piece; an empty piece is the end."""

    def read(self, size: int = -1, /) -> bytes: ...


class Guard:
    """A document as a file that refuses, by a ValueError, what no record is like.

    ``record_depth`` says how many levels stand around a record; None where the whole is one.
    """

    def __init__(self, body: Readable, record_depth: int | None = None) -> None:
        self._body = body
        self._record_depth = record_depth
        self._in_text = False
        self._in_escape = False
        self._text_bytes = 0
        self._record_bytes = 0
        self._depth = 0
        self._last_digits = b""

    def read(self, size: int = -1) -> bytes:
        data = self._body.read(size)
        outside = self._outside_texts(data)
        self._check_numbers(outside)
        self._check_depth(outside, len(data))
        return data

    def _outside_texts(self, data: bytes) -> bytes:
        """What stands outside of texts, with a quote in place of each."""
        if self._in_escape:
            data, self._in_escape = data[1:], not data
        if b"\\" in data:
            data = _ESCAPE.sub(b".", data)
            if data.endswith(b"\\"):
                data, self._in_escape = data[:-1], True
        parts = data.split(b'"')
        outside = b'"'.join(parts[self._in_text :: 2])
        if len(parts) > 1:
            self._text_bytes = 0
        self._in_text ^= len(parts) % 2 == 0
        if self._in_text:
            self._text_bytes += len(parts[-1])
            if self._text_bytes > LARGEST_RECORD:
                raise ValueError("a text without end")
        return outside

    def _check_numbers(self, outside: bytes) -> None:
        numbers = self._last_digits + outside.translate(_NUMBERS, _IN_NUMBERS)
        if _TOO_LONG in numbers or _TOO_FAR in numbers:
            raise ValueError(f"a number of more than {LONGEST_NUMBER} digits, or of that size")
        self._last_digits = numbers[-LONGEST_NUMBER:]

    def _check_depth(self, outside: bytes, size: int) -> None:
        lowest = DEEPEST
        for bracket in outside.translate(None, _NO_BRACKETS):
            self._depth += 1 if bracket in b"[{" else -1
            lowest = min(lowest, self._depth)
            if self._depth > DEEPEST:
                raise ValueError(f"nested deeper than {DEEPEST} levels")
        if self._record_depth is None:
            return
        # Where no record ends, what comes belongs to one, or to none.
        self._record_bytes = self._record_bytes + size if lowest > self._record_depth else 0
        if self._record_bytes > LARGEST_RECORD:
            raise ValueError("a record without end")
