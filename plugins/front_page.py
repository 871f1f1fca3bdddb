"""The front page. Datasette's own index would look at every table first; ``/.json`` still is Datasette's."""

from datasette import Response, hookimpl


@hookimpl
def register_routes():
    return [(r"/$", front_page)]


async def front_page(datasette, request):
    await datasette.ensure_permissions(request.actor, ["view-instance"])
    dashboards = datasette.plugin_config("datasette-dashboards") or {}
    return Response.html(
        await datasette.render_template("front.html", {"dashboards": dashboards}, request=request)
    )
