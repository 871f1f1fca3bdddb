"""Explains the failures of a whole database anew, after rules changed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from ingest import incoming, snapshots, store, values
from ingest.failures import Failures, Options, catalogue
from ingest.logs import store_of
from ingest.progress import Progress
from ingest.statistics import engine
from ingest.statistics.periods import parse


@dataclass(frozen=True, slots=True)
class Result:
    """``failures`` were there, ``changed`` of them got another category or other evidence;
    of ``without_log`` no log is kept, so that they stay as they were. ``notes`` are sentences."""

    failures: int
    changed: int
    without_log: int
    rule_set: str
    notes: list[str]
    seconds: float


def categorise(path: Path, options: Options, progress: Progress) -> Result:
    """Apply rules to every kept log, without the network; commits all or nothing.

    Raises RulesError before anything is read, DatabaseError.
    """
    started = time.monotonic()
    rules = options.rule_set
    changed = 0
    notes: list[str] = []
    with store.open_database(path) as connection, store_of(path, connection) as logs:
        with store.saying(path), store.transaction(connection, path):
            known = connection.execute("SELECT id, name, generation FROM rebuilders ORDER BY name").fetchall()
            for rebuilder_id, name, generation in known:
                failures = Failures(connection, name, logs, options)
                changed += failures.explain_again(rebuilder_id, progress)
                notes += failures.notes
                snapshots.count_categories_again(connection, rebuilder_id, generation)
                incoming.drop_all(connection)
            catalogue.publish(connection, rules.categories())
            catalogue.forget_unused(connection, rules.categories())
            engine.update(connection, parse(values.now()), logs, changed=False, finds_all=False)
        count, without_log = connection.execute(
            "SELECT count(*), coalesce(sum(rule_set IS NOT ?), 0) FROM failures", (rules.version,)
        ).fetchone()
    return Result(count, changed, without_log, rules.version, notes, time.monotonic() - started)
