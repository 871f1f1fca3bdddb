"""Publishes each pair of ``canned_queries/<database>/<name>.sql`` and ``.yml`` as a question.

As datasette-query-files does, which parses every file anew for every page; here a file is read when it has changed.
"""

from functools import cache
from pathlib import Path

import yaml
from datasette import hookimpl

FOLDER = Path(__file__).resolve().parent.parent / "canned_queries"


@hookimpl
def canned_queries(database):
    return {path.stem: question(path) for path in (FOLDER / database).glob("*.sql")}


def question(path):
    about = path.with_suffix(".yml")
    return dict(parsed(path, about, path.stat().st_mtime_ns, about.stat().st_mtime_ns))


@cache
def parsed(path, about, *changed):
    return {**yaml.safe_load(about.read_text()), "sql": path.read_text()}
