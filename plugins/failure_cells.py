"""How cells about failures look: evidence with its lines, classes in their colour, links to logs and bugs."""

import re
from urllib.parse import urlencode

from datasette import hookimpl
from markupsafe import Markup

CLASSES = {"infrastructure", "archive", "build", "unreproducible", "unknown"}
WHERE = ("distribution", "release", "architecture", "rebuilder")
LOG = re.compile(r"/failures/\d+/(log|diffoscope)", re.ASCII)
ADDRESS = re.compile(r"https?://([\w.-]+)(?::\d+)?(?:/[^\s<>\"']*?(\d+)?)?", re.ASCII)


@hookimpl
def render_cell(row, value, column, table, datasette):
    if isinstance(value, int):
        return counted(datasette, dict(row), value, column) if table is None else None
    if not isinstance(value, str):
        return None
    if column in ("evidence", "command"):
        return Markup('<pre class="%s">%s</pre>') % (column, value)
    if column == "class" and value in CLASSES:
        return Markup('<span class="class %s">%s</span>') % (value, value)
    if column == "temporary" and value in ("yes", "no", "maybe"):
        return Markup('<span class="badge">%s</span>') % value
    if column in ("log", "diffoscope") and LOG.fullmatch(value):
        return link(datasette.urls.path(value), column)
    if column == "bug" and (address := ADDRESS.fullmatch(value)):
        return link(value, f"#{address[2]}" if address[2] else address[1])
    return None


def counted(datasette, row, count, column):
    """A question's number of what fails now, as a link to the rows behind it; of a past day no rows are kept."""
    reason = {name: row[name] for name in ("category_key", "class") if row.get(name)}
    if column not in ("packages", "failures", "categories") or "day" in row or not reason:
        return None
    where = {name: row[name] for name in WHERE if row.get(name)}
    if column == "failures":
        if "source_package_id" in row:
            where = {"source_package_id": row["source_package_id"]}
        return link(datasette.urls.table("reproducibility", "current_failures"), count, **reason, **where)
    if "category_key" in reason:
        return question(datasette, "packages_in_category", count, category=reason["category_key"], **where)
    return question(datasette, "failures_by_category", count, **reason, **where)


def question(datasette, name, text, /, **parameters):
    return link(datasette.urls.query("reproducibility", name), text, **parameters)


def link(address, text, /, **parameters):
    query = f"?{urlencode(parameters)}" if parameters else ""
    return Markup('<a href="%s">%s</a>') % (f"{address}{query}", text)
