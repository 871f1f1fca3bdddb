"""The process that answers readers' SQL, a statement after the other. Run as a script, with the standard library only.

Messages are marshalled, with their length before them. The first one in has the terms; each further one is a question,
and is answered by the names of the columns, rows in portions, and how it ended. When the time is over an alarm ends the
process, whatever SQLite is doing.
"""

from __future__ import annotations

import marshal
import os
import re
import resource
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from json.encoder import encode_basestring_ascii as escaped
from typing import IO, Any

PORTION = 256 * 1024
LONGEST_SQL = 100_000
"""Characters; with a filter, Datasette's own statements around what a reader wrote may be longer than that."""
LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 300_000,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: LONGEST_SQL,
    sqlite3.SQLITE_LIMIT_COLUMN: 100,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 200,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 50,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 50,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1_000,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
}
HEAP = 32 * 1024**2
"""Bytes that SQLite may take for everything; sorting needs some 2 MB, the rest goes to a file."""
LARGEST_FILE = 100 * 1024**2
ADDRESSES = 512 * 1024**2
POLITENESS = 5

JSON_TABLES = {"json_each", "json_tree", "jsonb_each", "jsonb_tree"}
INDEX_PARTS = ("", "_config", "_content", "_data", "_docsize", "_idx")
"""What an index of words consists of; SQLite reads the parts by SQL of its own, on the same connection."""
REFUSED = re.compile(r"load_extension|fts3_tokenizer|fts5|fts5_.*|sqlite_(?!version$).*")


class Refused(Exception):
    """A question that is not answered; the sentence is for the reader."""


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, whose end is ours.
    questions, answers = sys.stdin.buffer, sys.stdout.buffer
    terms = read(questions)
    be_modest()
    connection = Connection(terms["database"], set(terms["tables"]))
    while (question := read(questions)) is not None:
        signal.setitimer(signal.ITIMER_REAL, question["seconds"])
        for part in connection.answer(question):
            write(answers, part)
        signal.setitimer(signal.ITIMER_REAL, 0)
        answers.flush()


def read(stream: IO[bytes]) -> Any:
    """The next message, or None where there is no more."""
    return None if (content := receive(stream)) is None else marshal.loads(content)


def receive(stream: IO[bytes]) -> bytes | None:
    """A whole message, or None where the other end is gone."""
    size = stream.read(4)
    length = int.from_bytes(size, "big")
    content = stream.read(length) if len(size) == 4 else b""
    return content if content and len(content) == length else None


def write(stream: IO[bytes], message: Any) -> None:
    content = marshal.dumps(message)
    stream.write(len(content).to_bytes(4, "big") + content)


def be_modest() -> None:
    """Less of the processor than the site has, little memory and short files, as far as the system lets us say so."""
    for limit, size in ((resource.RLIMIT_AS, ADDRESSES), (resource.RLIMIT_FSIZE, LARGEST_FILE)):
        with suppress(OSError, ValueError):
            resource.setrlimit(limit, (size, size))
    with suppress(OSError):
        os.nice(POLITENESS)


