"""rebuilderd's read-only API: ``/api/v1/…`` over all rebuilders, ``/r/NAME/api/v1/…`` of one; docs/api.md.

What a path means is in ``ingest/api``; here is what HTTP asks for: methods, encodings, conditions, origins.
"""

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import partial
from pathlib import Path
from threading import local
from urllib.parse import unquote
from weakref import WeakKeyDictionary

import orjson
from datasette import Forbidden, hookimpl
from datasette.utils import tilde_decode

from ingest import compressed, values
from ingest.api import logs, routes, serving
from ingest.api.body import decompressed
from ingest.api.cache import Cache
from ingest.api.places import PLACES, Places
from ingest.api.question import ApiError, parsed
from ingest.errors import DatabaseError
from ingest.watching import Watch

API = re.compile(r"(?:/r/(?P<rebuilder>[^/]+))?/api(?:/(?P<path>.*))?$")
SMALL = 1024**2
LARGEST_BODY = 4096
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type, If-Modified-Since, If-None-Match",
    "Access-Control-Expose-Headers": "ETag, Last-Modified",
}
JSON = {"Content-Type": "application/json", **CORS}
# What stands in a log comes from anywhere: nothing in it may be taken for a page.
LOG = {
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    **CORS,
}
VARIES = {"Vary": "Accept-Encoding"}
RETRY = {"Retry-After": "10"}
answers = WeakKeyDictionary()


@hookimpl
def register_routes():
    return [(API.pattern, serve)]


@hookimpl
def skip_csrf(scope, datasette):
    # Whoever sends a form from elsewhere gets an answer that everybody may have.
    return bool(API.match(scope["path"].removeprefix(datasette.setting("base_url").rstrip("/"))))


@hookimpl(trylast=True)  # after only_our_database, which says what to do where there is no database
def startup(datasette):
    answers[datasette] = Answers(datasette)


async def serve(request, datasette):
    if request.method == "OPTIONS":
        return Reply(204, CORS)
    try:
        resources = [("view-database", "reproducibility"), "view-instance"]
        await datasette.ensure_permissions(request.actor, resources)
        asked = await understood(request)
        if asked.route.log:
            return await log(request, datasette, asked)
        body = await answers[datasette].get(asked)
    except Forbidden:
        return refusal(403, "This site is not open to everybody.")
    except ApiError as error:
        headers = {"Allow": error.allowed} if error.allowed else {}
        return refusal(error.status, str(error), headers | (RETRY if error.status == 503 else {}))
    headers = {"ETag": body.etag, "Cache-Control": max_age(datasette, asked)}
    if body.modified:
        headers["Last-Modified"] = format_datetime(datetime.fromisoformat(body.modified), usegmt=True)
    if is_known(request.headers, body):
        return Reply(304, {**headers, **VARIES, **CORS})
    headers = {**JSON, **headers}
    if body.is_frame:
        return encoded(request, body.content, decompressed(body.content), body.length, headers)
    headers |= {**VARIES, "Content-Length": str(body.length)}
    return Reply(200, headers, [] if request.method == "HEAD" else [body.content])


async def understood(request):
    """What is asked for. Raises ApiError."""
    rebuilder = request.url_vars["rebuilder"]
    route, words = routes.find(request.method, request.url_vars["path"] or "")
    query = parsed(request.query_string, route.parameters)
    if route.method == "POST":
        query["body"] = await small_body(request)
    words = {name: unquote(word) for name, word in words.items()}
    return serving.request(route, words, rebuilder and tilde_decode(unquote(rebuilder)), query)


async def small_body(request):
    body, more = b"", True
    while more:
        message = await request.receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > LARGEST_BODY:
            raise ApiError(413, f"The body is longer than {LARGEST_BODY} bytes.")
    return body.decode("utf-8", "replace")


