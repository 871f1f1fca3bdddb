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
SCHEMA = {
    "select 1 from sqlite_master where type='table' and name=?",
    "select name from sqlite_master where type in ('table', 'view') and name = ? collate nocase",
    "select name from sqlite_master where type='table'",
    "select name from sqlite_master where type='view'",
    "select name from sqlite_master where rootpage = 0 and ( sql like '%VIRTUAL TABLE%USING FTS%' )"
    " or name in ('sqlite_stat1', 'sqlite_stat2', 'sqlite_stat3', 'sqlite_stat4')",
    "select sql from sqlite_master where name = :n and type=:t",
    "select sql from sqlite_master where tbl_name = :n and type='index' and sql is not null",
}
"""Datasette's own questions, word for word: SQL of a reader's that begins like them may go on to other tables."""
SHAPES = ("foreign_keys_for_table", "fts_table", "primary_keys", "table_column_details", "table_columns")
MOST_KEPT = 10_000
"""Rows of answers, each of which counts as one more. Readers can ask for names that do not exist, and for long facets."""
LONGEST_KEPT = 1_000
"""Characters of a question with its parameters."""

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
    "statistic_values": "statistics AS x CROSS JOIN measurements AS m ON m.statistic_id = x.id AND m.at <= coalesce(x.last_at, '~')",
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
        self.rows = 0

    async def answer(self, question, ask):
        if len(key := repr(question)) > LONGEST_KEPT:
            return await ask()
        if (state := self.watch.state()) != self.known or self.rows >= MOST_KEPT:
            self.known, self.answers, self.rows = state, {}, 0
        answers = self.answers  # those of this state, also if it changes meanwhile
        if key not in answers:
            answers[key] = await ask()
            self.rows += 1 + len(answers[key] or ())
        return answers[key]


def kept_execute(execute, data, schema):
    """``Database.execute`` that remembers counts, facets and the schema."""

    async def answer(sql, params=None, *args, **options):
        count = COUNT.fullmatch(sql)
        kept = data if count or FACET.fullmatch(sql) else schema if " ".join(sql.split()) in SCHEMA else None
        if kept is None or options.get("truncate"):  # as readers' own SQL is
            return await execute(sql, params, *args, **options)
        if count and count[1] in SAME_ROWS:
            sql = f"SELECT count(*) FROM {SAME_ROWS[count[1]]}"
        return await kept.answer((sql, params, args, options), lambda: execute(sql, params, *args, **options))

    return answer


def kept_shape(ask, schema):
    """A method of ``Database`` that tells something of a table, and remembers it."""

    async def answer(table):
        return copy(await schema.answer((ask.__name__, table), lambda: ask(table)))

    return answer
