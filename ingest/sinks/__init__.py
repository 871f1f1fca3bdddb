"""Storage beyond the database: what authors of sinks import, and what the ingest calls."""

from ingest.errors import SinkError
from ingest.hookspecs import hookimpl
from ingest.sinks.base import Point, Removed, Settings, Sink

__all__ = ["Point", "Removed", "Settings", "Sink", "SinkError", "hookimpl"]
