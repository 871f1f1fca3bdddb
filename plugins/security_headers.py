"""Every answer says what a browser may do with it: which scripts run, who may frame it, what is told of it elsewhere.

Scripts are files of ours. The few that Datasette writes into its pages are known before anybody asks, by their hash:
answers are kept by caches, so that no number could be used once. Charts need ``unsafe-eval``, since Vega makes
functions out of text; it is said of pages that load Vega only.
"""

import re
from base64 import b64encode
from hashlib import sha256
from weakref import WeakKeyDictionary

from datasette import hookimpl
from datasette.plugins import pm
from datasette.utils import await_me_maybe

POLICY = (
    "default-src 'self'; script-src 'self' {}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:;"
    " object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {b"x-content-type-options": b"nosniff", b"referrer-policy": b"no-referrer"}
CSP = b"content-security-policy"
INLINE = re.compile(r"(?<=<script>).*?(?=</script>)", re.DOTALL)
BEARERS = ("_close_open_menus.html", "_codemirror_foot.html", "table.html")
"""Datasette's templates with scripts in them."""
VEGA = re.compile(rb'<script src="[^"]*/-/static-plugins/datasette_(?:vega|dashboards)/')
policies = WeakKeyDictionary()


@hookimpl
def startup(datasette):
    async def hash_scripts():
        hashes = sorted([source(script) async for script in scripts(datasette)])
        policies[datasette] = tuple(
            POLICY.format(" ".join([*hashes, *more])).encode() for more in ((), ("'unsafe-eval'",))
        )

    return hash_scripts


async def scripts(datasette):
    """The inline scripts of Datasette and of plugins, as pages have them."""
    words = {"datasette_allow_facet": "true" if datasette.setting("allow_facet") else "false"}
    for name in BEARERS:
        template, _, _ = datasette.jinja_env.loader.get_source(datasette.jinja_env, f"default:{name}")
        for script in INLINE.findall(template):
            bordered = await datasette.jinja_env.from_string(f"[{script}]").render_async(words)
            yield bordered[1:-1]  # Jinja leaves a line's end out where nothing follows.
    of_no_page = dict.fromkeys(("template", "database", "table", "columns", "view_name", "request"))
    for script in pm.hook.extra_body_script(**of_no_page, datasette=datasette):
        script = await await_me_maybe(script)
        yield script["script"] if isinstance(script, dict) else script


def source(script):
    return f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'"


@hookimpl(tryfirst=True)
def asgi_wrapper(datasette):
    def wrapped(app):
        async def answer(scope, receive, send):
            if scope["type"] == "http":
                send = Named(datasette, send).send
            await app(scope, receive, send)

        return answer

    return wrapped


class Named:
    """Sends the beginning of an answer with all headers, as soon as it is seen what follows."""

    def __init__(self, datasette, send):
        self.datasette = datasette
        self.sent = send
        self.start = None

    async def send(self, message):
        if message["type"] == "http.response.start":
            self.start = message
            return
        if self.start:
            start, self.start = self.start, None
            await self.sent(named(self.datasette, start, message.get("body", b"")))
        await self.sent(message)


def named(datasette, start, body):
    """The beginning of an answer with all headers; those that the answer has of its own are stricter, and stay."""
    given = list(start.get("headers", ()))
    own = {name.lower(): value for name, value in given}
    is_page = own.get(b"content-type", b"").startswith(b"text/html")
    plain, with_eval = policies[datasette]
    headers = {**HEADERS, CSP: with_eval if is_page and VEGA.search(body) else plain}
    return {**start, "headers": [*given, *((name, headers[name]) for name in headers.keys() - own.keys())]}
