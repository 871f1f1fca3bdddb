"""Where rebuilderd's HTTP APIs have logs. API v0 finds diffoscope output by the artifact's own build."""

from __future__ import annotations

from collections.abc import Callable

from ingest.sources.base import LogRequest

LogPath = Callable[[LogRequest], str]
"""The path of a log below a rebuilder's URL."""


def v1(log: LogRequest) -> str:
    build = f"/api/v1/builds/{log.build_id}"
    return f"{build}/log" if log.kind == "build" else f"{build}/artifacts/{log.id}/diffoscope"


def v0(log: LogRequest) -> str:
    return f"/api/v0/builds/{log.id}/{'log' if log.kind == 'build' else 'diffoscope'}"


BY_KIND: dict[str, LogPath] = {"API v1": v1, "API v0": v0}
"""By ``rebuilders.kind``, of those that can be asked over HTTP."""
