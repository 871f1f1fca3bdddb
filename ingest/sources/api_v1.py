"""rebuilderd's HTTP API v1 (0.25 and later)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any
from urllib.parse import quote

from ingest import incoming, records, sql
from ingest.errors import NotFoundError, SourceError, UnreachableError
from ingest.progress import Progress
from ingest.sources import ahead, api_v1_records, at_once, http_logs, log_paths
from ingest.sources.base import Known, Log, LogRequest, Source
from ingest.sources.body import Body
from ingest.sources.http import SMALL_BODY, Client, Query, largest_list
from ingest.sources.json_records import Skipped, document, objects, parsed, total

EVERYTHING = 1_000_000_000
"""A page that holds any list whole: a page costs the daemon the same whatever its size, and
paging through source packages loses rows (their ids repeat)."""
BUILDS_A_PAGE = 50_000
BUILDS_COMPARED = 100
"""How many known builds are read again to tell whether the ids restarted."""
UNANNOUNCED = BUILDS_A_PAGE
"""How many records more than its total a list may have: what came in while it was read."""
LARGEST_ARTIFACTS = 4 * 1024**2
"""Bytes that the list of one build's artifacts may have: some 20,000."""


_SHARED_IDS = {
    # A source package has a record for each of its build inputs.
    "source": "SELECT upstream_source_id FROM incoming_source_packages WHERE upstream_source_id IS NOT NULL"
    " GROUP BY upstream_source_id HAVING min(name) <> max(name) OR min(version) <> max(version) LIMIT 1",
    "binary": "SELECT upstream_id FROM incoming_binary_packages WHERE upstream_id IS NOT NULL"
    " GROUP BY upstream_id HAVING count(*) > 1 LIMIT 1",
}
"""Of which package an id is, nobody knows where several have it."""


@dataclass(frozen=True, slots=True)
class _List:
    """A list to ask for, what a person calls it, and what makes our records of upstream's."""

    path: str
    query: Query
    label: str
    rows: Callable[[Iterator[Any]], Iterator[records.Record]]


