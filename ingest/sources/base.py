"""What every kind of source has in common."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from ingest.progress import Progress


@dataclass(frozen=True, slots=True)
class Known:
    """What earlier runs know of a rebuilder, in upstream's build ids.

    Builds up to ``highest_build`` need not be read again; of those in
    ``unread_artifacts`` not all artifacts could be read yet. No list had
    more than ``rows`` rows.
    """

    highest_build: int = 0
    unread_artifacts: tuple[int, ...] = ()
    rows: int = 0


@dataclass(frozen=True, slots=True)
class LogRequest:
    """A log to read: ``kind`` is ``build`` or ``diffoscope``, ``id`` what upstream finds it by.

    That is the build's id for a build log, and for diffoscope output the
    artifact's; in the old schema and API v0 the id of the artifact's own build.
    ``build_id`` is always the build's.
    """

    kind: Literal["build", "diffoscope"]
    id: int
    build_id: int


@dataclass(frozen=True, slots=True)
class Log:
    """What came of a request: ``content`` is zstd, None where upstream has an empty one
    or none; ``problem`` says why it could not be read, and is None where it could."""

    request: LogRequest
    content: bytes | None
    problem: str | None = None


class Source(ABC):
    """One rebuilder as we can read it. Knows nothing about the database that is written."""

    kind: str
    """How ``rebuilders.kind`` calls this kind of source."""
    carries_inputs = False
    """Whether input URLs, retries and their times are known of every source package."""
    carries_status = False
    """Whether the source says the status of packages itself (it knows binaries only)."""
    completes_artifacts = False
    """Whether artifacts of builds that were read before may still come."""
    release: str | None = None
    """The release that the operator gave, of a source that does not tell it."""
    lists_packages = True
    """Whether it lists packages at all."""
    carries_logs = False
    """Whether it can be asked for logs."""
    lists_builds = True
    """Whether it listed any build, be it one that cannot be used. A source without builds to list may say so."""
    lists_queue = True
    lists_workers = True
    """Whether it tells the queue and the workers; what it does not tell stays as it was."""

    def __init__(self, location: str) -> None:
        self.location = location
        """What may be published of where it is: a URL without credentials, a file's name."""
        self.notes: list[str] = []
        """What a reader of ``ingest_runs`` should know of the reading."""
        self.unread_artifacts: list[int] = []
        """BAD builds whose artifacts could not be read, by upstream's id."""

    def close(self) -> None:
        """Let go of connections. Called once, whatever happened."""

    def state(self) -> str | None:
        """Equal as long as nothing changed; None where only reading tells."""
        return None

    @abstractmethod
    def stage(self, connection: sqlite3.Connection, known: Known, progress: Progress) -> None:
        """Set up the incoming relations.

        Of the known builds a few have to be among them, to tell whether the
        rebuilder's ids restarted. Raises SourceError.
        """

    def orphans(self, connection: sqlite3.Connection) -> int:
        """How many builds belong to no package, after staging."""
        return 0

    def logs(
        self, connection: sqlite3.Connection, wanted: Iterable[LogRequest], progress: Progress
    ) -> Iterator[Log]:
        """Read logs after staging, in any order, one answer a request; one that cannot be read stops no other."""
        raise NotImplementedError

    def confirm(self) -> None:
        """Called before what was read is kept. Raises SourceError where it cannot be trusted after all."""

    def reading_failed(self, error: Exception) -> str | None:
        """What to say if SQLite failed because of the source; None if it is not to blame."""
        return None
