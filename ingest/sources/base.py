"""What every kind of source has in common."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod

from ingest.progress import Progress


class Source(ABC):
    """One rebuilder as we can read it. Knows nothing about the database that is written."""

    kind: str
    """How ``rebuilders.kind`` calls this kind of source."""
    carries_inputs = False
    """Whether input URLs, retries and their times are known of every source package."""
    carries_status = False
    """Whether the source says the status of packages itself (it knows binaries only)."""
    lists_packages = True
    """Whether it lists packages at all."""

    def __init__(self, location: str) -> None:
        self.location = location
        """What may be published of where it is: a URL without credentials, a file's name."""

    def state(self) -> str | None:
        """Equal as long as nothing changed; None where only reading tells."""
        return None

    @abstractmethod
    def stage(self, connection: sqlite3.Connection, after: int, progress: Progress) -> None:
        """Set up the incoming relations.

        Builds up to the upstream id ``after`` are known and need not be read,
        but for a few before it that tell whether the rebuilder's ids restarted.
        Raises SourceError.
        """

    def orphans(self, connection: sqlite3.Connection) -> int:
        """How many builds belong to no package, after staging."""
        return 0

    def reading_failed(self, error: sqlite3.Error) -> str | None:
        """What to say if SQLite failed because of the source; None if it is not to blame."""
        return None
