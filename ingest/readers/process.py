"""A worker's process as the server sees it: how it is started, asked, and what its end means."""

from __future__ import annotations

import marshal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from signal import SIGALRM
from typing import Any

from ingest.readers import worker
from ingest.readers.worker import Refused

Parameters = dict[str, Any] | list[Any]


class TooLongError(Exception):
    """The time of a question was over."""


@dataclass(frozen=True)
class Question:
    sql: str
    parameters: Parameters
    seconds: float
    rows: int
    cells: int
    """No more of both are given."""
    bytes: int
    """Of a larger answer nothing is given."""
    too_large: str
    """What is said of it."""


@dataclass(frozen=True)
class Answer:
    columns: list[str]
    rows: list[sqlite3.Row]
    is_cut: bool


class Process:
    """A process that has ``database`` open for readers; a new one is started where the last has ended."""

    def __init__(self, database: str, tables: list[str]) -> None:
        self.terms = {"database": database, "tables": tables}
        self.process: subprocess.Popen[bytes] | None = None

    def ask(self, question: Question, hold: Callable[[int], None]) -> Answer:
        """Raises Refused or TooLongError, and what ``hold`` raises, which is told of each part's bytes."""
        try:
            return read(self.send(question), hold)
        except BaseException as error:
            # What a process still says would be taken for the answer to the next question.
            if not isinstance(error, Refused):
                self.end()
            raise

    def send(self, question: Question) -> subprocess.Popen[bytes]:
        """The process that has the question: where the last one has ended meanwhile, a new one."""
        message = asdict(question)
        try:
            tell(process := self.started(), message)
        except OSError:
            self.end()
            tell(process := self.started(), message)
        return process

    def started(self) -> subprocess.Popen[bytes]:
        if self.process is None or self.process.poll() is not None:
            self.end()
            # Nothing but the standard library: it starts in 20 ms and takes 14 MB.
            command = [sys.executable, "-I", "-S", worker.__file__]
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            tell(self.process, self.terms)
        return self.process

    def end(self) -> None:
        if self.process is None:
            return
        process, self.process = self.process, None
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                with suppress(OSError):
                    stream.close()


def tell(process: subprocess.Popen[bytes], message: dict[str, Any]) -> None:
    assert process.stdin
    worker.write(process.stdin, message)
    process.stdin.flush()


def read(process: subprocess.Popen[bytes], hold: Callable[[int], None]) -> Answer:
    assert process.stdout
    columns: list[str] = []
    rows: list[sqlite3.Row] = []
    row: Callable[[tuple[Any, ...]], sqlite3.Row] = of_columns([])
    while content := worker.receive(process.stdout):
        hold(len(content))
        what, value = marshal.loads(content)
        if what == "columns":
            columns, row = value, of_columns(value)
        elif what == "rows":
            rows += map(row, value)
        elif what == "refused":
            raise Refused(value)
        else:
            return Answer(columns, rows, is_cut=what == "more")
    if process.wait() == -SIGALRM:
        raise TooLongError
    raise Refused("This could not be answered: the process that runs SQL of readers has ended.")


def of_columns(names: list[str]) -> Callable[[tuple[Any, ...]], sqlite3.Row]:
    """What makes rows with these columns, as Datasette's own connections give them."""
    quoted = ", ".join(f'''NULL AS "{name.replace('"', '""')}"''' for name in names)
    connection = sqlite3.connect(":memory:")
    try:
        cursor = connection.execute(f"SELECT {quoted or 'NULL'}")
    finally:
        connection.close()
    return lambda values: sqlite3.Row(cursor, values)
