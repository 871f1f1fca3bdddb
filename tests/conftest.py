from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings
from real_rebuilderd import RealRebuilderd, Unavailable, installation

from ingest import values

# Property tests say what comes out; how long a busy machine takes for it is for the benchmarks.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

FIXTURES = Path(__file__).parent / "fixtures"

StartRebuilderd = Callable[[Path], RealRebuilderd]
SetClock = Callable[[str], None]


@pytest.fixture(scope="module", autouse=True)
def still_clock() -> Iterator[None]:
    """No hour, day or year ends within a module's tests: in this process it is the time at which they began."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        now = values.now()
        monkeypatch.setattr(values, "now", lambda: now)
        yield


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Lets a test say what time it is for what runs in this process: ``clock("2026-11-23T12:00:00Z")``."""
    return lambda moment: monkeypatch.setattr(values, "now", lambda: moment)


def unavailable(what: str) -> None:
    """A prerequisite is missing: a failure where everything has to run, a skip elsewhere."""
    if os.environ.get("CI"):
        pytest.fail(what, pytrace=False)
    pytest.skip(what)


def _rebuilderd(version: str) -> Iterator[StartRebuilderd]:
    try:
        installation(version)
    except Unavailable as error:
        unavailable(str(error))
    with ExitStack() as running:
        yield lambda database: running.enter_context(RealRebuilderd(version, database))


@pytest.fixture(scope="session")
def rebuilderd_028() -> Iterator[StartRebuilderd]:
    """Starts a real rebuilderd with API v1 on a copy of a database; stopped after the last test."""
    yield from _rebuilderd("0.28")


@pytest.fixture(scope="session")
def rebuilderd_024() -> Iterator[StartRebuilderd]:
    """Starts a real rebuilderd of the old schema, with API v0 only, on a copy of a database."""
    yield from _rebuilderd("0.24")
