"""Lets the page of questions list the canned queries, each with what it asks: the first comment of its SQL."""

from datasette import hookimpl


@hookimpl
def extra_template_vars(datasette, template, request):
    async def questions():
        if template != "pages/questions.html":
            return {}
        queries = await datasette.get_canned_queries("reproducibility", request.actor)
        return {
            "questions": [
                {**query, "asks": asks(query["sql"])} for query in sorted(queries.values(), key=title)
            ]
        }

    return questions


def title(query):
    return query.get("title") or query["name"]


def asks(sql):
    first = sql.partition("\n")[0]
    return first.removeprefix("--").strip() if first.startswith("--") else ""
