"""Which periods of a statistic to compute."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_MONDAY = datetime(2001, 1, 1, tzinfo=UTC)
"""Where periods are counted from, so that days start at midnight UTC and weeks on Mondays."""
_AT_ONCE = timedelta(days=32)
"""No more is computed at once (but a whole period), so that memory does not grow with the past."""


class Span(NamedTuple):
    """From ``start`` until before ``stop``."""

    start: datetime
    stop: datetime


def floor(moment: datetime, interval: timedelta) -> datetime:
    """The start of the period that ``moment`` lies in."""
    return _MONDAY + (moment - _MONDAY) // interval * interval


def parse(text: str) -> datetime:
    """A day or a time of ours, as a time in UTC."""
    moment = datetime.fromisoformat(text[:19])
    return moment.replace(tzinfo=UTC)


def written(moment: datetime) -> str:
    """ISO 8601 UTC, as published."""
    return f"{limit(moment)}Z"


def limit(moment: datetime) -> str:
    """A limit to compare published times with, as texts: without ``Z``, so that fractions come after it."""
    return moment.isoformat()[:19]


def to_compute(
    interval: timedelta,
    *,
    now: datetime,
    since: datetime | None,
    earliest: datetime,
    changed_days: Iterable[str],
    depends_on_past: bool,
) -> list[Span]:
    """Whole periods, those that touch as one, in the order of time.

    ``since``: what was computed last, which was incomplete then; None for everything. ``earliest``:
    no period that ends before is computed.
    """
    stop = floor(now, interval) + interval
    first = floor(earliest, interval)
    wanted = [Span(floor(since or earliest, interval), stop)]
    for day in changed_days:
        morning = parse(day)
        evening = floor(morning + timedelta(days=1, seconds=-1), interval) + interval
        wanted.append(Span(floor(morning, interval), stop if depends_on_past else evening))
    return list(_joined(Span(max(span.start, first), min(span.stop, stop)) for span in sorted(wanted)))


def within(spans: Iterable[Span], stretches: Iterable[tuple[str, str]], interval: timedelta) -> list[Span]:
    """What of the spans lies in whole periods of these stretches, each a first and a last day."""
    alive = [
        Span(
            floor(parse(first), interval),
            floor(parse(last) + timedelta(days=1, seconds=-1), interval) + interval,
        )
        for first, last in stretches
    ]
    parts = (Span(max(span.start, each.start), min(span.stop, each.stop)) for span in spans for each in alive)
    return list(_joined(sorted(parts)))


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    current: Span | None = None
    for span in spans:
        if span.start >= span.stop:
            continue
        if current and span.start <= current.stop:
            current = Span(current.start, max(current.stop, span.stop))
            continue
        if current:
            yield current
        current = span
    if current:
        yield current


def pieces(span: Span, interval: timedelta, at_most: timedelta = _AT_ONCE) -> Iterator[Span]:
    """The span in pieces of whole periods, no longer than ``at_most`` if a period is not."""
    step = max(at_most // interval, 1) * interval
    start = span.start
    while start < span.stop:
        yield Span(start, min(start + step, span.stop))
        start += step
