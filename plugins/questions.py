"""Lets the front page list the canned queries."""

from datasette import hookimpl


@hookimpl
def extra_template_vars(datasette, view_name, request):
    async def questions():
        if view_name != "index":
            return {}
        queries = await datasette.get_canned_queries("reproducibility", request.actor)
        return {"questions": sorted(queries.values(), key=lambda query: query["title"])}

    return questions
