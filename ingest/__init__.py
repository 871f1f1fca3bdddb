"""Reads rebuilderd instances into one SQLite database that Datasette publishes."""

__version__ = "0.1.0"
