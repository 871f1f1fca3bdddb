"""The logs of a failure as plain text: ``/failures/<id>/log`` and ``/failures/<id>/diffoscope``.

Views and queries give such a path in a column of the same name.
"""

import asyncio
from pathlib import Path

from datasette import Response, hookimpl
from markupsafe import Markup

from ingest import compressed, logs, sql
from ingest.errors import DatabaseError
from ingest.sources import log_paths
from ingest.sources.base import LogRequest

# What stands in a log comes from anywhere: nothing in it may be taken for a page.
SAFE = {
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
}
KINDS = {"log": "build", "diffoscope": "diffoscope"}
NAMES = {"log": "build log", "diffoscope": "diffoscope output"}
LINKS = {"log_upstream_id": "log", "diffoscope_upstream_id": "diffoscope"}
(FAILURE,) = sql.statements("logs_of_failure.sql")


@hookimpl
def register_routes():
    return [(r"/failures/(?P<id>[0-9]{1,18})/(?P<which>log|diffoscope)$", show)]


@hookimpl
def render_cell(row, value, column, table, datasette):
    if table == "failures" and column in LINKS and value is not None:
        path = datasette.urls.path(f"/failures/{row['id']}/{LINKS[column]}")
        return Markup('<a href="%s">%s</a>') % (path, value)
    return None


async def show(request, datasette):
    resources = [("view-table", ("reproducibility", "failures")), ("view-database", "reproducibility")]
    await datasette.ensure_permissions(request.actor, [*resources, "view-instance"])
    database = datasette.get_database("reproducibility")
    which = request.url_vars["which"]
    failure = (await database.execute(FAILURE, {"failure": int(request.url_vars["id"])})).first()
    if failure is None:
        return absent("There is no such failure.")
    if (id := failure[f"{which}_id"]) is not None:
        key = logs.LogKey(failure["rebuilder"], failure["generation"], KINDS[which], id)
        if kept := await asyncio.to_thread(read, Path(database.path), key, failure):
            return PlainText(kept.content, is_head=request.method == "HEAD")
    return absent(where(failure, which))


def read(database, key, failure):
    try:
        return logs.read(logs.beside(database), key, failure["built_at"], failure["owner"])
    except DatabaseError:
        return None  # The ingest tells the operator; readers need no names of folders.


def where(failure, which):
    """What is said of a log that is not kept."""
    if which == "diffoscope" and not failure["has_diffoscope"]:
        return "This failure has no diffoscope output."
    said = f"The {NAMES[which]} of this failure is not kept here."
    path = log_paths.BY_KIND.get(failure["rebuilder_kind"])
    if path is None or failure["url"] is None:
        return said
    build = failure["upstream_build_id"]
    id = build if which == "log" else failure["upstream_artifact_id"]
    return f"{said} The rebuilder may still have it:\n{failure['url'].rstrip('/')}{path(LogRequest(KINDS[which], id, build))}"


def absent(said):
    return Response.text(f"{said}\n", status=404, headers=SAFE)


class PlainText:
    """A response that streams a log, decompressed outside of the event loop; None is an empty one."""

    def __init__(self, content, is_head):
        self.chunks = iter(()) if content is None or is_head else compressed.shown(content)

    async def asgi_send(self, send):
        headers = {
            **SAFE,
            "Content-Type": "text/plain; charset=utf-8",
            "Cache-Control": "public, max-age=86400, immutable",
        }
        encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": 200, "headers": encoded})
        while chunk := await asyncio.to_thread(next, self.chunks, b""):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
