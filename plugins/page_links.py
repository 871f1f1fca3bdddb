"""Names in tables, views and answers lead to their pages: of packages, categories, rebuilders and origins."""

from functools import lru_cache

from datasette import hookimpl
from datasette.utils import tilde_encode
from markupsafe import Markup

COLUMNS = {"source": "package", "binary": "package", "category_key": "category", "rebuilder": "rebuilder"}
NAMES = {
    ("source_packages", "name"): "package",
    ("binary_packages", "name"): "package",
    ("package_names", "name"): "package",
    ("status_changes", "name"): "package",
    ("rebuilders", "name"): "rebuilder",
    ("categories", "key"): "category",
}

LONGEST = 1_000
"""Characters of a name. SQL of readers can give any; those that are kept would take memory."""


@hookimpl
def render_cell(row, value, column, table, datasette):
    if not value or not isinstance(value, str) or (table, column) == ("ingest_runs", "source"):
        return None
    if page := COLUMNS.get(column) or NAMES.get((table, column)):
        return link(datasette, value, page, value)
    if column == "category" and (key := dict(row).get("category_key")):
        return link(datasette, value, "category", key)
    if column == "origin" and (place := dict(row)).get("distribution") and place.get("architecture"):
        parts = (place["distribution"], place.get("release") or "-", place["architecture"])
        return link(datasette, value, "origin", *parts)
    return None


def link(datasette, text, *parts):
    are_names = all(isinstance(part, str) and len(part) <= LONGEST for part in (text, *parts))
    return kept_link(datasette, text, *parts) if are_names else None


@lru_cache(maxsize=10_000)  # most stand in many rows
def kept_link(datasette, text, *parts):
    path = "/".join(["", *map(tilde_encode, parts)])
    return Markup('<a href="%s">%s</a>') % (datasette.urls.path(path), text)
