"""OpenMetrics, for Prometheus: a text file for its node exporter, and what the site gives at ``/metrics``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from ingest.errors import SinkError
from ingest.sinks.base import Point, Settings, Sink
from ingest.statistics.periods import parse

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PLAIN_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus' older format: what is written here can be read as both."""

_PREFIX = "reproducibility_"
_START = "reproducibility_period_start_timestamp_seconds"


class OpenMetrics(Sink):
    """The file is replaced in one step, so that nobody reads half of it."""

    kind = "openmetrics"
    gets = "newest"

    def __init__(self, settings: Settings) -> None:
        self.path = settings.path("path")

    def send(self, points: Sequence[Point]) -> None:
        # The node exporter reads all files that end with .prom.
        unfinished = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        try:
            try:
                unfinished.write_text(render(points), encoding="utf-8")
                unfinished.chmod(0o644)  # The node exporter is another user, whatever our umask says.
                unfinished.replace(self.path)
            finally:
                unfinished.unlink(missing_ok=True)
        except OSError as error:
            raise SinkError(
                f"{self.path.name}: cannot be written ({error.strerror}); check its folder and the disk."
            ) from error


def render(points: Sequence[Point]) -> str:
    """The text for these points, those of a statistic one after the other."""
    return "".join(f"{line}\n" for line in _lines(points))


def _lines(points: Sequence[Point]) -> Iterator[str]:
    starts: dict[str, str] = {}
    for statistic, group in groupby(points, key=lambda point: point.statistic):
        series = list(group)
        family = _PREFIX + statistic.replace("-", "_")
        unit = f" ({series[0].unit})" if series[0].unit else ""
        yield f"# HELP {family} {_help(series[0].title + unit)}"
        yield f"# TYPE {family} gauge"
        for point in series:
            yield f"{family}{_labels(point.dimensions)} {point.value}"
        starts[statistic] = max(point.at for point in series)
    if starts:
        yield f"# HELP {_START} Start of the period that the values of a statistic are of."
        yield f"# TYPE {_START} gauge"
    for statistic, at in starts.items():
        yield f'{_START}{{statistic="{statistic}"}} {int(parse(at).timestamp())}'
    yield "# EOF"


def _labels(dimensions: Mapping[str, str | int | float]) -> str:
    pairs = ",".join(f'{name}="{_escaped(str(value))}"' for name, value in dimensions.items())
    return f"{{{pairs}}}" if pairs else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _help(text: str) -> str:
    # Only one of both formats escapes quotes here.
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', "'")
