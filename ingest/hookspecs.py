"""What a plugin of ours may answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pluggy import HookimplMarker, HookspecMarker

if TYPE_CHECKING:
    from ingest.sinks.base import Sink
    from ingest.statistics.definition import Statistic

PROJECT = "rebuilderd_datasette"

hookspec = HookspecMarker(PROJECT)
hookimpl = HookimplMarker(PROJECT)


@hookspec
def register_statistics() -> Iterable[Statistic]:
    """The statistics to compute, e.g. ``[Statistic(name="builds-per-hour", …)]``"""
    raise NotImplementedError


@hookspec
def register_sinks() -> Iterable[type[Sink]]:
    """Kinds of places to send measurements to, which ``[sinks.NAME]`` in ``rebuilders.toml`` may name"""
    raise NotImplementedError
