"""Lists that are read page by page: filters, bounds, order, and the total of all pages."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ingest.api.question import ORIGIN, ApiError, Question
from ingest.sql import Parameters

DEFAULT_LIMIT = 1000
MOST_OF_ONE_ID = 100
"""Rows that share an id, at most: a source's build inputs."""
PAGING = ("limit", "after", "before", "sort", "direction")
_DIRECTIONS = {"Ascending": "ASC", "Descending": "DESC"}


@dataclass(frozen=True, slots=True)
class Listing:
    """One list: its statement, its first table, the column of its ids, what it is filtered and sorted by."""

    path: str
    table: str
    id: str
    filters: tuple[str, ...]
    sort: dict[str, str]
    """By the name of a field the column of it; nulls come first, so an expression without nulls."""
    knows_seen: bool = False


def _columns(table: str, names: str) -> dict[str, str]:
    return {name: f"{table}.{name}" for name in names.split()}


SOURCES = Listing(
    "v1/source.sql",
    "source_packages",
    "source",
    (*ORIGIN, "name", "version"),
    {
        **_columns("p", "name version"),
        **_columns("o", "distribution"),
        "release": "coalesce(o.release, '')",
        "status": "coalesce(p.status, '')",
        "last_seen": "coalesce(p.last_seen, p.first_seen)",
        "seen_in_last_sync": "p.is_current",
    },
    knows_seen=True,
)
BINARIES = Listing(
    "v1/binary.sql",
    "binary_packages",
    "binary",
    (*ORIGIN, "name", "version", "source_name"),
    {
        **_columns("p", "name version architecture"),
        **_columns("o", "distribution"),
        "release": "coalesce(o.release, '')",
        "component": "coalesce(p.component, '')",
        "status": "coalesce(a.status, '')",
        "last_seen": "coalesce(s.last_seen, s.first_seen, r.first_ingest_at)",
        "seen_in_last_sync": "p.is_current",
    },
    knows_seen=True,
)
BUILDS = Listing(
    "v1/builds.sql",
    "builds",
    "build",
    (*ORIGIN, "name", "version"),
    {
        **_columns("s", "name version"),
        **_columns("o", "distribution architecture"),
        "release": "coalesce(o.release, '')",
        "backend": "coalesce(s.backend, o.distribution)",
        "retries": "coalesce(s.retries, 0)",
        "started_at": "coalesce(p.started_at, '')",
        "built_at": "coalesce(p.built_at, '')",
        "status": "coalesce(p.status, '')",
    },
)
QUEUE = Listing(
    "v1/queue.sql",
    "queue",
    "job",
    (*ORIGIN, "name", "version"),
    {
        **_columns("s", "name version"),
        **_columns("o", "distribution architecture"),
        **_columns("p", "priority queued_at"),
        "release": "coalesce(o.release, '')",
        "backend": "coalesce(s.backend, o.distribution)",
        "url": "coalesce(s.input_url, '')",
        "next_retry": "coalesce(s.next_retry, '')",
        "started_at": "coalesce(p.started_at, '')",
    },
)
WORKERS = Listing(
    "v1/workers.sql",
    "workers",
    "worker",
    (),
    {**_columns("p", "name last_ping is_online"), "status": "coalesce(p.status, '')"},
)


def parameters(listing: Listing) -> tuple[str, ...]:
    """What a list may be asked with."""
    return (*listing.filters, *PAGING, *(["seen_only"] if listing.knows_seen else []))


def page(listing: Listing, question: Question) -> Iterator[str]:
    """One page as ``{"total": …, "records": […]}``, in pieces. Raises ApiError before the first piece.

    A page ends with a whole id: rows that share one (a source with several build
    inputs) are never torn apart, since who goes on after that id would miss the rest.
    """
    limit = question.integer("limit")
    limit = DEFAULT_LIMIT if limit is None else limit
    given = _filters(listing, question)
    column, direction = _order(listing, question)
    bounds = {name: question.integer(name) for name in ("after", "before")}
    total = _total(listing, question, given)
    rows = _rows(listing, question, given, bounds, column, direction)
    return _printed(total, _whole(rows, limit))


