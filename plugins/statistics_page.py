"""What the pages ``/statistics`` and ``/statistics/NAME`` show: words of forms become questions, rows become charts."""

import asyncio
import json
from pathlib import Path
from urllib.parse import urlencode

from datasette import Forbidden, hookimpl
from datasette.database import QueryInterrupted

from ingest.errors import StatisticError
from ingest.statistics import asking, charts

QUERIES = Path(__file__).resolve().parent.parent / "templates" / "queries"
PERIODS = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "a year", "all": "all"}
USUAL = "90"
ROWS = 50
DOTS = 1000
OFFERED = 100


@hookimpl
def extra_template_vars(datasette, request):
    async def listed():
        """All statistics, each with the points of a small chart."""
        rows = await ask(datasette, request, "statistics", name=None)
        return [
            {"about": row, "points": points}
            for row, points in zip(
                rows, await asyncio.gather(*(spark(datasette, request, row) for row in rows)), strict=True
            )
        ]

    async def shown(name):
        """A statistic with what is chosen of it, or None."""
        rows = await ask(datasette, request, "statistics", name=name)
        return await page(datasette, request, rows[0]) if rows else None

    return {"statistics_listed": listed, "statistic_shown": shown}


async def ask(datasette, request, query, **parameters):
    try:
        await datasette.ensure_permissions(
            request and request.actor, [("view-database", "reproducibility"), "view-instance"]
        )
    except Forbidden:
        return []  # Datasette cannot answer 403 once it draws a page; one without rows tells nothing.
    sql = (QUERIES / f"{query}.sql").read_text("utf-8")
    if parameters.get("order") == "desc":
        sql = sql.replace(" ASC", " DESC")
    return (await datasette.get_database("reproducibility").execute(sql, parameters)).rows


async def trend(datasette, request, about, time, filters, by, most):
    return await ask(
        datasette,
        request,
        "statistic_trend",
        **{name: about[name] for name in ("adds", "kind")},
        statistic=about["id"],
        start=time.start,
        step=time.length,
        filters=json.dumps(filters),
        by=by,
        most=most,
    )


async def spark(datasette, request, about):
    if not about["first_at"]:
        return ""
    time = charts.steps(about["first_at"], about["last_at"], about["interval_seconds"], int(USUAL), most=60)
    try:
        return charts.sparkline(await trend(datasette, request, about, time, {}, None, 1), time)
    except QueryInterrupted:
        return ""


async def page(datasette, request, about):
    dimensions = json.loads(about["dimensions"])
    wanted, problem = chosen(request, about, dimensions)
    at = {"about": about, "dimensions": dimensions, "periods": PERIODS, "problem": problem, **wanted}
    if not about["first_at"]:
        return {**at, "choices": {}, "rows": [], "links": links(about, wanted, None)}
    days = None if wanted["period"] == "all" else int(wanted["period"])
    time = charts.steps(about["first_at"], about["last_at"], about["interval_seconds"], days)
    question = asking.Question(
        start=time.start, order="desc", limit=ROWS, filters=wanted["filters"], after=wanted["after"]
    )
    try:
        choices, rows, chart = await asyncio.gather(
            ask(datasette, request, "statistic_choices", statistic=about["id"], start=time.start),
            ask(datasette, request, "statistic_values", **question.parameters(about["id"])),
            drawn(datasette, request, about, dimensions, wanted, time),
        )
    except QueryInterrupted:
        at["problem"] = "This takes too long to count; choose a shorter time."
        choices, rows, chart = [], [], {"series": []}
    return {
        **at,
        "chart": chart,
        "choices": by_dimension(choices),
        "rows": [(row["id"], row["at"], asking.flat(row, dimensions)) for row in rows[:ROWS]],
        "earlier": asking.cursor(rows[ROWS - 1]) if len(rows) > ROWS else None,
        "links": links(about, wanted, time.start + "Z"),
    }


def chosen(request, about, dimensions):
    """What the form asks for, and a sentence about what of it cannot be followed."""
    own = ("period", "by")
    given = {name: request.args.getlist(name) for name in request.args if name not in own}
    period, by = (request.args.get(name) for name in own)
    usual = charts.hint(about["chart"]).field
    problem = None
    try:
        question = asking.parse(given, dimensions)
        if unfit := sorted({"start", "stop", "order", "limit", "times"} & given.keys()):
            raise StatisticError(f"“{unfit[0]}” is for JSON and CSV; here, choose a period.")
        if period and period not in PERIODS:
            raise StatisticError(f"“period” is “{period[:40]}”; use {', '.join(PERIODS)}.")
        if by and by not in ("none", *dimensions):
            raise StatisticError(
                f"There is no dimension “{by[:40]}”; use {', '.join(('none', *dimensions))}."
            )
    except StatisticError as error:
        problem, question, period, by = str(error), asking.Question(), None, None
    by = by or (usual if usual in dimensions else "none")
    return {
        "period": period or USUAL,
        "by": by,
        "filters": dict(question.filters),
        "after": question.after,
    }, problem


async def drawn(datasette, request, about, dimensions, wanted, time):
    by = None if wanted["by"] == "none" else wanted["by"]
    if about["kind"] != "event":
        rows = await trend(datasette, request, about, time, wanted["filters"], by, charts.SERIES)
        chart = charts.aggregated(rows, time, about)
        return {**chart, "series_in_all": rows[0]["series_in_all"] if rows else 0}
    question = asking.Question(start=time.start, order="desc", limit=DOTS, filters=wanted["filters"])
    rows = await ask(datasette, request, "statistic_values", **question.parameters(about["id"]))
    chart = charts.events([asking.flat(row, dimensions) for row in rows[:DOTS]], time, about, by)
    return {**chart, "is_cut": len(rows) > DOTS, "series_in_all": len(chart["series"])}


def by_dimension(rows):
    """The choices of each dimension, None where there are too many."""
    found = {}
    for row in rows:
        found.setdefault(row["dimension"], []).append(row["choice"])
    return {name: values if len(values) <= OFFERED else None for name, values in found.items()}


def links(about, wanted, start):
    """What to add to the addresses of JSON and CSV to get what is chosen, and SQL that gives all values."""
    return {
        "query": urlencode({**({"start": start} if start else {}), **wanted["filters"]}),
        "form": urlencode({"period": wanted["period"], "by": wanted["by"], **wanted["filters"]}),
        "sql": f"SELECT at, value, rebuilder, origin, category, dimensions\nFROM statistic_values\nWHERE statistic = '{about['name']}'\nORDER BY at DESC",
    }
