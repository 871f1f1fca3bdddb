"""What each table and column means, from ingest/schema/descriptions.yml."""

from copy import deepcopy
from functools import cache

from datasette import hookimpl

from ingest import schema

descriptions = cache(schema.descriptions)


@hookimpl
def get_metadata(key):
    # Rules of access and settings of plugins are looked up for every table and every cell, each time in a copy.
    if key not in (None, "databases"):
        return {}
    # Datasette merges other metadata into what it is given, hence a copy.
    return {"databases": {"reproducibility": {"tables": deepcopy(descriptions())}}}
