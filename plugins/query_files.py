"""Publishes each ``canned_queries/<database>/<name>.sql``, with what ``<name>.yml`` beside it says, as a question.

As datasette-query-files does, which parses every file anew whenever Datasette asks; here the files are looked at once a
second, and read when they have changed.
"""

from functools import cache, lru_cache
from pathlib import Path
from time import monotonic

import yaml
from datasette import hookimpl

FOLDER = Path(__file__).resolve().parent.parent / "canned_queries"


@hookimpl
def canned_queries(database):
    # Datasette writes into what it is given.
    return {name: dict(question) for name, question in questions(database, int(monotonic())).items()}


@lru_cache(maxsize=4)
def questions(database, second):
    return {
        sql.stem: question(sql, about, sql.stat().st_mtime_ns, about.exists() and about.stat().st_mtime_ns)
        for sql in (FOLDER / database).glob("*.sql")
        for about in [sql.with_suffix(".yml")]
    }


@cache
def question(sql, about, sql_changed, about_changed):
    described = yaml.safe_load(about.read_text("utf-8")) if about_changed else None
    return {**(described or {}), "sql": sql.read_text("utf-8")}