class ApiV1(Source):
    """Few large requests; artifacts one request each, for BAD builds only. Never an attestation."""

    kind = "API v1"
    completes_artifacts = True
    carries_logs = True

    def __init__(self, client: Client, location: str) -> None:
        super().__init__(location)
        self.client = client
        self.skipped = Skipped()
        self.largest_list = largest_list(0)

    def close(self) -> None:
        self.client.close()

    def stage(self, connection: sqlite3.Connection, known: Known, progress: Progress) -> None:
        self.skipped.clear()
        self.notes.clear()
        self.unread_artifacts.clear()
        self.lists_builds = False
        self.largest_list = largest_list(known.rows)
        incoming.create_missing(connection)
        progress.say(f"Reading {self.location}")
        # Builds come first: a package that appears meanwhile has no build in our hands yet.
        incoming.insert(connection, self._builds(known, progress))
        lists = list(self._lists(connection))
        with closing(self._bodies(lists)) as bodies:
            for each, body in zip(lists, bodies, strict=True):
                incoming.insert(connection, each.rows(self._records(each, body, progress)))
        _refuse_shared_ids(connection, self.location)
        incoming.insert(connection, self._workers())
        sql.run(connection, "sources/link_by_name.sql", {})
        wanted = [
            build
            for (build,) in connection.execute(
                "SELECT upstream_id FROM incoming_builds WHERE status = 'BAD' AND upstream_id > ?",
                (known.highest_build,),
            )
        ]
        wanted += known.unread_artifacts
        incoming.insert(connection, self._artifacts(wanted, progress))
        self.skipped.report(connection)

    def logs(
        self, connection: sqlite3.Connection, wanted: Iterable[LogRequest], progress: Progress
    ) -> Iterator[Log]:
        return http_logs.fetch(self.client, wanted, log_paths.v1, progress)

    def _origins(self) -> Iterator[tuple[str, str | None, list[str]]]:
        for distribution in self._texts("/api/v1/meta/distributions"):
            path = f"/api/v1/meta/distributions/{_quoted(distribution)}"
            for release in self._texts(f"{path}/releases", nullable=True):
                below = f"{path}/releases/{_quoted(release)}" if release is not None else path
                yield distribution, release, self._texts(f"{below}/architectures")

    def _texts(self, path: str, *, nullable: bool = False) -> list[Any]:
        answer = self.client.json(path)
        if not isinstance(answer, list) or not all(
            isinstance(item, str) or (nullable and item is None) for item in answer
        ):
            raise SourceError(f"{self.client.address(path)}: not a list of names; is this a rebuilderd?")
        return answer

    def _lists(self, connection: sqlite3.Connection) -> Iterator[_List]:
        for distribution, release, architectures in self._origins():
            query = _origin_query(distribution, release)
            origin = f"{distribution} {release or ''}"
            for architecture in architectures:
                yield _List(
                    "/api/v1/packages/source",
                    query | {"architecture": architecture},
                    f"source packages of {origin} {architecture}",
                    partial(self._source_packages, release, architecture),
                )
            yield _List(
                "/api/v1/packages/binary",
                query,
                f"binary packages of {origin}",
                partial(self._binary_packages, connection, release),
            )
        yield _List("/api/v1/queue", {"limit": EVERYTHING}, "queue", self._queue)

    def _bodies(self, lists: Iterable[_List]) -> Generator[Body, None, None]:
        return ahead.bodies(self.client, ((each.path, each.query) for each in lists), self.largest_list)

    def _records(self, wanted: _List, body: Body, progress: Progress) -> Iterator[Any]:
        """All records of one list, asked for in one page. Raises SourceError where some are missing."""
        address = self.client.address(wanted.path)
        expected = total(body, address)
        body.rewind()
        received = 0
        with progress.bar(wanted.label, expected) as advance:
            for record in objects(body, "records.item", address):
                received += 1
                _refuse_endless(received, expected, address)
                advance(1)
                yield record
        if received < min(expected, int(wanted.query["limit"])):
            raise SourceError(
                f"{address}: gave {received} records of {expected}; try again, the server lost some."
            )

    def _builds(self, known: Known, progress: Progress) -> Iterator[records.Build]:
        path = "/api/v1/builds"
        address = self.client.address(path)
        after = known.highest_build
        if after:
            # Sorted by id as it is: with sort=id the daemon's `before` gives nothing.
            query: Query = {"before": after + 1, "limit": BUILDS_COMPARED, "direction": "Descending"}
            with self.client.body("GET", path, query, largest=SMALL_BODY) as body:
                known_page = _Counted(objects(body, "records.item", address))
                yield from _each_once(parsed(known_page, api_v1_records.build, "build", Skipped()), address)
                self.lists_builds = known_page.count > 0
        read, end = 0, 0
        while True:
            query = {"after": after, "limit": BUILDS_A_PAGE}
            ids: list[int] = []
            with self.client.body("GET", path, query, largest=self.largest_list) as body:
                expected = total(body, address)
                body.rewind()
                page = _Counted(objects(body, "records.item", address))
                with progress.bar("builds", expected) as advance:
                    for build in _each_once(
                        parsed(page, api_v1_records.build, "build", self.skipped), address
                    ):
                        advance(1)
                        ids.append(build.upstream_id)
                        yield build
            read += page.count
            self.lists_builds |= read > 0
            if page.count < BUILDS_A_PAGE:
                break
            _refuse_endless(read, expected, address)
            if not ids or min(ids) <= after or len(set(ids)) < len(ids):
                raise SourceError(f"{address}: gives the same builds again; its paging is broken.")
            after = max(ids)
            if not end:
                end, expected_then = self._last_build(after)
            if after >= end:
                expected = expected_then
                break
        if not known.highest_build and read < expected:
            raise SourceError(
                f"{address}: gave {read} builds of {expected}; try again, the server lost some."
            )

    def _last_build(self, after: int) -> tuple[int, int]:
        """Up to where there is something to read, and how many builds there are, at this moment.

        A list that is never at its end would be read for ever; one that grows meanwhile goes on in the next run.
        """
        path = "/api/v1/builds"
        address = self.client.address(path)
        query: Query = {"after": after, "limit": BUILDS_COMPARED, "direction": "Descending"}
        with self.client.body("GET", path, query, largest=SMALL_BODY) as body:
            expected = total(body, address)
            body.rewind()
            found = objects(body, "records.item", address)
            ids = [build.upstream_id for build in parsed(found, api_v1_records.build, "build", Skipped())]
        return max(ids, default=incoming.LARGEST_INTEGER), expected

    def _source_packages(
        self, release: str | None, architecture: str, found: Iterator[Any]
    ) -> Iterator[records.SourcePackage]:
        make = partial(api_v1_records.source_package, architecture)
        for package in parsed(found, make, "source package", self.skipped):
            if package.release == release:
                yield package

    def _binary_packages(
        self, connection: sqlite3.Connection, release: str | None, found: Iterator[Any]
    ) -> Iterator[records.BinaryPackage]:
        """The binaries; what they tell of the artifacts of their latest builds is staged on the way."""
        wanted = (
            record for record in found if not isinstance(record, dict) or record.get("release") == release
        )
        pairs = parsed(wanted, api_v1_records.binary_and_artifact, "binary package", self.skipped)
        while batch := list(islice(pairs, incoming.BATCH)):
            incoming.insert(connection, (artifact for _, artifact in batch if artifact))
            yield from (binary for binary, _ in batch)

    def _artifacts(self, builds: list[int], progress: Progress) -> Iterator[records.BuildArtifact]:
        """Of these builds; what cannot be read now is noted, and asked for again by the next run."""
        first_problem = f"{self.client.shown}: stopped answering; try again later."
        with progress.bar("artifacts of BAD builds", len(builds)) as advance:
            for build, answer in at_once.asked(self._ask_for_artifacts, builds):
                advance(1)
                found = self._artifacts_in(answer, build)
                if isinstance(found, list):
                    yield from parsed(
                        found, partial(api_v1_records.artifact, build), "build artifact", self.skipped
                    )
                    continue
                if found and not self.unread_artifacts:
                    first_problem = str(found)
                self.unread_artifacts.append(build)
        if self.unread_artifacts:
            self.notes.append(
                f"{len(self.unread_artifacts)} × BAD build whose artifacts could not be read, to be tried again"
                f" by the next run: {first_problem}"
            )

    def _ask_for_artifacts(self, build: int) -> tuple[Body | SourceError, bool]:
        """An answer or why there is none, and whether the server answered at all."""
        try:
            return self.client.body("GET", _artifacts_path(build), largest=LARGEST_ARTIFACTS), True
        except UnreachableError as error:
            return error, error.answered
        except SourceError as error:
            return error, True

    def _artifacts_in(self, answer: Body | SourceError | None, build: int) -> list[Any] | SourceError | None:
        """The artifacts, or why they could not be read, where that is known."""
        if not isinstance(answer, Body):
            return [] if isinstance(answer, NotFoundError) else answer
        try:
            with answer:
                found = document(answer, self.client.address(_artifacts_path(build)))
        except SourceError as error:
            return error
        return found if isinstance(found, list) else [None]

    def _queue(self, found: Iterator[Any]) -> Iterator[records.QueuedBuild]:
        return parsed(found, api_v1_records.queued_build, "queued build", self.skipped)

    def _workers(self) -> Iterator[records.Worker]:
        path = "/api/v1/workers"
        try:
            with self.client.body("GET", path, largest=SMALL_BODY) as body:
                found = objects(body, "records.item", self.client.address(path))
                yield from parsed(found, api_v1_records.worker, "worker", self.skipped)
        except NotFoundError:
            self.lists_workers = False