class Connection:
    """A connection that reads what is published, and nothing else."""

    def __init__(self, database: str, tables: set[str]) -> None:
        self.connection = sqlite3.connect(database, uri=True, isolation_level=None)
        self.connection.text_factory = lambda text: str(text, "utf-8", "replace")
        self.connection.create_function("escape_fts", 1, escape_fts, deterministic=True)
        for pragma in ("query_only = 1", "temp_store = FILE", f"hard_heap_limit = {HEAP}"):
            self.connection.execute(f"PRAGMA {pragma}").close()
        names = self.names("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
        indexes = self.names(
            "SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%USING fts5%'"
        )
        self.readable = tables | JSON_TABLES | {index + part for index in indexes for part in INDEX_PARTS}
        self.others = (names | self.names("PRAGMA module_list")) - self.readable
        for limit, most in LIMITS.items():
            self.connection.setlimit(limit, most)
        self.connection.set_authorizer(self.authorize)
        self.refusal = ""

    def names(self, sql: str) -> set[str]:
        return {name for (name,) in self.connection.execute(sql)}

    def authorize(
        self, action: int, first: str | None, second: str | None, _database: str | None, _inside: str | None
    ) -> int:
        """Being inside a view allows nothing: a name after WITH may be the same."""
        if action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE):
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ:
            if first in self.readable or self.is_harmless(first or "", second):
                return sqlite3.SQLITE_OK
            self.refusal = (
                f"SQL of readers cannot read {first}: the page /data has the tables and views that it can."
            )
        elif action == sqlite3.SQLITE_FUNCTION:
            if not REFUSED.fullmatch((second or "").lower()):
                return sqlite3.SQLITE_OK
            self.refusal = f"SQL of readers cannot use {second}()."
        elif (action, first, second) == (sqlite3.SQLITE_PRAGMA, "data_version", None):
            return sqlite3.SQLITE_OK  # Indexes of words ask for it.
        elif action == sqlite3.SQLITE_UPDATE and first == "sqlite_master":
            return sqlite3.SQLITE_OK  # This is how a virtual table declares itself; nothing is written.
        else:
            self.refusal = "SQL of readers can only be a SELECT."
        return sqlite3.SQLITE_DENY

    def is_harmless(self, table: str, column: str | None) -> bool:
        """Whether no column is read: of a name after WITH, for which SQLite asks too, or of what declares itself."""
        if column == "":
            return table not in self.others and not table.startswith(("sqlite_", "pragma_"))
        return (table, column) == ("sqlite_master", "ROWID")

    def answer(self, question: dict[str, Any]) -> Iterator[tuple[str, Any]]:
        self.refusal = ""
        cursor = self.connection.cursor()
        try:
            yield from rows(cursor.execute(question["sql"], question["parameters"]), question)
        except MemoryError:
            yield "refused", f"This takes more than {HEAP // 1024**2} MB of memory: ask for less at a time."
        except Exception as error:
            yield "refused", self.refusal or str(error)
        finally:
            cursor.close()


def rows(cursor: sqlite3.Cursor, question: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The parts of an answer. Raises Refused where it gets larger than is allowed."""
    names = [column[0] for column in cursor.description or ()]
    yield "columns", names
    size_of_names = sum(len(escaped(name)) + 4 for name in names)  # JSON repeats them in each row.
    size = size_in(question["sql"])
    most = min(question["rows"], question["cells"] // max(1, len(names)))
    portion: list[Any] = []
    total = waiting = 0
    for count, row in enumerate(cursor):
        if count == most:
            yield "rows", portion
            yield "more", None
            return
        waiting += size_of_names + sum(map(size, row))
        portion.append(row)
        if total + waiting > question["bytes"]:
            raise Refused(question["too_large"])
        if waiting > PORTION:
            yield "rows", portion
            portion, total, waiting = [], total + waiting, 0
    yield "rows", portion
    yield "end", None


def size_in(sql: str) -> Callable[[Any], int]:
    """How many bytes a value takes in the answer: as JSON, or for a BLOB, which has an address with all of the SQL."""
    address = 1_000 + 2 * len(sql)

    def size(value: Any) -> int:
        if isinstance(value, str):
            return len(escaped(value)) + 2
        return max(address, 2 * len(value)) if isinstance(value, bytes) else 12

    return size


def escape_fts(words: str) -> str:
    """As Datasette's function of this name: each word in quotes, so that none is taken for the syntax of searches."""
    if words.count('"') % 2:
        words += '"'
    found = (word for word in re.split(r'\s+|(".*?")', words) if word and word != '""')
    return " ".join(word if word.startswith('"') else f'"{word}"' for word in found)


if __name__ == "__main__":
    main()
