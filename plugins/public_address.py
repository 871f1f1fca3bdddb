"""Where the site is for its readers: ``public_url`` in metadata.yml, or ``PUBLIC_URL`` in the environment; docs/deploy.md.

Feeds, ``next_url`` and links in JSON begin with it, whatever address was asked for: that one a stranger can choose. Its
path, or the setting ``base_url``, is what all links begin with, whether the proxy in front keeps that path or strips it.
"""

import os
import re
from typing import NamedTuple
from urllib.parse import quote

import click
from datasette import hookimpl
from datasette.url_builder import Urls
from datasette.utils import PrefixedUrlString, path_with_format

ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]+(?::\d{1,5})?|\[[0-9a-f:.]+\](?::\d{1,5})?)(?P<path>/[^?#]*)?",
    re.IGNORECASE | re.ASCII,
)
# Datasette writes dots and tildes in a path anew when it redirects.
PATH = re.compile(r"/(?:[A-Za-z0-9_-]+/)*", re.ASCII)
TAKEN = {
    "-", "api", "badge", "category", "data", "failures", "metrics", "origin", "package", "questions", "r",
    "rebuilder", "reproducibility", "search", "static", "statistics",
}  # fmt: skip
"""What the paths of the site itself begin with: below such a path nobody could tell which of the two is meant."""


class Public(NamedTuple):
    """What of a request is replaced."""

    scheme: str
    host: bytes


@hookimpl(trylast=True)  # The last is outermost: all others see the public address.
def asgi_wrapper(datasette):
    public, base = public_address(datasette)
    datasette._settings["base_url"] = base
    if base != "/":
        Urls.path = path_below

    def wrap(app):
        async def serve(scope, receive, send):
            await app(moved(scope, public, base) if scope["type"] == "http" else scope, receive, send)

        return serve

    return wrap


def public_address(datasette):
    """The public address, None where there is none, and the path that the site stands below."""
    where, given = "PUBLIC_URL in the environment", os.environ.get("PUBLIC_URL")
    if not given:
        where, given = "public_url in metadata.yml", datasette.metadata("public_url")
    base = closed(datasette.setting("base_url"))
    public = None
    if given:
        found = ADDRESS.fullmatch(str(given))
        if not found:
            raise click.ClickException(
                f"{where} is no address of a site. Write it like https://reproducible.example, or"
                " https://example.org/reproducible for a site below a path, without user, “?” and “#”."
            )
        public = Public(found["scheme"].lower(), found["host"].lower().encode())
        path = closed(found["path"] or "/")
        if "/" not in (path, base) and path != base:
            raise click.ClickException(
                f"The setting base_url is {base}, and {where} has the path {path}. Leave base_url out."
            )
        base = base if path == "/" else path
    if not PATH.fullmatch(base) or base.split("/")[1] in TAKEN:
        raise click.ClickException(
            f"The site cannot stand below the path {base}. Choose one of letters, digits, “-” and “_”"
            f" that begins with none of the site's own: {', '.join(sorted(TAKEN))}."
        )
    return public, base


def closed(path):
    """A path with a slash at both ends."""
    return f"/{path.strip('/')}/" if path.strip("/") else "/"


def moved(scope, public, base):
    """The request as if it had been asked at the public address: below its path, also where a proxy strips that."""
    changed = {}
    raw = scope.get("raw_path") or quote(scope["path"]).encode()
    if not raw.startswith(base.encode()):
        changed = {"path": base[:-1] + scope["path"], "raw_path": base[:-1].encode() + raw}
    if public:
        headers = [(name, value) for name, value in scope["headers"] if name.lower() != b"host"]
        changed |= {"scheme": public.scheme, "headers": [*headers, (b"host", public.host)]}
    return scope | changed


def path_below(self, path, format=None):
    """``Urls.path`` of Datasette, which puts the site's path also before that of a request, which has it already."""
    base = self.ds.setting("base_url")
    if not isinstance(path, PrefixedUrlString):
        path = path if base != "/" and path.startswith(base) else base + path.removeprefix("/")
    return PrefixedUrlString(path if format is None else path_with_format(path=path, format=format))
