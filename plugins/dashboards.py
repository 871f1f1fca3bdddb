"""Publishes each dashboard of ``dashboards/``, with the filters that they share."""

from copy import deepcopy
from functools import cache
from pathlib import Path

import yaml
from datasette import hookimpl

FOLDER = Path(__file__).resolve().parent.parent / "dashboards"


@hookimpl
def get_metadata(key):
    if key not in (None, "plugins"):
        return {}
    # Datasette merges other metadata into what it is given, hence a copy.
    return {"plugins": {"datasette-dashboards": deepcopy(dashboards())}}


@cache
def dashboards():
    shared = load("_shared")
    return {name: {"filters": shared["filters"], **load(name)} for name in shared["order"]}


def load(name):
    return yaml.safe_load((FOLDER / f"{name}.yml").read_text())
