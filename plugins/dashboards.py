"""Publishes each dashboard of ``dashboards/``, with the filters that they share; charts are drawn as SVG, which CSS reaches."""

from functools import cache
from pathlib import Path

import yaml
from datasette import hookimpl

FOLDER = Path(__file__).resolve().parent.parent / "dashboards"
PAGES = ("dashboard_view.html", "dashboard_chart.html")
DRAWN = {"usermeta": {"embedOptions": {"renderer": "svg"}}}


@hookimpl
def get_metadata(key):
    if key not in (None, "plugins"):
        return {}
    # Settings of plugins are looked up for every cell: a deep copy each time would take seconds a page.
    # What a site's own metadata says Datasette merges in, each time the same.
    return {"plugins": {"datasette-dashboards": dict(dashboards())}}


@hookimpl
def extra_template_vars(template, datasette):
    # Charts ask the host that the page came from, under whatever name.
    return {"absolute_url": datasette.urls.instance()} if template in PAGES else {}


@cache
def dashboards():
    shared = load("_shared")
    return {name: {"filters": shared["filters"], **load(name)} for name in shared["order"]}


def load(name):
    loaded = yaml.safe_load((FOLDER / f"{name}.yml").read_text("utf-8"))
    for chart in loaded.get("charts", {}).values():
        if chart["library"] == "vega-lite":
            chart["display"] = DRAWN | chart["display"]
    return loaded
