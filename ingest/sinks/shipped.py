"""The kinds of sinks that ship."""

from __future__ import annotations

from ingest.sinks.base import Sink
from ingest.sinks.influxdb import InfluxDB
from ingest.sinks.jsonlines import JsonLines
from ingest.sinks.openmetrics import OpenMetrics

KINDS: tuple[type[Sink], ...] = (InfluxDB, JsonLines, OpenMetrics)
