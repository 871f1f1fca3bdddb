"""Counts and facets of whole tables and views are computed once for each state of the database, its schema is read once.

Datasette counts all rows anew for each page of them, and reads the schema with up to 200 small questions for one. Where a
view or an index of words has a row for each row of something simpler, that is counted in its place.
"""

import re
from copy import copy

from datasette import hookimpl

from ingest.watching import Watch

COUNT = re.compile(r"\s*select count\(\*\) from \[?(\w+)\]?\s*")
FACET = re.compile(
    r"\s*select \S+ as value, count\(\*\) as count from \(\s*select [^()]+ from \S+\s*\)"
    r"\s*where \S+ is not null\s*group by \S+ order by count desc, value limit \d+\s*"
)
SCHEMA = re.compile(r"\s*select (?:1|name|sql) from sqlite_master\s+where [\w\s=?:'(),%]*")
SHAPES = ("foreign_keys_for_table", "fts_table", "primary_keys", "table_column_details", "table_columns")
MOST_KEPT = 10_000
"""Answers: what is asked for by name is kept for names that do not exist, too."""

BINARIES = "SELECT DISTINCT b.name, b.version, b.architecture, o.distribution{} FROM binary_packages AS b"
OF_ORIGINS = "JOIN origins AS o ON o.id = b.origin_id WHERE is_current = 1"
SAME_ROWS = {
    "agreement": f"({BINARIES.format('')} {OF_ORIGINS})",
    "attempts": "builds WHERE copy_of IS NULL",
    "binary_states": "binary_packages WHERE is_current = 1",
    "current_failures": "failures WHERE is_current",
    "failures_fts": "failures",
    "package_names_fts": "package_names",
    "package_status": "binary_packages WHERE is_current",
    "queued_builds": "queue",
    "rebuilder_answers": f"({BINARIES.format(', rebuilder_id')} {OF_ORIGINS})",
    "source_status": "source_packages WHERE is_current",
    "statistic_values": "measurements",
    "unique_binaries": f"({BINARIES.format('')} {OF_ORIGINS})",
}


@hookimpl(trylast=True)  # after only_our_database, which says what to do where there is no database
def startup(datasette):
    database = datasette.get_database("reproducibility")
    data, schema = (Kept(Watch(database.connect, of)) for of in ("data", "schema"))
    database.execute = kept_execute(database.execute, data, schema)
    for shape in SHAPES:
        setattr(database, shape, kept_shape(getattr(database, shape), schema))


class Kept:
    """Answers, until what is watched changes."""

    def __init__(self, watch):
        self.watch = watch
        self.known = None
        self.answers = {}

    async def answer(self, key, ask):
        if (state := self.watch.state()) != self.known or len(self.answers) >= MOST_KEPT:
            self.known, self.answers = state, {}
        answers = self.answers  # those of this state, also if it changes meanwhile
        if key not in answers:
            answers[key] = await ask()
        return answers[key]


def kept_execute(execute, data, schema):
    """``Database.execute`` that remembers counts, facets and the schema."""

    async def answer(sql, params=None, *args, **options):
        count = COUNT.fullmatch(sql)
        kept = data if count or FACET.fullmatch(sql) else schema if SCHEMA.fullmatch(sql) else None
        if kept is None:
            return await execute(sql, params, *args, **options)
        if count and count[1] in SAME_ROWS:
            sql = f"SELECT count(*) FROM {SAME_ROWS[count[1]]}"
        return await kept.answer(
            (sql, repr((params, args, options))), lambda: execute(sql, params, *args, **options)
        )

    return answer


def kept_shape(ask, schema):
    """A method of ``Database`` that tells something of a table, and remembers it."""

    async def answer(table):
        return copy(await schema.answer((ask.__name__, table), lambda: ask(table)))

    return answer