def _refuse_shared_ids(connection: sqlite3.Connection, address: str) -> None:
    for what, statement in _SHARED_IDS.items():
        if shared := connection.execute(statement).fetchone():
            raise SourceError(f"{address}: gives several {what} packages the id {shared[0]}; it is broken.")


class _Counted:
    """Passes values on and counts them."""

    def __init__(self, values: Iterator[Any]) -> None:
        self._values = values
        self.count = 0

    def __iter__(self) -> Iterator[Any]:
        for value in self._values:
            self.count += 1
            yield value


def _each_once(builds: Iterator[records.Build], address: str) -> Iterator[records.Build]:
    """The builds of a page. Raises SourceError where two have one id: which of them it is, nobody knows."""
    known: dict[int, int] = {}
    for build in builds:
        content = hash(build.values())
        if known.setdefault(build.upstream_id, content) != content:
            raise SourceError(f"{address}: gives several builds the id {build.upstream_id}; it is broken.")
        yield build


def _refuse_endless(received: int, expected: int, address: str) -> None:
    if received > expected + UNANNOUNCED:
        raise SourceError(f"{address}: gives more records than the {expected} that it says it has.")


def _artifacts_path(build: int) -> str:
    return f"/api/v1/builds/{build}/artifacts"


def _quoted(name: str) -> str:
    return quote(name, safe="")


def _origin_query(distribution: str, release: str | None) -> dict[str, str | int]:
    query: dict[str, str | int] = {"distribution": distribution, "limit": EVERYTHING}
    return query if release is None else query | {"release": release}
