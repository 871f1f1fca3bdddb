"""How some cells look: statuses in their colour, times without fractions, durations in words, row numbers as links."""

import re

from datasette import hookimpl
from markupsafe import Markup

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


@hookimpl
def render_cell(value, column, table, datasette):
    if column.endswith("status") and value in STATUSES:
        return STATUSES[value]
    if isinstance(value, str) and (time := TIME.fullmatch(value)):
        return Markup('<time datetime="%s">%s %s</time>') % (value, time[1], time[2])
    if column.endswith("duration") and isinstance(value, int | float):
        return in_words(value)
    if column in TABLES and isinstance(value, int):
        # Tables have labels for these; views and queries do not.
        address = datasette.urls.row("reproducibility", TABLES[column], str(value))
        return Markup('<a href="%s">%s</a>') % (address, value)
    return None


def in_words(seconds):
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"
