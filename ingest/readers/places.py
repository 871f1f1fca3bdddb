"""The places where SQL of readers is answered: threads, each with its process, and what all of them may hold."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from time import monotonic

from ingest.readers.process import Answer, Process, Question, TooLongError

PLACES = 3
PATIENCE = 4.4
"""Seconds until a reader has an answer, or is told that there is no place: less than five, with the way back."""
LARGEST = 16 * 1000**2
"""Bytes of an answer."""
MOST_HELD = LARGEST + 4 * 1000**2
"""Bytes of answers that are made or sent at the same time."""
SMALL = 200_000
"""An answer of so few bytes is given whatever others hold."""


class BusyError(Exception):
    """Too many readers ask at the same time."""


class Places:
    def __init__(self, database: str, tables: list[str], places: int = PLACES) -> None:
        self.database, self.tables = database, tables
        self.threads = ThreadPoolExecutor(places, thread_name_prefix="reader")
        self.mine = threading.local()
        self.lock = threading.Lock()
        self.held = 0

    def process(self) -> Process:
        """That of the thread that asks for it."""
        if not hasattr(self.mine, "process"):
            self.mine.process = Process(self.database, self.tables)
        process: Process = self.mine.process
        return process


@dataclass
class Visit:
    """What a reader asks at once: the rows of a page, their count, facets."""

    places: Places
    seconds: float
    """For all of it."""
    since: float
    held: int = 0

    async def ask(self, question: Question) -> Answer:
        """Raises BusyError, Refused or TooLongError."""
        job = self.places.threads.submit(self.answer, question)
        try:
            # The thread itself ends in time, once it has begun.
            return await asyncio.wait_for(asyncio.wrap_future(job), self.since + PATIENCE + 0.1 - monotonic())
        except TimeoutError as error:
            raise BusyError from error

    def answer(self, question: Question) -> Answer:
        began = monotonic()
        left = self.since + PATIENCE - began
        seconds = min(question.seconds, self.seconds)
        if left <= 0:
            raise BusyError
        if seconds <= 0:
            raise TooLongError
        try:
            return self.places.process().ask(replace(question, seconds=min(seconds, left)), self.hold)
        except TooLongError as error:
            # Who had to wait has not had the time that others have.
            raise (BusyError if left < seconds else error) from None
        finally:
            self.seconds -= monotonic() - began

    def hold(self, size: int) -> None:
        """There are so many bytes more of the answer. Raises BusyError."""
        with self.places.lock:
            self.places.held += size
            self.held += size
            if self.places.held > MOST_HELD and self.held > SMALL:
                raise BusyError

    def leave(self) -> None:
        """The answer has been sent."""
        with self.places.lock:
            self.places.held -= self.held
            self.held = 0
