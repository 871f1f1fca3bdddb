"""Ctrl-C, also where SQLite would swallow it."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

_seen: list[int] = []


def end() -> NoReturn:
    """End the command that was interrupted, as a shell expects it."""
    print("Interrupted: what was not finished is undone; run it again.", file=sys.stderr)
    sys.exit(130)


@contextmanager
def noted() -> Iterator[list[int]]:
    """Yields a list that an interrupt is added to before it is raised as usual.

    One that hits while SQLite calls a function of ours becomes an SQLite error
    that says nothing of it; the list tells. Who started the command with interrupts ignored
    (``nohup``, a script's background job) does not want it interrupted: they stay ignored.
    """
    _seen.clear()

    def note(number: int, frame: FrameType | None) -> None:
        _seen.append(number)
        signal.default_int_handler(number, frame)

    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield _seen
        return
    try:
        signal.signal(signal.SIGINT, note)
    except ValueError:  # only the main thread may, and only it is interrupted
        yield _seen
        return
    try:
        yield _seen
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def happened() -> bool:
    """Whether an interrupt was noted since the last ``noted()``."""
    return bool(_seen)
