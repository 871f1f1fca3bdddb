"""SQL of readers, ``?sql=`` and ``_where=``, is answered in places of its own, within limits; docs/data.md#sql.
So are searches in FTS5's own syntax (``_searchmode=raw``), of which a short one can take minutes as well.

What it may read, and how much of it there may be, is in ``ingest/readers``; here is which of Datasette's questions are a
reader's, and how the answers look to Datasette.
"""

import re
import sqlite3
from contextvars import ContextVar
from itertools import combinations
from pathlib import Path
from time import monotonic

import datasette_dashboards
from datasette import hookimpl
from datasette.database import QueryInterrupted, Results
from datasette.tracer import trace
from datasette.utils import InvalidSql
from datasette.utils.asgi import Request
from datasette.views import database as views
from datasette.views.base import DatasetteError

from ingest import schema
from ingest.readers.places import LARGEST, BusyError, Places, Visit
from ingest.readers.process import Question, TooLongError
from ingest.readers.worker import Refused

LONGEST = 10_000
"""Characters of what a reader writes; a web server in front rarely lets as many through."""
PAGE_CELLS = 5_000
"""Cells of a page in HTML. Datasette takes some 60 µs of the processor for each."""
FEED = 1000**2
"""Bytes of rows that make a feed, for the same reason."""
PARSED_JSON = 1000**2
"""Bytes of rows in which ``_json=`` has texts parsed, to 16 times their size in memory."""
ANY = 10**9
PIECE = 64 * 1024
"""Bytes that are sent at once, so that a slow connection does not take an answer whole into memory once more."""
BUSY = "Too many readers ask at the same time, and this would have had to wait for longer than 5 s: try again soon."
SEARCH = re.compile(r" match :search(?:_\d+)?\)")
READING = re.compile(r"(?:explain\s+(?:query\s+plan\s+)?)?(?:select|with)\b", re.IGNORECASE)

asking = ContextVar("asking", default=None)


class Asking:
    """A request with SQL of a reader."""

    def __init__(self, path, arguments):
        self.sql = arguments.get("sql")
        self.where = arguments.getlist("_where")
        self.searches = arguments.get("_searchmode") == "raw"
        self.format = path.rpartition("/")[2].partition(".")[2]
        self.most_bytes = FEED if self.format == "atom" else PARSED_JSON if "_json" in arguments else LARGEST
        self.since = monotonic()
        self.visit = None

    def wrote(self, sql, truncate):
        """Whether the reader wrote this, or a part of it, as Datasette puts it together."""
        where = " and ".join(self.where)
        return (
            (truncate and sql == self.sql)
            or (self.where and any(f"{word} {where} " in sql for word in ("where", " and")))
            or (self.searches and SEARCH.search(sql))
        )

    def enter(self, places, seconds):
        """A stream asks for page after page, each of which may take as long as the first."""
        since = monotonic() if self.visit else self.since
        self.leave()
        self.visit = Visit(places, seconds, since)

    def leave(self):
        if self.visit:
            self.visit.leave()


@hookimpl(trylast=True)  # after only_our_database, which says what to do where there is no database
def startup(datasette):
    database = datasette.get_database("reproducibility")
    mode = "mode=ro" if database.is_mutable else "immutable=1"
    published = [name for name, about in schema.descriptions().items() if not about.get("hidden")]
    places = Places(f"file:{Path(database.path).absolute()}?{mode}", published)
    database.execute = readers_execute(datasette, database.execute, places)
    views.validate_sql_select = validate


def validate(sql):
    """As Datasette's, which takes time for comments that grows with the square of their length."""
    if len(sql) > LONGEST:
        raise InvalidSql(f"This SQL is longer than {LONGEST:,} characters.")
    if not READING.match(without_comments(sql)):
        raise InvalidSql("Statement must be a SELECT")


def without_comments(sql):
    sql = sql.lstrip()
    while sql.startswith(("--", "/*")):
        sql = sql.partition("\n" if sql.startswith("--") else "*/")[2].lstrip()
    return sql


