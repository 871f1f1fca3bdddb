"""Which path is answered by what."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal, NamedTuple

from ingest.api import answers, lists, logs, migration, refusals
from ingest.api.lists import Listing
from ingest.api.question import ORIGIN, ApiError, Question

Answer = Callable[[Question], Iterator[str] | Iterator[bytes]]
Extent = Literal["one", "page", "all"]


class Route(NamedTuple):
    """A path below ``/api/``; one of the two says how it is answered."""

    pattern: re.Pattern[str]
    parameters: tuple[str, ...]
    answer: Answer | None = None
    log: Callable[[Question], logs.Found] | None = None
    method: str = "GET"
    changes_with_time: bool = False
    """Whether the answer tells the time, and is out of date a minute later."""
    tells_causes: bool = False
    """Whether the answer tells why something failed, which other rules explain in another way."""
    extent: Extent = "one"
    """How much the answer tells of where no name narrows it down."""


def _json(
    path: str,
    answer: Answer,
    *parameters: str,
    method: str = "GET",
    changes_with_time: bool = False,
    tells_causes: bool = False,
    extent: Extent = "one",
) -> Route:
    return Route(
        re.compile(path),
        parameters,
        answer,
        method=method,
        changes_with_time=changes_with_time,
        tells_causes=tells_causes,
        extent=extent,
    )


def _log(path: str, log: Callable[[Question], logs.Found]) -> Route:
    return Route(re.compile(path), (), log=log)


def _listing(path: str, listing: Listing, page: Answer | None = None, *more: str) -> tuple[Route, Route]:
    return (
        _json(path, page or partial(lists.page, listing), *lists.parameters(listing), *more, extent="page"),
        _json(rf"{path}/(?P<id>\d{{1,18}})", partial(lists.record, listing)),
    )


_BUILD = r"builds/(?P<build>\d{1,18})"
_ARTIFACT = rf"{_BUILD}/artifacts/(?P<artifact>\d{{1,18}})"
_DISTRIBUTION = "v1/meta/distributions/(?P<distribution>[^/]+)"

ROUTES = (
    _json("v0/pkgs/list", answers.v0_list, "name", "distro", "suite", "architecture", "status", extent="all"),
    _json("v0/dashboard", answers.v0_dashboard, changes_with_time=True),
    _json("v0/queue/list", answers.v0_queue, "body", method="POST", changes_with_time=True, extent="all"),
    _json("v0/workers", refusals.v0_workers),
    _json("v0/public-keys", refusals.public_keys),
    _log(f"v0/{_BUILD}/log", logs.v0_build_log),
    _log(f"v0/{_BUILD}/diffoscope", logs.v0_diffoscope),
    _json(f"v0/{_BUILD}/attestation", refusals.attestation),
    *_listing("v1/packages/source", lists.SOURCES),
    *_listing("v1/packages/binary", lists.BINARIES, migration.binaries, *migration.BINARIES),
    _json("v1/packages/status", migration.status, *migration.STATUS, tells_causes=True),
    *_listing("v1/builds", lists.BUILDS),
    *_listing("v1/queue", lists.QUEUE),
    *_listing("v1/workers", lists.WORKERS),
    _log(f"v1/{_BUILD}/log", logs.build_log),
    _json(f"v1/{_BUILD}/artifacts", answers.artifacts),
    _json(f"v1/{_ARTIFACT}", answers.artifact),
    _log(f"v1/{_ARTIFACT}/diffoscope", logs.diffoscope),
    _json(f"v1/{_ARTIFACT}/attestation", refusals.attestation),
    _json("v1/dashboard", answers.dashboard, *ORIGIN, changes_with_time=True),
    _json(
        "v1/stats",
        answers.stats,
        "distribution",
        "release",
        "architecture",
        "since",
        "limit",
        tells_causes=True,
    ),
    _json("v1/meta/distributions", answers.distributions),
    _json(f"{_DISTRIBUTION}/releases", answers.releases),
    _json(f"{_DISTRIBUTION}/architectures", answers.architectures),
    _json(f"{_DISTRIBUTION}/releases/(?P<release>[^/]+)/architectures", answers.architectures),
    _json("v1/meta/public-keys", refusals.public_keys),
)

WRITES = (
    ("POST", r"v0/(pkgs/sync|queue/(push|pop|drop)|pkg/requeue|build/(ping|report))"),
    ("POST", r"v1/(packages|queue|queue/pop|queue/\d+/ping|builds|workers|stats)"),
    ("DELETE", r"v1/(queue|(queue|workers)/\d+)"),
)
"""What upstream takes, and a copy cannot."""


def find(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """The route of what follows ``/api/``, and the words in its path. Raises ApiError."""
    path = path.removesuffix("/")
    if any(method == known and re.fullmatch(pattern, path) for known, pattern in WRITES):
        raise ApiError(501, refusals.READ_ONLY)
    for route in ROUTES:
        if match := route.pattern.fullmatch(path):
            if route.method != ("GET" if method == "HEAD" else method):
                allowed = {"GET": "GET, HEAD, OPTIONS"}.get(route.method, f"{route.method}, OPTIONS")
                raise ApiError(405, f"This path is asked with {route.method}.", allowed)
            return route, match.groupdict()
    raise ApiError(404, "There is no such path in rebuilderd's API.")
