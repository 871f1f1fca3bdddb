"""Counts and facets of whole tables and views are computed once for each state of the database.

Datasette counts all rows anew for each page of them. Where a view or an index of words has a row for each row of something
simpler, that is counted in its place.
"""

import re

from datasette import hookimpl

from ingest.watching import Watch

COUNT = re.compile(r"\s*select count\(\*\) from \[?(\w+)\]?\s*")
FACET = re.compile(
    r"\s*select \S+ as value, count\(\*\) as count from \(\s*select [^()]+ from \S+\s*\)"
    r"\s*where \S+ is not null\s*group by \S+ order by count desc, value limit \d+\s*"
)
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
    database.execute = Kept(database).execute


class Kept:
    """``Database.execute`` that remembers counts and facets until another connection commits."""

    def __init__(self, database):
        self.execute_anew = database.execute
        self.answers = {}
        self.known = None
        self.watch = Watch(database.connect)

    async def execute(self, sql, params=None, *args, **options):
        count = COUNT.fullmatch(sql)
        if not (count or FACET.fullmatch(sql)):
            return await self.execute_anew(sql, params, *args, **options)
        if count and count[1] in SAME_ROWS:
            sql = f"SELECT count(*) FROM {SAME_ROWS[count[1]]}"
        if (state := self.watch.state()) != self.known:
            self.known, self.answers = state, {}
        answers = self.answers  # those of this state, also if it changes meanwhile
        if sql not in answers:
            answers[sql] = await self.execute_anew(sql, params, *args, **options)
        return answers[sql]
