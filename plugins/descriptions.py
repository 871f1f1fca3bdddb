"""What each table and column means, from ingest/schema/descriptions.yml."""

from functools import cache

from datasette import hookimpl

from ingest import schema

descriptions = cache(schema.descriptions)


@hookimpl
def get_metadata(key):
    # Rules of access and settings of plugins are looked up for every table and every cell, each time in a copy.
    if key not in (None, "databases"):
        return {}
    return {"databases": {"reproducibility": {"tables": copied(descriptions())}}}


def copied(described):
    """Datasette merges other metadata into what it is given; nothing here is deeper than a table's columns."""
    return {
        name: {key: dict(told) if isinstance(told, dict) else told for key, told in about.items()}
        for name, about in described.items()
    }
