"""rebuilderd's HTTP API v0: all there is up to 0.24."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

from ingest import incoming, records
from ingest.errors import SourceError
from ingest.progress import Progress
from ingest.sources import http_logs, log_paths, pkgs_list
from ingest.sources.base import Known, Log, LogRequest, Source
from ingest.sources.http import Client, largest_list
from ingest.sources.json_records import Json, Skipped, objects, parsed, whole

_LINK_QUEUE = """
UPDATE incoming_queue AS q SET source_key = (
    SELECT min(s.source_key) FROM incoming_source_packages AS s
    WHERE s.name = q.name AND s.version = q.version AND s.architecture = q.architecture
        AND s.distribution = q.distribution
)
"""

_SHARES_BUILDS = """
SELECT EXISTS (
    SELECT 1 FROM incoming_listed WHERE build_id IS NOT NULL GROUP BY build_id HAVING count(*) > 1
)
"""


class ApiV0(Source):
    """One request for all binaries, one for the queue. Workers are for admins only.

    Up to 0.24 a binary's ``build_id`` is its own, and its log is found by it. Later daemons give the same to all
    binaries of a build and look for a log by another number: what they answer is the log of something else.
    """

    kind = "API v0"
    carries_status = True
    carries_logs = True
    lists_workers = False

    def __init__(self, client: Client, location: str, release: str | None) -> None:
        super().__init__(location)
        self.client = client
        self.release = release

    def close(self) -> None:
        self.client.close()

    def stage(self, connection: sqlite3.Connection, known: Known, progress: Progress) -> None:
        self.notes.clear()
        progress.say(f"Reading {self.location}")
        skipped = Skipped()
        path = "/api/v0/pkgs/list"
        with self.client.body("GET", path, largest=largest_list(known.rows)) as body:
            pkgs_list.stage(connection, body, self.client.address(path), self.release, skipped)
        (shares_builds,) = connection.execute(_SHARES_BUILDS).fetchone()
        if shares_builds:
            self.carries_logs = False
            self.notes.append(
                "API v0 of this rebuilderd (0.25 or later) gives the logs of other builds; failures stay without a"
                " log, read it through API v1"
            )
        incoming.create_missing(connection)
        incoming.insert(connection, self._queue(skipped))
        connection.execute(_LINK_QUEUE)
        skipped.report(connection)

    def logs(
        self, connection: sqlite3.Connection, wanted: Iterable[LogRequest], progress: Progress
    ) -> Iterator[Log]:
        return http_logs.fetch(self.client, wanted, log_paths.v0, progress)

    def _queue(self, skipped: Skipped) -> Iterator[records.QueuedBuild]:
        path = "/api/v0/queue/list"
        try:
            with self.client.body("POST", path, content={"limit": None}) as body:
                found = objects(body, "queue.item", self.client.address(path))
                yield from parsed(found, self._queued_build, "queued build", skipped)
        except SourceError as error:
            self.lists_queue = False
            self.notes.append(f"the queue could not be read: {error}")

    def _queued_build(self, record: Json) -> records.QueuedBuild:
        package = record["pkgbase"]
        return records.QueuedBuild(
            upstream_id=whole(record, "id"),
            source_key=None,
            distribution=package["distro"],
            release=self.release,
            architecture=package["architecture"],
            name=package["name"],
            version=package["version"],
            priority=record.get("priority", 0),
            queued_at=record["queued_at"],
            started_at=record.get("started_at"),
            worker=None,
        )
