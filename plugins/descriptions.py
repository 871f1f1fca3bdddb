"""What each table and column means, from ingest/schema/descriptions.yml."""

from copy import deepcopy
from functools import cache

from datasette import hookimpl

from ingest import schema

descriptions = cache(schema.descriptions)


@hookimpl
def get_metadata(key):
    # A plugin that renders cells looks its settings up for every cell, and copies cost half a millisecond.
    if key == "plugins":
        return {}
    # Datasette merges other metadata into what it is given, hence a copy.
    return {"databases": {"reproducibility": {"tables": deepcopy(descriptions())}}}