def record(listing: Listing, question: Question) -> Iterator[str]:
    """The record with the id in the path. Raises ApiError."""
    id = question.id("id")
    key = f"p.{question.scope.pieces[listing.id]}"
    row = question.run(listing.path, {"id": id}, key=key).fetchone()
    if row is None:
        raise ApiError(404, f"There is nothing with the id {id} in this list.")
    return iter([row["record"]])


def _filters(listing: Listing, question: Question) -> Parameters:
    given: dict[str, str | int | float | None] = {**question.text(listing.filters)}
    if listing.knows_seen and (seen := question.boolean("seen_only")) is not None:
        given["seen_only"] = int(seen)
    return given


def _order(listing: Listing, question: Question) -> tuple[str, str]:
    id = f"p.{question.scope.pieces[listing.id]}"
    sort = question.query.get("sort", "id").lower()
    if sort != "id" and sort not in listing.sort:
        raise ApiError(400, f"sort={sort}: the list can be sorted by {', '.join(['id', *listing.sort])}.")
    direction = question.query.get("direction", "Ascending")
    if direction not in _DIRECTIONS:
        raise ApiError(400, f"direction={direction}: must be Ascending or Descending.")
    return (id if sort == "id" else listing.sort[sort]), _DIRECTIONS[direction]


def _total(listing: Listing, question: Question, given: Parameters) -> int:
    # The WHERE of a list is about its first table: rows are counted without the joins.
    where = question.sql(listing.path, given, key="NULL").rpartition("\nWHERE ")[2]
    count = f"SELECT count(*) FROM {listing.table} AS p WHERE {where}"
    return int(question.connection.execute(count, {**question.scope.parameters, **given}).fetchone()[0])


def _rows(
    listing: Listing,
    question: Question,
    given: Parameters,
    bounds: dict[str, int | None],
    column: str,
    direction: str,
) -> Iterable[tuple[int, object, str]]:
    id = f"p.{question.scope.pieces[listing.id]}"
    asked = {name: value for name, value in bounds.items() if value is not None}
    if column == id:
        named = {{"after": "above", "before": "below"}[name]: value for name, value in asked.items()}
        return question.connection.execute(
            f"{question.sql(listing.path, {**given, **named}, key=column)}\nORDER BY id {direction}",
            {**question.scope.parameters, **given, **named},
        )
    return _sorted(listing, question, given, asked, column, direction)


def _sorted(
    listing: Listing,
    question: Question,
    given: Parameters,
    asked: dict[str, int],
    column: str,
    direction: str,
) -> sqlite3.Cursor:
    """The rows in another order: a bound is the place in that order of the row that it names."""
    select, tables = question.sql(listing.path, given, key=column).split("\nFROM ", 1)
    joins, _ = tables.split("\nWHERE ", 1)
    limit = question.integer("limit")
    limit = DEFAULT_LIMIT if limit is None else limit
    signs = {"after": ">", "before": "<"}
    places = [
        f"(sorted_by, id) {signs[name]} (SELECT max(sorted_by), id FROM listed WHERE id = :{name})"
        for name in asked
    ]
    order = f"ORDER BY sorted_by {direction}, id {direction}"
    # Records are made of the page's rows only, when the others are sorted out.
    return question.connection.execute(
        f"""
        WITH listed AS (
            SELECT p.id AS row_id, p.{question.scope.pieces[listing.id]} AS id, {column} AS sorted_by
            FROM {tables}
        ),
        page AS (SELECT row_id FROM listed WHERE {" AND ".join(places) or "true"} {order} LIMIT :rows)
        {select} FROM page CROSS JOIN {joins} WHERE p.id = page.row_id {order}
        """,
        {
            **question.scope.parameters,
            **given,
            **asked,
            "rows": limit + MOST_OF_ONE_ID if limit >= 0 else -1,
        },
    )


def _whole(rows: Iterable[tuple[int, object, str]], limit: int) -> Iterator[str]:
    """The records of a page; no end where the limit is negative, as SQLite has it."""
    last: object = None
    for number, (id, key, record) in enumerate(rows):
        if 0 <= limit <= number and (limit == 0 or (id, key) != last):
            return
        last = id, key
        yield record


def _printed(total: int, records: Iterable[str]) -> Iterator[str]:
    yield f'{{"total":{total},"records":['
    yield from separated(records)
    yield "]}"


def separated(records: Iterable[str]) -> Iterator[str]:
    """JSON values with the commas between them."""
    for number, record in enumerate(records):
        yield f",{record}" if number else record
