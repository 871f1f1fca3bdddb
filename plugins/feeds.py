"""Atom feeds: ``.atom`` of the questions ``feed_…``, and of any SQL with datasette-atom's columns.

datasette-atom writes the XML. Here is what it leaves open: full addresses, ids that stay, what an entry says,
a title, feeds without an entry yet, characters that XML cannot hold, and conditional requests.
"""

import re
from datetime import UTC, datetime
from types import SimpleNamespace
from urllib.parse import urlencode, urlsplit

import datasette_atom
from datasette import Response, hookimpl
from datasette.utils import tilde_encode
from datasette.utils.asgi import BadRequest
from markupsafe import Markup

from ingest.etags import etag, is_known

FEEDS = ("feed_regressions", "feed_fixes", "feed_failures")
FILTERS = ("origin", "package")
LONGEST_TIME = 40
MOST_HTML = 10_000
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
EMPTY = Markup(
    '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom"><id>{address}</id>'
    '<title>{title}</title><updated>{updated}</updated><link href="{address}" rel="self"/></feed>\n'
)


@hookimpl
def get_metadata(key):
    if key not in (None, "plugins"):
        return {}
    # Our template escapes; to clean its HTML once more would take most of the time of a feed.
    return {
        "plugins": {
            "datasette-atom": {"allow_unsafe_html_in_canned_queries": {"reproducibility": list(FEEDS)}}
        }
    }


@hookimpl(trylast=True)  # The last one wins: this stands before datasette-atom's own.
def register_output_renderer():
    return {"extension": "atom", "render": render, "can_render": datasette_atom.can_render_atom}


async def render(datasette, request, sql, columns, rows, database, table, query_name, view_name, data):
    is_ours = (database, query_name) in {("reproducibility", name) for name in FEEDS}
    filters = {name: value for name in FILTERS if (value := request.args.get(name))} if is_ours else {}
    # What else stands in the address of a feed makes no other feed.
    address = feed_address(datasette, request, query_name, filters) if is_ours else request.url
    title = await title_of(datasette, request, database, query_name, filters) or sql or ""
    if not query_name:
        check(columns, rows)
    if rows or not datasette_atom.can_render_atom(columns):
        entries = [{name: valid(row[name]) for name in columns} for row in rows]
        if is_ours:
            entries = [await entry(datasette, request, row) for row in entries]
            columns = [*columns, "atom_link", "atom_content_html"]
        asked = SimpleNamespace(url=address, args={"_feed_title": valid(title)})
        try:
            body = datasette_atom.render_atom(
                datasette, asked, sql, columns, entries, database, table, query_name, view_name, data
            ).body
        except (OverflowError, TypeError, ValueError) as error:
            raise BadRequest(
                f"These rows make no feed: {error} Give atom_updated with a time zone,"
                " and atom_link or atom_content."
            ) from error
    else:
        updated = await last_read(datasette)
        body = EMPTY.format(address=address, title=valid(title), updated=updated).encode()
    return conditional(request, body)


def check(columns, rows):
    """What SQL of readers may not ask for: to clean the HTML of one row can take minutes, and so can to read a time."""
    if "atom_content_html" in columns and sum(len(str(row["atom_content_html"])) for row in rows) > MOST_HTML:
        raise BadRequest(
            f"Feeds of your own SQL have at most {MOST_HTML:,} characters of atom_content_html; atom_content can have more."
        )
    if "atom_updated" in columns and any(len(str(row["atom_updated"])) > LONGEST_TIME for row in rows):
        raise BadRequest("These rows make no feed: atom_updated is no time.")


async def title_of(datasette, request, database, query_name, filters):
    if not query_name:
        return request.args.get("_feed_title")
    query = await datasette.get_canned_query(database, query_name, request.actor)
    title = query.get("title") or query_name
    return f"{title}: {', '.join(filters.values())}" if filters else title


def feed_address(datasette, request, query_name, filters):
    query = f"?{urlencode(filters)}" if filters else ""
    return f"{site(datasette, request)}/reproducibility/{query_name}.atom{query}"


def site(datasette, request):
    """Where the site is, without a slash at the end."""
    return datasette.absolute_url(request, datasette.urls.path("/")).rstrip("/")


async def entry(datasette, request, row):
    """A row with what depends on where the site is: its id, its link, and its text with links."""
    root = site(datasette, request)
    where = urlsplit(root)
    template = datasette.jinja_env.get_template("_feed_entry.html")
    return row | {
        "atom_id": f"tag:{where.hostname},2026:{where.path}{row['atom_id']}",
        "atom_link": f"{root}/package/{tilde_encode(row['source'])}",
        "atom_content_html": await template.render_async(row=row, site=root),
    }


async def last_read(datasette):
    """A feed without entries is as old as the newest data; without those, as old as it gets."""
    runs = "SELECT (SELECT finished_at FROM newest_run)"
    found = (await datasette.get_database("reproducibility").execute(runs)).single_value()
    return found or datetime.fromtimestamp(0, UTC).isoformat()


def valid(value):
    return NOT_XML.sub("\ufffd", value) if isinstance(value, str) else value


def conditional(request, body):
    """The feed, or 304 for a reader that has it already."""
    tag = etag(body)
    headers = {"ETag": tag}
    if is_known(tag, request.headers.get("if-none-match")):
        return NotModified(b"", headers=headers)
    return Response(body, headers=headers, content_type="application/atom+xml; charset=utf-8")


class NotModified(Response):
    # Datasette gives what it renders the status of the query.
    status = property(lambda self: 304, lambda self, status: None)
