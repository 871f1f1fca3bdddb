"""``/metrics``: the newest value of each series, for Prometheus; docs/sinks.md."""

from datasette import Response, hookimpl

from ingest.sinks import openmetrics, reading


@hookimpl
def register_routes():
    return [(r"^/metrics$", metrics)]


async def metrics(request, datasette):
    resources = [
        ("view-table", ("reproducibility", "measurements")),
        ("view-database", "reproducibility"),
        "view-instance",
    ]
    await datasette.ensure_permissions(request.actor, resources)
    points = await datasette.get_database("reproducibility").execute_fn(reading.newest)
    is_asked = "application/openmetrics-text" in request.headers.get("accept", "")
    return Response(
        openmetrics.render(points),
        headers={"Vary": "Accept"},
        content_type=openmetrics.CONTENT_TYPE if is_asked else openmetrics.PLAIN_TYPE,
    )
