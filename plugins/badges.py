"""Badges: ``/badge/origin/DISTRIBUTION/RELEASE/ARCHITECTURE`` and ``/badge/package/NAME``, ``.svg`` or ``.json``.

The SVG is ours; the JSON is what shields.io takes as an endpoint. Both may be narrowed: ``?rebuilder=``, for a package
also ``distribution``, ``release`` (``-`` for none) and ``architecture``.
"""

import json
from pathlib import Path
from urllib.parse import unquote

from datasette import Response, hookimpl
from datasette.utils import tilde_decode

from ingest.etags import etag, is_known

QUERIES = Path(__file__).resolve().parent.parent / "templates" / "queries"
MAX_AGE = 3600
LONGEST = 60
GOOD, BAD, FAIL, UNKNOWN = "#0072B2", "#E69F00", "#D55E00", "#999999"
# What a state is called on a badge, and its colour: grey says nothing of the package.
STATES = {
    "reproducible": ("reproducible", GOOD),
    "unreproducible": ("unreproducible", BAD),
    "did-not-build": ("does not build", FAIL),
    "unexplained": ("failed, unexplained", UNKNOWN),
    "failed-by-archive": ("archive fault", UNKNOWN),
    "failed-by-infrastructure": ("infrastructure fault", UNKNOWN),
    "no-result": ("unknown", UNKNOWN),
    "never-attempted": ("not built yet", UNKNOWN),
}
ENOUGH = 90
# Pixels of characters of DejaVu Sans and Verdana at 11 pixels; others count as the widest.
WIDTHS = {
    char: width
    for width, chars in {
        3: "'IJijl",
        3.5: " ,./:;\\|",
        4: "-f",
        4.5: "!()[]rt",
        5: '"',
        5.5: "*_`s",
        6: "?Lcz",
        6.5: "FPTYakovxy",
        7: "0123456789$EKSbdeghnpqu{}",
        7.5: "ABCRVXZ",
        8: "NU",
        8.5: "&DGHOQ",
        9: "#+<=>^w~",
        9.5: "M",
        10.5: "%m",
        11: "@W",
    }.items()
    for char in chars
}
SAFE = {
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "Access-Control-Allow-Origin": "*",
}


@hookimpl
def register_routes():
    return [
        (
            r"/badge/origin/(?P<distribution>[^/]+)/(?P<release>[^/]+)/(?P<architecture>[^/]+)\.(?P<format>svg|json)$",
            origin,
        ),
        (r"/badge/package/(?P<name>[^/]+)\.(?P<format>svg|json)$", package),
    ]


async def origin(datasette, request):
    """The share of attempted packages that is reproducible."""
    where = {name: read(request, name) for name in ("distribution", "release", "architecture")}
    found = await first(datasette, request, "origin", **where, rebuilder=request.args.get("rebuilder"))
    if found is None:
        label = "/".join(word for word in where.values() if word != "-")
        return await badge(datasette, request, label, "unknown", UNKNOWN, status=404)
    if not found["attempted"]:
        return await badge(datasette, request, found["label"], "not built yet", UNKNOWN)
    percent = 100 * found["good"] / found["attempted"]
    message, colour = f"{percent:.1f} % reproducible", GOOD if percent >= ENOUGH else BAD
    return await badge(datasette, request, found["label"], message, colour)


async def package(datasette, request):
    """The worst that is known of a source or binary package now."""
    filters = {
        name: request.args.get(name) for name in ("distribution", "release", "architecture", "rebuilder")
    }
    # A name may be typed as it is: what `+` means in an address is tried second.
    names = [read(request, "name"), unquote(request.url_vars["name"])]
    for name in names:
        if found := await first(datasette, request, "package", name=name, **filters):
            return await badge(datasette, request, name, *STATES[found["state"]])
    return await badge(datasette, request, names[0], "unknown", UNKNOWN, status=404)


def read(request, name):
    return tilde_decode(unquote(request.url_vars[name]))


async def first(datasette, request, what, **parameters):
    await datasette.ensure_permissions(request.actor, [("view-database", "reproducibility"), "view-instance"])
    query = (QUERIES / f"badge_{what}.sql").read_text("utf-8")
    parameters = {name: value or None for name, value in parameters.items()}
    return (await datasette.get_database("reproducibility").execute(query, parameters)).first()


async def badge(datasette, request, label, message, colour, status=200):
    if len(label) > LONGEST:
        label = f"{label[: LONGEST - 1]}…"
    if request.url_vars["format"] == "json":
        content = {"schemaVersion": 1, "label": label, "message": message, "color": colour}
        body, kind = json.dumps(content), "application/json"
    else:
        # Control characters are none of XML's.
        words = [{"text": "".join(filter(str.isprintable, text))} for text in (label, message)]
        for word in words:
            word["width"] = round(sum(WIDTHS.get(char, 11) for char in word["text"]))
        template = datasette.jinja_env.get_template("badge.svg")
        body = await template.render_async(
            label=words[0], message=words[1], colour=colour, is_dark=colour == GOOD
        )
        kind = "image/svg+xml; charset=utf-8"
    return conditional(request, body.encode(), kind, status)


def conditional(request, body, kind, status):
    """The badge, or 304 for a reader that has it already."""
    tag = etag(body)
    if status == 200 and is_known(tag, request.headers.get("if-none-match")):
        status, body = 304, b""
    headers = {**SAFE, "ETag": tag, "Cache-Control": f"public, max-age={MAX_AGE}"}
    return Response(b"" if request.method == "HEAD" else body, status, headers, kind)
