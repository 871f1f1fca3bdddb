"""Reads SQLite's plan of every statement at the moment it runs: temporary tables exist only then.

A plan is bad where all of a large relation is gone through again for each row of another. That is a SCAN
within a loop, and as well a SEARCH by nothing but what most rows share, such as the rebuilder. An index that
SQLite makes for one statement counts too: whether it makes one is a guess about sizes that it does not know.
"""

from __future__ import annotations

import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

SMALL = {
    "rebuilders", "origins", "categories", "statistics", "workers", "incoming_workers",
    # As many rows as there are origins, for some with a category, or none.
    "gap_origins", "renamed_origins", "listed_origins", "emptied_origins", "totals", "corrections", "depths",
    "category_totals", "taken_now",
    "any_replaced", "quantiles", "json_each",
}  # fmt: skip
"""Relations that stay small however much a rebuilder builds. Every other one is large."""
SHARED = {
    "rebuilder_id", "generation", "origin_id", "is_current", "status", "kind", "distribution", "release",
    "architecture", "backend", "rule_set", "category_id", "statistic_id", "seen_in_last_sync",
}  # fmt: skip
"""Columns of which few values stand in most rows."""
ENDS = {"SEARCH n USING COVERING INDEX measurements_identity (statistic_id=? AND at<?)"}
"""Searches for the first or the last of an index, such as ``max(at)``: no plan says so."""

_EXPLAINED = re.compile(
    r"(?:\s*--[^\n]*\n)*\s*(?:SELECT|WITH|INSERT|UPDATE|DELETE|REPLACE|CREATE TEMP TABLE \w+ AS)\b"
)
_RELATION = re.compile(
    r"\b(?:FROM|JOIN|INTO|UPDATE(?: OR \w+)?)\s+(?:\w+\.)?(\w+)(?:\s+AS\s+(\w+))?", re.IGNORECASE
)
_ACCESS = re.compile(r"(?:SCAN|SEARCH) (\S+)")
_CONDITION = re.compile(r"(\w+|<expr>)(=|>|<)\?")


@dataclass
class Line:
    """A line of a plan with those that are indented below it."""

    detail: str
    below: list[Line] = field(default_factory=list)


@dataclass
class Plan:
    """How SQLite runs a statement; ``names`` says which relations an alias may stand for."""

    sql: str
    lines: list[Line]
    names: dict[str, set[str]]

    def repeated(self) -> list[str]:
        """The lines that go through a large relation again and again."""
        return list(self._repeated(self.lines, in_loop=False, in_subquery=False))

    def __str__(self) -> str:
        return "\n".join([*self.repeated(), " ".join(self.sql.split())[:500]])

    def _repeated(self, lines: list[Line], *, in_loop: bool, in_subquery: bool) -> Iterator[str]:
        """``in_subquery``: in one that is run for each row of what is around it."""
        details = [line.detail for line in lines]
        many_keys = any(detail.startswith("LIST SUBQUERY") or "FOR IN-OP" in detail for detail in details)
        runs_anew = {
            detail.split()[1] for detail in details if in_subquery and detail.startswith("CO-ROUTINE")
        }
        loops = in_loop
        for line in lines:
            if line.detail == "MULTI-INDEX OR":
                accesses = [access for index in line.below for access in index.below]
                for access in accesses:
                    yield from self._repeated([access], in_loop=loops, in_subquery=in_subquery)
                loops = True
            elif self._is_large(line.detail):
                if loops and _goes_through_all(line.detail) and _accessed(line.detail) not in runs_anew:
                    yield line.detail
                loops = loops or many_keys or "(rowid=?)" not in line.detail
        for line in lines:
            if line.detail.startswith("CORRELATED"):
                yield from self._repeated(line.below, in_loop=loops, in_subquery=True)
            elif line.detail.startswith(("SCALAR SUBQUERY", "LIST SUBQUERY", "MATERIALIZE")):
                yield from self._repeated(line.below, in_loop=False, in_subquery=False)
            elif line.detail != "MULTI-INDEX OR":
                yield from self._repeated(line.below, in_loop=in_loop, in_subquery=in_subquery)

    def _is_large(self, detail: str) -> bool:
        name = _accessed(detail)
        return bool(name) and "CONSTANT ROW" not in detail and not self.names.get(name, {name}) <= SMALL


def _accessed(detail: str) -> str:
    access = _ACCESS.match(detail)
    return access[1] if access else ""


def _goes_through_all(detail: str) -> bool:
    if detail in ENDS:
        return False
    if detail.startswith("SCAN") or "AUTOMATIC" in detail:
        return True
    conditions = _CONDITION.findall(detail)
    equal = {column for column, operator in conditions if operator == "="}
    is_between = {">", "<"} <= {operator for _, operator in conditions}
    return equal <= SHARED and not is_between


class _Explaining(sqlite3.Connection):
    plans: dict[str, Plan]

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        self._explain(sql, parameters)
        return super().execute(sql, parameters)

    def executemany(self, sql: str, rows: Any, /) -> sqlite3.Cursor:
        self._explain(sql, (None,) * sql.count("?"))
        return super().executemany(sql, rows)

    def _explain(self, sql: str, parameters: Any) -> None:
        if sql in self.plans or not _EXPLAINED.match(sql):
            return
        lines: dict[int, Line] = {0: Line("")}
        for id, parent, _, detail in super().execute(f"EXPLAIN QUERY PLAN {sql}", parameters):
            lines[id] = Line(detail)
            lines[parent].below.append(lines[id])
        self.plans[sql] = Plan(sql, lines[0].below, self._names(sql))

    def _names(self, sql: str) -> dict[str, set[str]]:
        """What stands behind the aliases of a statement and of the views that it reads."""
        views: dict[str, str] = {}
        for schema in ("main", "temp"):
            views |= dict(
                super().execute(f"SELECT name, sql FROM {schema}.sqlite_master WHERE type = 'view'")
            )
        names: dict[str, set[str]] = defaultdict(set)
        texts = [sql]
        while texts:
            for relation, alias in _RELATION.findall(texts.pop()):
                names[alias or relation].add(relation)
                if text := views.pop(relation, None):
                    texts.append(text)
        return names


@contextmanager
def explained(monkeypatch: Any) -> Iterator[dict[str, Plan]]:
    """The plan of every statement, by its text, that runs meanwhile on a connection opened meanwhile."""
    plans: dict[str, Plan] = {}
    connect = sqlite3.connect
    factory = type("Explaining", (_Explaining,), {"plans": plans})
    with monkeypatch.context() as patch:
        patch.setattr(
            sqlite3, "connect", lambda *given, **named: connect(*given, **{"factory": factory, **named})
        )
        yield plans
