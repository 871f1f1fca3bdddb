"""Counts and facets of whole tables and views, and how those look, are asked for once for each state of the database.

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
    kept = Kept(Watch(database.connect))
    database.execute = kept.executing(database.execute)
    for shape in SHAPES:
        setattr(database, shape, kept.looking_up(getattr(database, shape)))


class Kept:
    """Answers, until another connection commits."""

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

    def executing(self, execute):
        """``Database.execute`` that remembers counts, facets and the schema."""

        async def kept_execute(sql, params=None, *args, **options):
            count = COUNT.fullmatch(sql)
            if not (count or FACET.fullmatch(sql) or SCHEMA.fullmatch(sql)):
                return await execute(sql, params, *args, **options)
            if count and count[1] in SAME_ROWS:
                sql = f"SELECT count(*) FROM {SAME_ROWS[count[1]]}"
            return await self.answer(
                (sql, repr((params, args, options))), lambda: execute(sql, params, *args, **options)
            )

        return kept_execute

    def looking_up(self, look_up):
        """A method that tells something of a table, and remembers it."""

        async def kept_look_up(table):
            return copy(await self.answer((look_up.__name__, table), lambda: look_up(table)))

        return kept_look_up