class Answers:
    """Answers from the database, kept as long as it stays as it is.

    What costs much is made in threads of its own, so that it takes none from pages.
    """

    def __init__(self, datasette):
        self.datasette = datasette
        self.database = datasette.get_database("reproducibility")
        self.cache = Cache()
        self.watch = Watch(self.database.connect)
        self.places = Places()
        self.threads = ThreadPoolExecutor(PLACES, "whole-list")
        self.own = local()

    async def get(self, asked):
        def make():
            if asked.is_expensive:
                return self.expensive(asked)
            return self.database.execute_fn(lambda connection: serving.answer(connection, asked))

        return await self.cache.get(self.watch.state(), asked.key, make)

    async def expensive(self, asked):
        async with self.places.place():
            made = partial(serving.answer, asked=asked)
            return await asyncio.get_running_loop().run_in_executor(self.threads, self.in_thread, made)

    def in_thread(self, made):
        if not hasattr(self.own, "connection"):
            connection = self.database.connect()
            self.datasette._prepare_connection(connection, self.database.name)
            self.own.connection = connection
        return made(self.own.connection)


async def log(request, datasette, asked):
    """A log as plain text, as far as it can be read."""
    database = datasette.get_database("reproducibility")
    await datasette.ensure_permissions(request.actor, [("view-table", ("reproducibility", "failures"))])
    found = await database.execute_fn(lambda connection: serving.find_log(connection, asked))
    try:
        stored = await asyncio.to_thread(logs.read, Path(database.path), found)
    except DatabaseError as error:  # The ingest tells the operator; readers need no names of folders.
        raise ApiError(404, "This log cannot be read; it is kept, but the store is damaged.") from error
    if stored.content is None:
        return Reply(200, {**LOG, "Content-Length": "0"})
    # Not every client reads what a rebuilder may have stored: several frames, or half of one.
    frame = stored.content if compressed.is_ordinary(stored.content) else None
    return encoded(request, frame, compressed.shown(stored.content), None, LOG)


def encoded(request, frame, chunks, length, headers):
    """What ``chunks`` make, in the encoding that the client likes best; ``frame`` is the same as zstd, if any."""
    is_head = request.method == "HEAD"
    headers = {**headers, **VARIES}
    wanted = accepted(request.headers.get("accept-encoding", ""))
    if frame and "zstd" in wanted:
        headers |= {"Content-Encoding": "zstd", "Content-Length": str(len(frame))}
        return Reply(200, headers, () if is_head else [frame])
    if "gzip" in wanted:
        headers["Content-Encoding"] = "gzip"
        is_large = length is None or length > SMALL
        return Reply(200, headers, () if is_head else compressed.gzipped(chunks), is_large)
    if length is not None:
        headers["Content-Length"] = str(length)
    return Reply(200, headers, () if is_head else chunks, length is None)


def accepted(header):
    """The encodings that a client takes."""
    found = set()
    for choice in header.split(","):
        name, _, parameters = choice.strip().partition(";")
        if not re.fullmatch(r"\s*q=0(\.0*)?\s*", parameters):
            found.add(name.strip().lower())
    return found


def is_known(headers, body):
    """Whether the client has this very body already."""
    if tags := headers.get("if-none-match"):
        opaque = body.etag.removeprefix("W/")
        return tags.strip() == "*" or opaque in (tag.strip().removeprefix("W/") for tag in tags.split(","))
    if (since := headers.get("if-modified-since")) and body.modified:
        modified, now = datetime.fromisoformat(body.modified), datetime.fromisoformat(values.now())
        try:
            known = parsedate_to_datetime(since)
            # A time to come was given while a clock was ahead, and says nothing of what changed since.
            return known == modified or modified < known <= now
        except (TypeError, ValueError, OverflowError):  # of a year with twenty digits
            return False
    return False


def max_age(datasette, asked):
    seconds = 0 if asked.route.changes_with_time else datasette.setting("default_cache_ttl")
    return f"public, max-age={seconds}"


def refusal(status, message, headers=None):
    content = orjson.dumps({"ok": False, "error": message, "status": status})
    return Reply(status, {**JSON, **(headers or {}), "Content-Length": str(len(content))}, [content])


class Reply:
    """A response in chunks; what takes longer than the way to a thread and back is made in one."""

    def __init__(self, status, headers, chunks=(), in_thread=False):
        self.status = status
        self.headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        self.chunks = iter(chunks)
        self.in_thread = in_thread

    async def asgi_send(self, send):
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        chunk, more = await self.next(), True
        while more:
            # The last chunk says that it is: a message less to send.
            following = await self.next() if chunk else b""
            more = bool(following)
            await send({"type": "http.response.body", "body": chunk, "more_body": more})
            chunk = following

    async def next(self):
        return await asyncio.to_thread(next, self.chunks, b"") if self.in_thread else next(self.chunks, b"")
