"""What is asked: by whom it is answered, with which parameters, and how a refusal is said."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from urllib.parse import parse_qsl

from ingest.releases import UNTOLD
from ingest.sql import Parameters

LARGEST = 2**31 - 1
"""Upstream's ids and limits are 32-bit integers."""
ORIGIN = ("distribution", "release", "component", "architecture")
"""The parameters that say whose packages are meant."""
SELECTIVE = frozenset({"name", "source_name"})
_IF_GIVEN = re.compile(r"-- if (\w+)$")
_INTEGER = re.compile(r"[+-]?[0-9]{1,10}", re.ASCII)


class ApiError(Exception):
    """A refusal: an HTTP status, a sentence for the reader, and with 405 how the path is asked."""

    def __init__(self, status: int, message: str, allowed: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.allowed = allowed


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose rows count, and which columns are their ids."""

    parameters: Mapping[str, int]
    pieces: Mapping[str, str]


def all_rebuilders() -> Scope:
    """The current generation of every rebuilder, with our own ids."""
    ids = dict.fromkeys(("source", "binary", "build", "artifact", "job", "worker"), "id")
    own = {"listed_build": "b.id", "rebuilder": _named("p.rebuilder_id")}
    # Plus: not by an index of one rebuilder's rows, since the rows of all are in the order of our ids.
    current = "(+p.rebuilder_id, +p.generation) IN (SELECT id, generation FROM rebuilders)"
    return Scope({}, {**ids, **own, "current": current, "any": "true"})


def one_rebuilder(connection: sqlite3.Connection, name: str) -> Scope:
    """The current generation of one rebuilder, with upstream's ids. Raises ApiError.

    A list of API v0 has no ids of packages: there ours stand in.
    """
    row = connection.execute(statement("rebuilder.sql"), {"name": name}).fetchone()
    if row is None:
        raise ApiError(404, f"There is no rebuilder {name!r}; the front page lists those that there are.")
    id, generation, kind = row
    upstream = dict.fromkeys(("binary", "build", "artifact", "job", "worker"), "upstream_id")
    pieces = {
        **upstream,
        "source": "upstream_source_id",
        "listed_build": "b.upstream_id",
        "rebuilder": "",
        "current": "{selective}p.rebuilder_id = :rebuilder_id AND p.generation = :generation",
        "any": "p.rebuilder_id = :rebuilder_id",
    }
    if kind in UNTOLD:
        pieces["listed_build"] = "coalesce(a.upstream_id, b.upstream_id)"
    if kind in UNTOLD and not kind.startswith("legacy"):
        pieces |= {"source": "id", "binary": "id"}
    return Scope({"rebuilder_id": id, "generation": generation}, pieces)


def _named(id: str) -> str:
    return f", 'rebuilder', (SELECT name FROM rebuilders WHERE id = {id})"


@dataclass(frozen=True, slots=True)
class Question:
    """One request: the words captured from its path, and its query string."""

    connection: sqlite3.Connection
    scope: Scope
    words: Mapping[str, str]
    query: Mapping[str, str]
    now: str
    """ISO 8601 UTC, with ``Z``."""

    def text(self, names: Collection[str]) -> dict[str, str]:
        """Those of the parameters that are given."""
        return {name: self.query[name] for name in names if name in self.query}

    def integer(self, name: str) -> int | None:
        """A parameter, None where it is not given. Raises ApiError."""
        value = self.query.get(name)
        if value is None:
            return None
        if not _INTEGER.fullmatch(value) or abs(int(value)) > LARGEST:
            raise ApiError(400, f"{name}={value}: must be a whole number of at most {LARGEST}.")
        return int(value)

    def boolean(self, name: str) -> bool | None:
        """A parameter, None where it is not given. Raises ApiError."""
        value = self.query.get(name)
        if value not in (None, "true", "false"):
            raise ApiError(400, f"{name}={value}: must be true or false.")
        return None if value is None else value == "true"

    def id(self, word: str) -> int:
        """A number captured from the path; one that is too large names nothing. Raises ApiError."""
        value = int(self.words[word])
        if value > LARGEST:
            raise ApiError(404, f"There is nothing with the id {value}.")
        return value

    def run(self, path: str, given: Parameters, **pieces: str) -> sqlite3.Cursor:
        """The rows of a file's statement, in the scope."""
        parameters = {**self.scope.parameters, **given}
        return self.connection.execute(self.sql(path, parameters, **pieces), parameters)

    def sql(self, path: str, given: Collection[str], **pieces: str) -> str:
        """A file's statement with the lines whose parameters are given, and the scope's columns."""
        named = frozenset({*given, *self.scope.parameters})
        return _fitted(path, named, frozenset({**self.scope.pieces, **pieces}.items()))


@lru_cache(maxsize=1024)
def _fitted(path: str, given: frozenset[str], pieces: frozenset[tuple[str, str]]) -> str:
    kept = "\n".join(_kept(statement(path).splitlines(), given))
    # Plus: few rows have one name, and SQLite would rather walk through all of the rebuilder's.
    selective = "+" if SELECTIVE & given else ""
    return kept.format_map(dict(pieces)).replace("{selective}", selective)


def _kept(lines: Iterable[str], given: Collection[str]) -> Iterator[str]:
    open_brackets = 0
    for line in lines:
        condition = _IF_GIVEN.search(line)
        if open_brackets or (condition and condition[1] not in given):
            open_brackets += line.count("(") - line.count(")")
        else:
            yield line


@cache
def statement(path: str) -> str:
    """A file's SQL. A line that ends in ``-- if NAME`` stays where the parameter NAME is given.

    Where such a line opens brackets, it stays or goes with all until they are closed.
    """
    return files("ingest.api").joinpath(path).read_text(encoding="utf-8")


def parsed(query_string: str, known: Collection[str]) -> dict[str, str]:
    """The parameters that we know; others are left out, as upstream does. Raises ApiError."""
    parameters: dict[str, str] = {}
    for name, value in parse_qsl(query_string, keep_blank_values=True):
        if name in known and name in parameters:
            raise ApiError(400, f"{name} is given twice; give it once.")
        if name in known:
            parameters[name] = value
    return parameters
