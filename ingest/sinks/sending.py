"""Sends what each sink did not get yet, and remembers how far it got."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

from ingest import store, values
from ingest.config import SinkConfig
from ingest.errors import ConfigError, SinkError
from ingest.plugins import FAILURES, Plugins, load
from ingest.sinks import reading
from ingest.sinks.base import Point, Settings, Sink
from ingest.sources.location import published_text

_BEGIN = """
INSERT INTO main.sinks (name, kind, removals)
SELECT ?, ?, coalesce(max(id), 0) FROM main.removed_measurements WHERE true
ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, position = '{}' WHERE kind <> excluded.kind
"""
_SENT = """
UPDATE main.sinks SET position = ?, last_sent_at = ?, last_error = NULL, last_error_at = NULL WHERE name = ?
"""
_WELL = """
UPDATE main.sinks SET last_error = NULL, last_error_at = NULL WHERE name = ? AND last_error IS NOT NULL
"""
_REMOVED = "UPDATE main.sinks SET removals = ? WHERE name = ?"
_FORGET = "DELETE FROM main.removed_measurements WHERE id <= (SELECT min(removals) FROM main.sinks)"
_FAILED = "UPDATE main.sinks SET last_error = ?, last_error_at = ? WHERE name = ?"


@dataclass(frozen=True, slots=True)
class Configured:
    """A sink, the names of the statistics that it gets, None for all, and what it was made from."""

    name: str
    sink: Sink
    statistics: tuple[str, ...] | None
    settings: Settings


@contextmanager
def configured(configs: Iterable[SinkConfig], plugins_dir: Path | None) -> Iterator[list[Configured]]:
    """The sinks that a configuration names, closed afterwards. Raises ConfigError."""
    configs = list(configs)
    if not configs:
        yield []
        return
    kinds, problems = _kinds(load(plugins_dir))
    with ExitStack() as opened:
        sinks = []
        for config in configs:
            settings = Settings(config.file, config.name, config.settings)
            if config.kind not in kinds:
                unknown = f"“{config.kind}” is no kind; use {', '.join(sorted(kinds))}."
                raise settings.wrong(" ".join([unknown, *problems]))
            sink = _made(kinds[config.kind], settings)
            opened.callback(_close, sink)
            settings.refuse_unknown()
            sinks.append(Configured(config.name, sink, config.statistics, settings))
        yield sinks


class _Unusable(Sink):
    """In the place of a sink that could not be made: fails when it is its turn, and stops nothing before."""

    def __init__(self, settings: Settings, kind: type[Sink], problem: str) -> None:
        self.kind, self.gets = kind.kind, kind.gets  # type: ignore[misc]
        self._problem = problem

    def send(self, points: Sequence[Point]) -> None:
        raise SinkError(self._problem)


def _made(kind: type[Sink], settings: Settings) -> Sink:
    """Raises ConfigError for a mistake in the settings; whatever else goes wrong is told when it is to send."""
    try:
        return kind(settings)
    except ConfigError:
        raise
    except FAILURES as error:
        # It may not have asked for all of its settings.
        settings.asked.update(settings.values)
        return _Unusable(settings, kind, f"{type(error).__name__}: {error}")


def _close(sink: Sink) -> None:
    """What was sent was sent: a sink that cannot end in order is no failure of the others."""
    with suppress(*FAILURES):
        sink.close()


def _kinds(plugins: Plugins) -> tuple[dict[str, type[Sink]], list[str]]:
    """All kinds of sinks by name, and a sentence for each problem."""
    # Not by the hook: computing statistics loads plugins too, and has no use for an HTTP client.
    from ingest.sinks import shipped

    kinds: dict[str, type[Sink]] = {kind.kind: kind for kind in shipped.KINDS}
    problems = list(plugins.problems)
    # One after the other, as with statistics: where one raises, the others still count.
    for implementation in plugins.manager.hook.register_sinks.get_hookimpls():
        try:
            found = cast(Callable[[], Iterable[type[Sink]]], implementation.function)()
            kinds |= {kind.kind: kind for kind in found}
        except FAILURES as error:
            problems.append(f"plugin {implementation.plugin_name}: {_said(error)}.")
    return kinds, problems


def send(database: Path, sinks: Sequence[Configured]) -> tuple[dict[str, int], list[str]]:
    """Send what is missing to each sink; returns how many points each got, and a sentence for each failure.

    A sink that fails does not keep the others from theirs. Raises DatabaseError.
    """
    sent: dict[str, int] = {}
    problems: list[str] = []
    if not sinks:
        return sent, problems
    with store.open_database(database) as connection, store.saying(database):
        for each in sinks:
            connection.execute(_BEGIN, (each.name, each.sink.kind))
            sent[each.name] = 0
            try:
                batches = _send_newest if each.sink.gets == "newest" else _send_new
                for count in batches(connection, each):
                    sent[each.name] += count
                _remove(connection, each)
                _expect_statistics(connection, each)
            except SinkError as error:
                problem = values.printable(_line(each.settings.publishable(str(error))))
                connection.execute(_FAILED, (problem, values.now(), each.name))
                problems.append(f"sink {each.name}: {problem}")
            else:
                connection.execute(_WELL, (each.name,))
        connection.execute(_FORGET)
    return sent, problems


def _send_new(connection: sqlite3.Connection, each: Configured) -> Iterator[int]:
    """Batch by batch, and how many points each had. What was sent is remembered before the next one."""
    position = _position(connection, each)
    after = min((position.get(name, 0) for name in _wanted(connection, each)), default=0)
    while points := reading.new(connection, position, each.statistics, after):
        _deliver(partial(each.sink.send, points))
        after = points[-1].id
        # All that is wanted with lower numbers was sent, whether the batch had any of it or not.
        position |= {name: max(position.get(name, 0), after) for name in _wanted(connection, each)}
        _remember(connection, each, position)
        yield len(points)


def _send_newest(connection: sqlite3.Connection, each: Configured) -> Iterator[int]:
    points = reading.newest(connection, each.statistics)
    _deliver(partial(each.sink.send, points))
    position: dict[str, int] = {}
    for point in points:
        position[point.statistic] = max(position.get(point.statistic, 0), point.id)
    _remember(connection, each, position)
    yield len(points)


def _remove(connection: sqlite3.Connection, each: Configured) -> None:
    (after,) = connection.execute("SELECT removals FROM main.sinks WHERE name = ?", (each.name,)).fetchone()
    while points := reading.removed(connection, after):
        wanted = [p for p in points if each.statistics is None or p.statistic in each.statistics]
        _deliver(partial(each.sink.remove, wanted))
        after = points[-1].id
        connection.execute(_REMOVED, (after, each.name))


def _deliver(deliver: Callable[[], None]) -> None:
    try:
        deliver()
    except SinkError:
        raise
    except FAILURES as error:
        raise SinkError(f"{type(error).__name__}: {error}") from error


def _wanted(connection: sqlite3.Connection, each: Configured) -> list[str]:
    known = [name for (name,) in connection.execute("SELECT name FROM main.statistics ORDER BY name")]
    return [name for name in known if each.statistics is None or name in each.statistics]


def _expect_statistics(connection: sqlite3.Connection, each: Configured) -> None:
    if missing := sorted(set(each.statistics or ()) - set(_wanted(connection, each))):
        raise SinkError(f"there is no statistic “{missing[0]}”; see “statistics list”.")


def _position(connection: sqlite3.Connection, each: Configured) -> dict[str, int]:
    (position,) = connection.execute(
        "SELECT position FROM main.sinks WHERE name = ?", (each.name,)
    ).fetchone()
    return cast(dict[str, int], json.loads(position))


def _remember(connection: sqlite3.Connection, each: Configured, position: dict[str, int]) -> None:
    connection.execute(_SENT, (json.dumps(position, sort_keys=True), values.now(), each.name))


def _said(error: BaseException) -> str:
    return _line(published_text(f"{type(error).__name__}: {error}"))


def _line(message: str) -> str:
    """What stands in its first line, at most 500 characters; to be cut last, when nothing secret is in it."""
    return message.partition("\n")[0][:500]
