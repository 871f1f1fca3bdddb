"""Why things failed: fetches the logs of what failed, asks the matcher, keeps its verdicts."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, groupby
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Literal

from ingest import sql, values
from ingest.categories.verdicts import FailedArtifact, FailedBuild, Verdict
from ingest.errors import RulesError
from ingest.failures import catalogue
from ingest.logs import LogKey, LogKind, LogStore, live_keys
from ingest.merge import Context
from ingest.progress import Progress
from ingest.sources.base import LogRequest, Source

if TYPE_CHECKING:
    from ingest.categories.matcher import Matcher
    from ingest.categories.rules import RuleSet

Keep = Literal["failing", "all", "none"]


@dataclass(frozen=True)
class Options:
    """How an operator wants failures explained.

    ``rules`` are files that replace our own; they are read when they are needed, once. ``keep_logs`` says which logs stay
    in the log store, for ``log_days`` days after their build; None is for ever.
    """

    rules: tuple[Path, ...] = ()
    keep_logs: Keep = "failing"
    log_days: int | None = None
    workers: int = os.cpu_count() or 1

    @cached_property
    def rule_set(self) -> RuleSet:
        """Raises RulesError."""
        # Imported where it is needed: a run without news would spend most of its time on it.
        from ingest.categories.rules import load_rules

        return load_rules(self.rules)

    @cached_property
    def matcher(self) -> Matcher:
        """Raises RulesError."""
        from ingest.categories.matcher import Matcher

        return Matcher(self.rule_set)

    def prepare(self, origins: Iterable[tuple[str, str]]) -> None:
        """Make the matcher, ready for these distributions and architectures; wrong rules are told where
        they are used."""
        with suppress(RulesError):
            matcher = self.matcher
            for distribution, architecture in origins:
                matcher.prepare(distribution, architecture)


DEFAULT = Options()


class Failures:
    """The failures of one rebuilder, brought up to date in one run."""

    def __init__(self, connection: sqlite3.Connection, name: str, store: LogStore, options: Options) -> None:
        self.connection = connection
        self.name = name
        self.store = store
        self.options = options
        self.notes: list[str] = []
        self.unread_logs = 0
        self._preparing: Thread | None = None

    def fetch(self, source: Source, parameters: sql.Parameters, progress: Progress) -> None:
        """Bring the logs that new failures need into the store; it commits them by itself.

        ``parameters``: ``rebuilder_id``, ``generation``, ``after`` (the highest upstream build id
        that was read before) and what the source carries.
        """
        if not source.carries_logs:
            return
        keep_all = self.options.keep_logs == "all"
        sql.run(self.connection, "failures/wanted_logs.sql", {**parameters, "keep_all": keep_all})
        generation = int(parameters["generation"] or 1)
        wanted = {
            LogRequest(kind, id, build_id): (LogKey(self.name, generation, kind, id), built_at)
            for kind, id, build_id, built_at in self.connection.execute(
                "SELECT kind, id, build_id, built_at FROM wanted_logs ORDER BY build_id, kind"
            )
        }
        if wanted:
            self._prepare(parameters)
        missing = set(self.store.missing(wanted.values()))
        requests = [request for request, (key, _) in wanted.items() if key in missing]
        first_problem = None
        for log in source.logs(self.connection, requests, progress):
            if log.problem is None:
                self.store.put(*wanted[log.request], log.content)
            else:
                self.unread_logs += 1
                first_problem = first_problem or log.problem
        self.store.flush()
        if first_problem:
            self.notes.append(
                f"{self.unread_logs} × log that could not be read, to be tried again by the next run:"
                f" {first_problem}"
            )

    def _prepare(self, parameters: sql.Parameters) -> None:
        """Begin to make the matcher: while logs come in and SQLite merges, Python is free."""
        origins = self.connection.execute(
            "SELECT DISTINCT o.distribution, o.architecture FROM main.snapshots AS x"
            " CROSS JOIN main.origins AS o ON o.id = x.origin_id WHERE x.rebuilder_id = ?",
            (parameters["rebuilder_id"],),
        ).fetchall()
        self._preparing = Thread(target=self.options.prepare, args=(origins,), daemon=True)
        self._preparing.start()

    def update(self, context: Context, progress: Progress) -> int:
        """Explain what is new, after the merge; returns the failures that were new or are explained now."""
        parameters: sql.Parameters = {
            "rebuilder_id": context.rebuilder_id,
            "generation": context.generation,
            "after": context.after,
        }
        sql.run(self.connection, "failures/found.sql", parameters)
        if not self._explain(progress):
            return 0
        return sql.run(self.connection, "failures/explained.sql", parameters)["failures"]

    def prune(self) -> None:
        """Drop kept logs that are too old or that nothing refers to any more.

        They are as old as the newest build is later: a clock that is ahead makes no log old.
        """
        live: Iterable[LogKey] = live_keys(self.connection)
        if self.options.keep_logs == "all":
            builds = self.connection.execute(
                "SELECT r.name, b.generation, 'build', b.upstream_id"
                " FROM builds AS b JOIN rebuilders AS r ON r.id = b.rebuilder_id"
            )
            live = chain(live, (LogKey(*row) for row in builds))
        (newest_build,) = self.connection.execute(
            "SELECT max(built_at) FROM builds WHERE built_at <= ?", (values.now(),)
        ).fetchone()
        self.store.prune(live, self.options.log_days, newest_build)

    def explain_again(self, rebuilder_id: int, progress: Progress) -> int:
        """Ask the rules anew about every failure whose log is kept; returns how many rows changed."""
        parameters = {"rebuilder_id": rebuilder_id}
        sql.run(self.connection, "failures/known.sql", parameters)
        self._explain(progress)
        return sql.run(self.connection, "failures/explained_again.sql", parameters)["failures"]

    def _explain(self, progress: Progress) -> int:
        """Fill the table ``explained`` from ``unexplained``; returns how many rows the latter has."""
        (count,) = self.connection.execute("SELECT count(*) FROM unexplained").fetchone()
        self.connection.execute(
            "CREATE TEMP TABLE explained (build_id INTEGER, build_artifact_id INTEGER, category, evidence,"
            " evidence_from, rule_set, log_bytes, diffoscope_bytes, log_id, diffoscope_id,"
            " PRIMARY KEY (build_id, build_artifact_id)) WITHOUT ROWID"
        )
        if self._preparing:
            self._preparing.join()
        if count:
            catalogue.publish(self.connection, self.options.rule_set.categories())
            with progress.bar(f"Explaining the failures of {self.name}", count) as advance:
                self.connection.executemany(
                    "INSERT INTO explained VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    self._explained(advance),
                )
        return int(count)

    def _explained(self, advance: Callable[[int], None]) -> Iterator[tuple[Any, ...]]:
        from ingest.categories.work import verdicts

        read_from: dict[tuple[int, str | None], tuple[int, int | None]] = {}
        builds = self._unexplained(read_from)
        for verdict in verdicts(self.options.matcher, builds, self.options.workers, self.notes):
            advance(1)
            yield _row(
                verdict, self.options.rule_set.version, *read_from.pop((verdict.key, verdict.artifact))
            )

    def _unexplained(
        self, read_from: dict[tuple[int, str | None], tuple[int, int | None]]
    ) -> Iterator[FailedBuild]:
        """Builds with their logs; remembers by which ids the logs were found."""
        rows = self.connection.execute(
            "SELECT build_id, distribution, architecture, generation, built_at, log_id, first_log_id,"
            " build_artifact_id, diffoscope_id, first_diffoscope_id"
            " FROM unexplained ORDER BY build_id, build_artifact_id"
        )
        for (build, distribution, architecture, generation, built_at, *log_ids), failures in groupby(
            rows, key=lambda row: row[:7]
        ):
            log = self._kept("build", generation, built_at, log_ids)
            if log is None:
                continue
            artifacts = []
            for *_, artifact, diffoscope_id, first_diffoscope_id in failures:
                if artifact is None:
                    read_from[build, None] = (log[0], None)
                elif diffoscope_id is None:
                    read_from[build, str(artifact)] = (log[0], None)
                    artifacts.append(FailedArtifact(str(artifact), None))
                elif diffoscope := self._kept(
                    "diffoscope", generation, built_at, (diffoscope_id, first_diffoscope_id)
                ):
                    read_from[build, str(artifact)] = (log[0], diffoscope[0])
                    artifacts.append(FailedArtifact(str(artifact), diffoscope[1]))
            failed = FailedBuild(build, distribution, architecture, log[1])
            if (build, None) in read_from:
                yield failed
            if artifacts:
                yield replace(failed, artifacts=tuple(artifacts))

    def _kept(
        self, kind: LogKind, generation: int, built_at: str | None, ids: Iterable[int | None]
    ) -> tuple[int, bytes | None] | None:
        """The first log that is kept of these, with its id; None where none is."""
        for id in ids:
            if id is not None and (
                stored := self.store.get(LogKey(self.name, generation, kind, id), built_at)
            ):
                return id, stored.content
        return None


def _row(verdict: Verdict, version: str, log_id: int, diffoscope_id: int | None) -> tuple[Any, ...]:
    return (
        verdict.key,
        int(verdict.artifact or 0),
        verdict.category,
        verdict.evidence,
        verdict.evidence_from,
        version,
        verdict.log_bytes,
        verdict.diffoscope_bytes,
        log_id,
        diffoscope_id,
    )
