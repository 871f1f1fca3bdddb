"""Everything that can go wrong with an ingest, said so that the reader can act.

Each message is one sentence: what was read, what was wrong with it, what to do.
"""

from __future__ import annotations

from pathlib import Path
from traceback import extract_tb


class IngestError(Exception):
    """An ingest stopped; the database is as it was before."""


class SourceError(IngestError):
    """What was read is not what a rebuilder would say."""


class UnreachableError(SourceError):
    """The source did not answer, or not in time; or it ``answered`` that it failed."""

    answered = False


class NotFoundError(SourceError):
    """The server answers, but has nothing at this address (404, 405, 410, 501), or has lost the log that was there."""


class DatabaseError(IngestError):
    """Our own database cannot be read or written."""


class ConfigError(IngestError):
    """``rebuilders.toml`` says something that cannot be followed."""


class RulesError(IngestError):
    """A rule file says something that cannot be followed; a line for each problem."""


class StatisticError(IngestError):
    """A statistic declares or gives something that cannot be followed."""


class SinkError(IngestError):
    """Measurements cannot be sent somewhere; they are sent when that is possible again."""


def unforeseen(error: Exception) -> str:
    """A sentence about an error that nobody thought of, with what is needed to find it."""
    place = extract_tb(error.__traceback__)[-1]
    said = " ".join(str(error).split())[:200]
    return (
        f"a fault of rebuilderd-datasette ({type(error).__name__}: {said}, at"
        f" {Path(place.filename).name}:{place.lineno}); please report it."
    )
