"""Statistics: what plugin authors import, and what the ingest calls."""

from ingest.hookspecs import hookimpl
from ingest.statistics.captures import (
    build_duration,
    build_property,
    end_time,
    queue_wait,
    recorded,
    start_time,
)
from ingest.statistics.definition import DAY, HOUR, NOW, WEEK, Measurement, Statistic
from ingest.statistics.recording import record
from ingest.statistics.records import Build, Failure, Snapshot

__all__ = [
    "DAY",
    "HOUR",
    "NOW",
    "WEEK",
    "Build",
    "Failure",
    "Measurement",
    "Snapshot",
    "Statistic",
    "build_duration",
    "build_property",
    "end_time",
    "hookimpl",
    "queue_wait",
    "record",
    "recorded",
    "start_time",
]
