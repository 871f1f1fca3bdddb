"""What the page ``/data`` tells of tables, views, questions and limits, from where each of these is defined."""

import re
from functools import cache
from html import unescape

from datasette import hookimpl

from ingest import schema

UNITS = {"s": "seconds", "B": "bytes", "d": "days"}
EXAMPLE = re.compile(r'Example: <a href="([^"]+)">(.*?)</a>')
LIMITS = ("max_returned_rows", "sql_time_limit_ms", "default_page_size", "default_cache_ttl", "max_csv_mb")


@hookimpl
def extra_template_vars(datasette, template, request):
    async def data():
        if template != "pages/data.html":
            return {}
        queries = await datasette.get_canned_queries("reproducibility", request.actor)
        return {
            "relations": relations(),
            "queries": sorted((query | {"example": example(query)} for query in queries.values()), key=title),
            "limits": {name: datasette.setting(name) for name in LIMITS},
            "at": datasette.absolute_url(request, datasette.urls.database("reproducibility")),
        }

    return data


@cache
def relations():
    """Views first: they have names in place of numbers."""
    views = schema.views()
    known = [
        {
            "name": name,
            "is_view": name in views,
            "description": about["description"],
            "columns": [
                (column, meaning, unit(about, column)) for column, meaning in about["columns"].items()
            ],
        }
        for name, about in schema.descriptions().items()
        if not about.get("hidden")
    ]
    return sorted(known, key=lambda relation: not relation["is_view"])


def unit(about, column):
    short = about.get("units", {}).get(column, "")
    return UNITS.get(short, short)


def example(query):
    """Address and text of the example in a question's description."""
    found = EXAMPLE.search(query.get("description_html", ""))
    return (unescape(found[1]), unescape(found[2])) if found else None


def title(query):
    return query.get("title") or query["name"]
