"""Statistics for machines: ``/statistics.json``, ``/statistics/NAME.json`` and ``.csv``, ``/statistics/NAME/layout.json``.

What may be asked for is in ``ingest/statistics/asking.py``, the SQL in ``templates/queries``.
"""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

from datasette import Response, hookimpl
from datasette.database import QueryInterrupted
from datasette.utils.asgi import AsgiStream

from ingest.errors import StatisticError
from ingest.statistics import asking

QUERIES = Path(__file__).resolve().parent.parent / "templates" / "queries"
CSV = "text/csv; charset=utf-8"
CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Link"}


@hookimpl
def register_routes():
    return [
        (r"/statistics\.json$", all_layouts),
        (r"/statistics/(?P<name>[^/.]+)\.(?P<format>json|csv)$", values),
        (r"/statistics/(?P<name>[^/.]+)/layout\.json$", layout),
    ]


async def all_layouts(datasette, request):
    found = await statistics(datasette, request)
    return answer(datasette, {"statistics": [described(datasette, request, row) for row in found]})


async def layout(datasette, request):
    found = await one(datasette, request)
    return found if isinstance(found, Response) else answer(datasette, described(datasette, request, found))


async def values(datasette, request):
    """A page of measurements; where there are more, with the address of the next. CSV without a limit is all of them."""
    found = await one(datasette, request)
    if isinstance(found, Response):
        return found
    dimensions = json.loads(found["dimensions"])
    given = {name: request.args.getlist(name) for name in request.args}
    is_csv = request.url_vars["format"] == "csv"
    try:
        question = asking.parse(given, dimensions)
        if is_csv and not request.args.get("limit") and datasette.setting("allow_csv_stream"):
            return streamed(datasette, found["id"], replace(question, limit=asking.MOST), dimensions)
        rows = await measurements(datasette, found["id"], question)
    except StatisticError as error:
        return refusal(400, str(error))
    except QueryInterrupted:
        return refusal(400, "This takes too long to find; ask for less at a time, with start and stop.")
    rows, more = rows[: question.limit], rows[question.limit :]
    content = [asking.flat(row, dimensions, epoch=question.epoch) for row in rows]
    following = asking.cursor(rows[-1]) if more else None
    address = None
    if following:
        asked = [(name, value[0]) for name, value in given.items() if name != "next"]
        address = datasette.absolute_url(
            request, f"{request.path}?{urlencode([*asked, ('next', following)])}"
        )
    headers = {"Link": f'<{address}>; rel="next"'} if address else {}
    if is_csv:
        text = table(content, dimensions, header=True)
        return Response(text, headers={**kept(datasette), **headers}, content_type=CSV)
    page = {
        "statistic": found["name"],
        "unit": found["unit"],
        "rows": content,
        "next": following,
        "next_url": address,
    }
    return answer(datasette, page, headers)


async def statistics(datasette, request, name=None):
    await datasette.ensure_permissions(request.actor, [("view-database", "reproducibility"), "view-instance"])
    query = (QUERIES / "statistics.sql").read_text("utf-8")
    return (await datasette.get_database("reproducibility").execute(query, {"name": name})).rows


async def one(datasette, request):
    """The row of the statistic that the address names, or a refusal that tells which there are."""
    if found := await statistics(datasette, request, request.url_vars["name"]):
        return found[0]
    known = [row["name"] for row in await statistics(datasette, request)]
    return refusal(
        404, "There is no statistic of this name; “statistics” has those that there are.", statistics=known
    )


async def measurements(datasette, id, question):
    query = (QUERIES / "statistic_values.sql").read_text("utf-8")
    if question.order == "desc":
        query = query.replace(" ASC", " DESC")  # A parameter here would keep SQLite from using its index.
    found = await datasette.get_database("reproducibility").execute(query, question.parameters(id))
    return found.rows


def described(datasette, request, row):
    def address(path):
        return datasette.absolute_url(request, datasette.urls.path(path))

    return asking.layout(row, address)


def answer(datasette, content, headers=None):
    return Response.json(content, headers={**kept(datasette), **(headers or {})})


def kept(datasette):
    return {**CORS, "Cache-Control": f"max-age={datasette.setting('default_cache_ttl')}"}


def streamed(datasette, id, question, dimensions):
    """All that the question is about, read page by page while it is sent."""

    async def write(reader):
        asked, more = question, True
        while more:
            rows = await measurements(datasette, id, asked)
            more = len(rows) > asked.limit
            rows = rows[: asked.limit]
            content = [asking.flat(row, dimensions, epoch=asked.epoch) for row in rows]
            await reader.write(table(content, dimensions, header=asked is question))
            if more:
                asked = replace(asked, after=(rows[-1]["at"], rows[-1]["id"]))

    return AsgiStream(write, headers=kept(datasette), content_type=CSV)


def table(rows, dimensions, *, header):
    text = io.StringIO()
    writer = csv.DictWriter(text, ["at", "value", *dimensions])
    if header:
        writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def refusal(status, message, **more):
    return Response.json(
        {"ok": False, "error": message, "status": status, **more}, status=status, headers=CORS
    )