def readers_execute(datasette, execute, places):
    """``Database.execute`` that asks a place for readers where a reader wrote the SQL."""
    own = charts(datasette)
    usual = datasette.sql_time_limit_ms
    most = datasette.max_returned_rows

    async def answer(sql, params=None, truncate=False, custom_time_limit=None, page_size=None, **options):
        reader = asking.get()
        if reader is None or not reader.wrote(sql, truncate) or sql in own:
            return await execute(sql, params, truncate, custom_time_limit, page_size, **options)
        if truncate:  # what the request is for; counts and facets come after it
            reader.enter(places, usual / 1000)
        question = Question(
            sql=sql,
            parameters=dict(params) if isinstance(params, dict) else list(params or ()),
            seconds=min(usual, custom_time_limit or usual) / 1000,
            rows=most + (page_size == most) if truncate else 2 * most,
            cells=ANY if reader.format else PAGE_CELLS,
            bytes=reader.most_bytes,
            too_large=f"This answer is larger than {reader.most_bytes // 1000**2} MB: ask for less at a time.",
        )
        with trace("sql", database="reproducibility", sql=sql.strip(), params=params):
            return await answered(reader, question)

    return answer


async def answered(reader, question):
    """An answer as Datasette knows them, or an exception of which it makes a page, JSON, or a count that is left out."""
    try:
        if sum(map(len, reader.where)) > LONGEST:
            raise Refused(f"What _where= has is longer than {LONGEST:,} characters.")
        answer = await reader.visit.ask(question)
        if answer.is_cut and question.sql != reader.sql and not reader.format:
            raise Refused("This page is too large: ask for fewer rows with _size=, or for .json or .csv.")
    except BusyError as error:
        raise DatasetteError(BUSY, title="Busy", status=503) from error
    except TooLongError as error:
        if reader.format == "csv":
            raise DatasetteError("SQL query took too long.", title="SQL Interrupted", status=400) from error
        raise QueryInterrupted(error, question.sql, question.parameters) from error
    except Refused as error:
        if reader.format == "csv":  # of which Datasette would make a file without rows
            raise DatasetteError(str(error), title="Invalid SQL", status=400) from error
        raise sqlite3.OperationalError(str(error)) from error
    return Results(answer.rows, answer.is_cut, [(name, *[None] * 6) for name in answer.columns])


@hookimpl
def asgi_wrapper(datasette):
    def wrap(app):
        async def wrapped(scope, receive, send):
            if scope["type"] != "http" or not scope["query_string"]:
                return await app(scope, receive, send)
            arguments = Request(scope, receive).args
            if not {"sql", "_where", "_searchmode"}.intersection(arguments):
                return await app(scope, receive, send)
            reader = Asking(scope["path"], arguments)
            token = asking.set(reader)
            try:
                await app(scope, receive, in_pieces(send))
            finally:
                asking.reset(token)
                reader.leave()

        return wrapped

    return wrap


def charts(datasette):
    """The SQL of dashboards, which browsers send back: with and without each filter that it has."""
    dashboards = datasette.plugin_config("datasette-dashboards") or {}
    return {
        datasette_dashboards.replace_opts_in_query(chart["query"], dict.fromkeys(given, "given"))
        for dashboard in dashboards.values()
        for chart in dashboard.get("charts", {}).values()
        if chart.get("query")
        for given in subsets(dashboard.get("filters", {}))
    }


def subsets(names):
    return [some for size in range(len(names) + 1) for some in combinations(names, size)]


def in_pieces(send):
    """Sends large answers piece by piece."""

    async def sent(message):
        body = message.get("body", b"")
        last = max(0, (len(body) - 1) // PIECE * PIECE)
        for start in range(0, last, PIECE):
            await send({**message, "body": body[start : start + PIECE], "more_body": True})
        await send({**message, "body": body[last:]} if last else message)

    return sent
