"""Of Datasette's own pages below ``/-/`` those are answered that ours lead to; the others tell of the machine.

This route stands before all of theirs: it is looked up in the path that Datasette looks up, and by every method.
"""

from datasette import NotFound, hookimpl

OPEN = (
    "static/",
    "static-plugins/datasette_dashboards/",
    "static-plugins/datasette-leaflet/",  # dashboards load it, for maps
    "static-plugins/datasette_vega/",
    "dashboards$",
    "dashboards/",
)
"""What may follow ``/-/``. A plugin of an operator's with pages or files there has to be named here."""


@hookimpl(tryfirst=True)
def register_routes():
    return [(rf"/-/(?!{'|'.join(OPEN)})", closed)]


def closed():
    raise NotFound("404")  # The word that Datasette has for a path that there is not.
