"""Questions of pages: ``answer("name", …)`` gives a template the rows of ``templates/queries/name.sql``."""

from functools import cache
from pathlib import Path

from datasette import Forbidden, hookimpl

QUERIES = Path(__file__).resolve().parent.parent / "templates" / "queries"


@hookimpl
def extra_template_vars(datasette, request):
    async def answer(name, /, **parameters):
        try:
            await datasette.ensure_permissions(
                request and request.actor, [("view-database", "reproducibility"), "view-instance"]
            )
        except Forbidden:
            return []  # Datasette cannot answer 403 once it draws a page; one without rows tells nothing.
        return (await datasette.get_database("reproducibility").execute(query(name), parameters)).rows

    return {"answer": answer}


@cache
def query(name):
    return (QUERIES / f"{name}.sql").read_text("utf-8")
