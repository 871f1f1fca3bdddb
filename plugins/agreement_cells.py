"""How cells about binaries look: states in the colour of their status, counts of rebuilders as links to their answers."""

from urllib.parse import urlencode

from datasette import hookimpl
from markupsafe import Markup

STATES = {
    "reproducible": "good",
    "unreproducible": "bad",
    "did-not-build": "bad",
    "failed-by-infrastructure": "fail",
    "failed-by-archive": "fail",
    "unexplained": "unkwn",
    "no-result": "unkwn",
    "never-attempted": "unkwn",
    "undecided": "unkwn",
}
ANSWERS = {
    "rebuilders": {},
    "good": {"status": "GOOD"},
    "bad": {"status": "BAD"},
    "fail": {"status": "FAIL"},
    "unknown": {"_where": "coalesce(status, 'UNKWN') = 'UNKWN'"},
}
KEY = ("distribution", "architecture", "binary", "version")


@hookimpl
def render_cell(row, value, column, table, datasette):
    if column in ("state", "verdict") and value in STATES:
        return Markup('<span class="status %s">%s</span>') % (STATES[value], value)
    if column == "rule" and "verdict" in dict(row):
        return Markup('<span class="badge">%s</span>') % value
    if column in ANSWERS and isinstance(value, int) and value:
        row = dict(row)
        if all(row.get(name) for name in KEY):
            where = {name: row[name] for name in KEY} | ANSWERS[column]
            address = datasette.urls.table("reproducibility", "rebuilder_answers")
            return Markup('<a href="%s">%s</a>') % (f"{address}?{urlencode(where)}", value)
    return None
