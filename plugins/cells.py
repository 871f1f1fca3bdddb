"""How some cells look: statuses in their colour, times without fractions, durations in words, row numbers as links.

Numbers have their unit as people write it: Datasette's own way takes half a millisecond for each, and knows millidays.
"""

import re
from functools import cache

from datasette import hookimpl
from markupsafe import Markup, escape

from ingest import schema

STATUSES = {
    status: Markup('<span class="status %s">%s</span>') % (status.lower(), status)
    for status in ("GOOD", "BAD", "FAIL", "UNKWN")
}
TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d+)?Z", re.ASCII)
TABLES = {
    "binary_package_id": "binary_packages",
    "build_id": "builds",
    "failure_id": "failures",
    "latest_build_id": "builds",
    "snapshot_id": "snapshots",
    "source_package_id": "source_packages",
}
UNITS = {
    (table, column): unit
    for table, about in schema.descriptions().items()
    for column, unit in about.get("units", {}).items()
}


@hookimpl
def render_cell(value, column, table, datasette):
    if column.endswith("status") and value in STATUSES:
        return STATUSES[value]
    if isinstance(value, str) and (time := TIME.fullmatch(value)):
        return Markup(f'<time datetime="{value}">{time[1]} {time[2]}</time>')
    if isinstance(value, int | float):
        unit = "s" if column.endswith("duration") else UNITS.get((table, column))
        if unit:
            return (
                in_words(value) if unit == "s" else in_thousands(value) if unit == "B" else f"{value} {unit}"
            )
    if column in TABLES and isinstance(value, int):
        # Tables have labels for these; views and queries do not.
        return Markup(f'<a href="{address(datasette, TABLES[column])}/{value}">{value}</a>')
    return None


@cache
def address(datasette, table):
    return escape(datasette.urls.table("reproducibility", table))


def in_thousands(count):
    if count < 1000:
        return f"{count} B"
    size, unit = next(
        (count / size, unit) for size, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")) if count >= size
    )
    return Markup('<span title="%s bytes">%s %s</span>') % (f"{count:,}", f"{size:.4g}", unit)


def in_words(seconds):
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"
