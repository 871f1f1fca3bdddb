"""The body of an answer: kept as it came, in a temporary file, and decompressed each time it is read.

So a server that compresses cannot fill the disk, and threads that fetch share one decompressor: the
reader's, who takes one body after the other.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from ingest.errors import SourceError, UnreachableError
from ingest.sources.decoding import PIECE, DecodingError, decoded

SLOWEST = 4096
"""Bytes a second, at which an answer may take as long as it wants."""
_IN_MEMORY = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an answer may cost: so many bytes, compressed or not; so many seconds and what SLOWEST adds."""

    largest: int
    seconds: float


class Body:
    """To be read piece by piece, from the start again after ``rewind``. Knows the URL for its errors."""

    def __init__(self, chunks: Iterable[bytes], encoding: str, address: str, bounds: Bounds) -> None:
        """Receives all of it. Raises SourceError, UnreachableError, and whatever the chunks raise."""
        self.encoding = encoding
        self._address = address
        self._bounds = bounds
        with _keeping(address):
            # Kept open for the reader, who closes it.
            self._spool = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
        try:
            for chunk in self._received(chunks):
                with _keeping(address):
                    self._spool.write(chunk)
        except BaseException:
            self.close()
            raise
        self.rewind()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._spool.close()

    def rewind(self) -> None:
        self._spool.seek(0)
        self._pieces = self._decompressed()

    def read(self, size: int = -1) -> bytes:
        """The next piece, of whatever size, but of none where none is wanted, as ijson does; at the end an empty one.

        Raises SourceError.
        """
        return next(self._pieces, b"") if size else b""

    def raw(self) -> bytes:
        """All of it as it came."""
        self._spool.seek(0)
        return self._spool.read()

    def whole(self) -> bytes:
        """All of it, decompressed. Raises SourceError."""
        self.rewind()
        return b"".join(self._pieces)

    def _received(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        started, received = time.monotonic(), 0
        for chunk in chunks:
            received += len(chunk)
            self._refuse_large(received)
            allowed = self._bounds.seconds + received / SLOWEST
            if time.monotonic() - started > allowed:
                raise UnreachableError(
                    f"{self._address}: the answer took longer than {allowed / 60:.0f} minutes; "
                    "try again when the server is less busy."
                )
            yield chunk

    def _decompressed(self) -> Iterator[bytes]:
        size = 0
        try:
            for piece in decoded(iter(lambda: self._spool.read(PIECE), b""), self.encoding):
                size += len(piece)
                self._refuse_large(size)
                yield piece
        except DecodingError as error:
            raise SourceError(f"{self._address}: the answer {error}; try again later.") from error

    def _refuse_large(self, size: int) -> None:
        if size > self._bounds.largest:
            raise SourceError(
                f"{self._address}: the answer is larger than {self._bounds.largest >> 20} MiB; refused."
            )


@contextmanager
def _keeping(address: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SourceError(
            f"{address}: the answer cannot be kept in the temporary folder ({error.strerror or error});"
            " free some space, or let TMPDIR name another folder."
        ) from error
