"""A file with one measurement a line, to which new lines are added."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from typing import IO

import orjson

from ingest.errors import SinkError
from ingest.sinks.base import Point, Removed, Settings, Sink
from ingest.sinks.reading import BATCH

_BLOCK = 256 * 1024


class JsonLines(Sink):
    """No line stands in the file twice: what a killed run wrote is found at its end."""

    kind = "jsonlines"

    def __init__(self, settings: Settings) -> None:
        self.path = settings.path("path")

    def send(self, points: Sequence[Point]) -> None:
        self._add([_line(point) for point in points])

    def remove(self, points: Sequence[Removed]) -> None:
        self._add([_line_of_removed(point) for point in points])

    def _add(self, lines: Sequence[bytes]) -> None:
        try:
            with self.path.open("a+b") as file:
                # Ingests of several databases, or by hand, may write to the same file.
                fcntl.flock(file, fcntl.LOCK_EX)
                written = _last_lines(file)
                file.write(b"".join(line for line in lines if line not in written))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise SinkError(
                f"{self.path.name}: cannot be written ({error.strerror}); check its folder and the disk."
            ) from error


def _line(point: Point) -> bytes:
    return orjson.dumps(
        {
            "id": point.id,
            "statistic": point.statistic,
            "at": point.at,
            "value": point.value,
            "unit": point.unit,
            "dimensions": point.dimensions,
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


def _line_of_removed(point: Removed) -> bytes:
    dimensions = {key: value for key, value in point.dimensions.items() if value is not None}
    return orjson.dumps(
        {
            "removed": point.id,
            "statistic": point.statistic,
            "at": point.at,
            "value": None,
            "dimensions": dimensions,
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


def _last_lines(file: IO[bytes]) -> set[bytes]:
    """The last lines, as many as a batch has; half a line at the end is cut off."""
    end = file.seek(0, os.SEEK_END)
    start, tail = end, b""
    while start > 0 and tail.count(b"\n") <= BATCH:
        size = min(_BLOCK, start)
        start -= size
        file.seek(start)
        tail = file.read(size) + tail
    whole = tail.rfind(b"\n") + 1
    if whole < len(tail):
        file.truncate(start + whole)
    return set(tail[:whole].splitlines(keepends=True))
