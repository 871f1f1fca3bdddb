"""One run: read a source, merge it, derive what follows from it."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ingest import (
    clock,
    gaps,
    generations,
    incoming,
    interrupts,
    rebuilders,
    releases,
    snapshots,
    status_changes,
    store,
    values,
)
from ingest.config import Instance
from ingest.errors import IngestError, SourceError
from ingest.failures import DEFAULT, Failures, Options
from ingest.logs import LogStore, beside, store_of
from ingest.merge import Context, Outcome, merge, report_skipped
from ingest.progress import Progress
from ingest.sources import _sqlite_file, open_source
from ingest.sources.base import Known, Source
from ingest.sources.location import is_file, published_location, published_text
from ingest.statistics import engine
from ingest.statistics.periods import parse


@dataclass(frozen=True, slots=True)
class Result:
    """What a run did, for the person who started it.

    Numbers count rows: ``builds`` and ``failures`` those that are new (or explained only now),
    ``written`` what each table got or lost, ``skipped`` the records that could not be used, ``orphans``
    those that belong to no package. ``notes`` are sentences. ``unchanged``: there was nothing to read.
    """

    rebuilder: str
    unchanged: bool
    builds: int
    snapshots: int
    status_changes: int
    failures: int
    written: dict[str, int]
    skipped: int
    orphans: int
    notes: list[str]
    seconds: float


def ingest(
    path: Path,
    instance: Instance,
    *,
    full: bool,
    progress: Progress,
    options: Options = DEFAULT,
    plugins_dir: Path | None = None,
) -> Result:
    """Read one rebuilder and commit, or leave the data in the database at ``path`` as it was.

    Either way the run leaves a row in ``ingest_runs``. Raises IngestError.
    """
    started = time.monotonic()
    with store.open_database(path) as connection:
        log = store.RunLog(connection, instance.rebuilder, published_location(instance.source))
        kind = None
        try:
            release = rebuilders.release(connection, instance)
            with (
                closing(open_source(instance.source, release)) as source,
                _log_store(path, connection, options) as logs,
            ):
                kind = source.kind
                explained = Failures(connection, instance.rebuilder, logs, options)
                run = _Run(connection, path, source, explained, full, progress, plugins_dir)
                return run.execute(log, started)
        except BaseException as error:
            message = "interrupted" if isinstance(error, KeyboardInterrupt) else str(error)
            _remember_failure(log, kind, _publishable(message, path, instance))
            raise


@contextmanager
def _log_store(path: Path, connection: sqlite3.Connection, options: Options) -> Iterator[LogStore]:
    """The logs beside the database, or a place for those of one run where none shall be kept."""
    if options.keep_logs != "none":
        with store_of(path, connection) as store:
            store.refuse_other()
            yield store
    else:
        with _temporary_folder() as folder, LogStore(folder / "logs") as store:
            yield store


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    try:
        folder = TemporaryDirectory(ignore_cleanup_errors=True)
    except OSError as error:
        raise IngestError(
            f"no temporary folder can be made ({error.strerror or error}); free some space, or let TMPDIR name"
            " another place."
        ) from error
    with folder as name:
        yield Path(name)


def _publishable(message: str, path: Path, instance: Instance) -> str:
    """An error without the folders it happened in: ``ingest_runs`` is for everybody to see."""
    files = [path, path.absolute(), beside(path)]
    if is_file(instance.source):
        files.append(Path(instance.source))
    known = (
        (instance.source, published_location(instance.source)),
        *((str(file), file.name) for file in files),
    )
    for address, name in known:
        message = message.replace(address, name or address)
    return values.printable(published_text(message))


def _remember_failure(log: store.RunLog, kind: str | None, message: str) -> None:
    try:
        log.finish(kind=kind, error=message)
    except sqlite3.Error:
        # The disk may be full: the person at the terminal is told all the same.
        return


class _Run:
    """One rebuilder on its way from ``source`` into the database. Looks at what is known when it is made."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        path: Path,
        source: Source,
        failures: Failures,
        full: bool,
        progress: Progress,
        plugins_dir: Path | None,
    ) -> None:
        self.connection = connection
        self.path = path
        self.plugins_dir = plugins_dir
        self.source = source
        self.failures = failures
        self.name = failures.name
        self.progress = progress
        self.rebuilder = rebuilders.find(self.connection, self.name)
        self.state = source.state()
        self.gap: str | None = None
        self.jump = clock.jump(connection, self.name, values.now())
        self.reads_all = (
            full
            or self.rebuilder is None
            or (self.rebuilder.kind, self.rebuilder.release) != (source.kind, source.release)
        )
        self.unchanged = (
            self.rebuilder is not None
            and not self.reads_all
            and self.jump is None  # days may be missing that the run before could not count
            and self.state is not None
            and self.state == self.rebuilder.fingerprint
        )

    def execute(self, log: store.RunLog, started: float) -> Result:
        with interrupts.noted() as interrupted, self._reading(interrupted):
            generation, after = self._stage()
            if self._has_news:
                self._fetch_logs(generation, after)
            with store.transaction(self.connection, self.path):
                self._refuse_overtaken()
                rebuilder_id = self._rebuilder_id(generation)
                now = values.now()
                context = Context(
                    rebuilder_id=rebuilder_id,
                    generation=generation,
                    after=after,
                    artifacts_after=0 if self.source.completes_artifacts else after,
                    now=now,
                    previous_ingest_at=rebuilders.previous_ingest_at(self.connection, self.name, now),
                    carries_inputs=self.source.carries_inputs,
                    carries_status=self.source.carries_status,
                    lists_queue=self.source.lists_queue,
                    lists_workers=self.source.lists_workers,
                )
                result = self._write(context, started)
                self.source.confirm()
        log.finish(**self._row(result, context))
        if (context.previous_ingest_at or "")[:10] != context.now[:10]:
            self.failures.prune()
        return result

    @contextmanager
    def _reading(self, interrupted: list[int]) -> Iterator[None]:
        try:
            self.connection.execute(f"PRAGMA temp.cache_size = -{store.CACHE_KIB}")
            self.connection.execute("CREATE TEMP TABLE skipped (relation, problem, count, key)")
            self.connection.execute("CREATE TEMP TABLE gap_origins (origin_id INTEGER PRIMARY KEY)")
            yield
        except _sqlite_file.READING_ERRORS as error:
            if interrupted:
                raise KeyboardInterrupt from error
            said = self.source.reading_failed(error)
            if said and not store.is_to_blame(self.connection, error):
                raise SourceError(said) from error
            with store.saying(self.path):
                raise

    def _stage(self) -> tuple[int, int]:
        """Set up the incoming relations; returns the generation and the build id to go on after."""
        generation = self.rebuilder.generation if self.rebuilder else 1
        known = self._known()
        if self.unchanged:
            return generation, known.highest_build
        self._read(known)
        if (
            self.source.lists_packages
            and self.rebuilder
            and not self.gap
            and generations.restarted(
                self.connection, self.rebuilder.id, generation, self.rebuilder.highest_build
            )
        ):
            if known.highest_build:
                incoming.drop_relations(self.connection)
                self._read(Known(rows=known.rows))
            if not self.gap:
                return generation + 1, 0
        return generation, known.highest_build

    def _read(self, known: Known) -> None:
        self.source.stage(self.connection, known, self.progress)
        incoming.create_missing(self.connection)
        if self.source.lists_packages and self.rebuilder:
            self.gap = gaps.of_all(self.connection, self.rebuilder, self.source.lists_builds)

    @property
    def _has_news(self) -> bool:
        """Whether what was read is taken over."""
        return not self.unchanged and not self.gap

    def _fetch_logs(self, generation: int, after: int) -> None:
        self.failures.fetch(
            self.source,
            {
                "rebuilder_id": self.rebuilder.id if self.rebuilder else None,
                "generation": generation,
                "after": after,
                "carries_status": self.source.carries_status,
                "completes_artifacts": self.source.completes_artifacts,
            },
            self.progress,
        )

    def _known(self) -> Known:
        """What the source need not read again, and how long its lists may have become."""
        rows = rebuilders.most_rows(self.connection)
        if self.rebuilder is None or self.reads_all:
            return Known(rows=rows)
        return Known(self.rebuilder.highest_build, self.rebuilder.unread_artifacts, rows)

    def _refuse_overtaken(self) -> None:
        """What was read goes on from what was known before; that must not have changed meanwhile."""
        if rebuilders.find(self.connection, self.name) != self.rebuilder:
            raise IngestError(f"another ingest of {self.name} finished meanwhile; run this one again.")

    def _rebuilder_id(self, generation: int) -> int:
        """The rebuilder's row, made on its first run."""
        if self.rebuilder is None:
            return rebuilders.create(self.connection, self.name, self.source, generation)
        if generation != self.rebuilder.generation:
            rebuilders.retire(self.connection, self.rebuilder)
        if self.source.lists_packages and self._has_news:
            rebuilders.update(self.connection, self.rebuilder, self.source, generation)
        return self.rebuilder.id

    def _write(self, context: Context, started: float) -> Result:
        outcome, changed, explained, builds = Outcome(), 0, 0, 0
        if self._has_news and self.source.lists_packages:
            notes = self._rename_release(context)
            outcome = self._merge(context)
            outcome.notes += notes
            outcome.orphans += self.source.orphans(self.connection)
            changed = status_changes.update(self.connection, context)
            explained = self.failures.update(context, self.progress)
            (builds,) = self.connection.execute(
                "SELECT count(*) FROM new_builds WHERE known_id IS NULL"
            ).fetchone()
        taken = self._import_history(context, outcome) if self._has_news else 0
        if self.source.lists_packages and not self.gap:
            taken += snapshots.take(self.connection, context)
            if self._has_news:
                taken += snapshots.reconstruct(self.connection, context)
            self._remember_position(context)
        statistics = self._update_statistics(context)
        return Result(
            rebuilder=self.name,
            unchanged=self.unchanged,
            builds=builds,
            snapshots=taken,
            status_changes=changed,
            failures=explained,
            written=dict(outcome.written),
            skipped=outcome.skipped,
            orphans=outcome.orphans,
            notes=self._clock_notes(context)
            + ([self.gap] if self.gap else self._restart_note(context))
            + self.source.notes
            + outcome.notes
            + self.failures.notes
            + statistics.problems,
            seconds=time.monotonic() - started,
        )

    def _update_statistics(self, context: Context) -> engine.Report:
        return engine.update(
            self.connection,
            parse(context.now),
            self.failures.store,
            plugins_dir=self.plugins_dir,
            changed=self._has_news,
        )

    def _clock_notes(self, context: Context) -> list[str]:
        late = clock.behind_builds(self.connection, context.rebuilder_id, context.generation, context.now)
        return [note for note in (self.jump, late) if note]

    def _restart_note(self, context: Context) -> list[str]:
        if self.rebuilder is None or context.generation == self.rebuilder.generation:
            return []
        return [
            f"the build ids restarted: generation {context.generation} begins and what was known of"
            f" {self.name} is history; if this is another rebuilder, give it a --name of its own"
        ]

    def _rename_release(self, context: Context) -> list[str]:
        known = self.rebuilder
        if (
            known is None
            or known.generation != context.generation
            or known.release == self.source.release
            or known.kind not in releases.UNTOLD
            or self.source.kind not in releases.UNTOLD
        ):
            return []
        return releases.rename(
            self.connection, known.id, known.generation, known.release, self.source.release
        )

    def _merge(self, context: Context) -> Outcome:
        with self._naming_source():
            return merge(self.connection, context)

    def _import_history(self, context: Context, outcome: Outcome) -> int:
        taken = snapshots.import_history(self.connection, context.rebuilder_id)
        if not self.source.lists_packages:  # else the merge has counted what is left out
            with self._naming_source():
                report_skipped(self.connection, outcome, snapshots.history_read(self.connection))
        return taken

    @contextmanager
    def _naming_source(self) -> Iterator[None]:
        try:
            yield
        except SourceError as error:
            raise SourceError(f"{self.source.location}: {error}") from error

    def _remember_position(self, context: Context) -> None:
        (gaps,) = self.connection.execute("SELECT count(*) FROM gap_origins").fetchone()
        rebuilders.remember_position(
            self.connection,
            context.rebuilder_id,
            context.generation,
            None if gaps else self.state,
            self.source.unread_artifacts,
        )

    def _row(self, result: Result, context: Context) -> dict[str, str | int | None]:
        return {
            "rebuilder_id": context.rebuilder_id,
            "kind": self.source.kind,
            "generation": context.generation,
            "source_packages": result.written.get("source_packages", 0),
            "binary_packages": result.written.get("binary_packages", 0),
            "builds": result.builds,
            "build_artifacts": result.written.get("build_artifacts", 0),
            "snapshots": result.snapshots,
            "status_changes": result.status_changes,
            "failures": result.failures,
            "unread_logs": self.failures.unread_logs,
            "skipped_records": result.skipped,
            "orphans": result.orphans,
            "notes": json.dumps(result.notes, ensure_ascii=False) if result.notes else None,
        }
