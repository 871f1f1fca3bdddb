"""What readers ask of a statistic's values, and how these are told to machines."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ingest.errors import StatisticError
from ingest.statistics.definition import COLUMNS
from ingest.statistics.periods import limit

MOST = 10_000
USUAL = 1_000
_WORDS = {"start", "stop", "order", "limit", "next", "times"}
_CURSOR = re.compile(r"(\d{4}-\d\d-\d\dT[\d:.]+Z),(\d{1,18})")
_NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,9})?")
_LAST = "~"
"""Sorts after all that can stand in a time."""


@dataclass(frozen=True, slots=True)
class Question:
    """Which measurements, in which order. Times are as in the database; ``filters``: dimensions and their values."""

    start: str = ""
    stop: str = _LAST
    order: str = "asc"
    limit: int = USUAL
    epoch: bool = False
    after: tuple[str, int] | None = None
    filters: Mapping[str, str] = field(default_factory=dict)

    def parameters(self, statistic: int) -> dict[str, Any]:
        """For ``statistic_values.sql``; asks for one row more than wanted, to know whether there are more."""
        at, id = self.after or ("", 0)
        start, stop = self.start, self.stop
        if self.after and self.order == "asc":
            start = max(start, at)
        elif self.after:
            stop = min(stop, at + _LAST)
        return {
            "statistic": statistic,
            "start": start,
            "stop": stop,
            "after_at": at,
            "after_id": id,
            "order": self.order,
            "filters": json.dumps(self.filters),
            "limit": self.limit + 1,
        }


def parse(given: Mapping[str, Sequence[str]], dimensions: Iterable[str]) -> Question:
    """The question that an address asks. Raises StatisticError, a sentence for its reader."""
    dimensions = list(dimensions)
    for name, values in given.items():
        if name not in _WORDS and name not in dimensions:
            known = ", ".join([*sorted(_WORDS), *dimensions])
            raise StatisticError(f"There is no parameter “{name}”; use {known}.")
        if len(values) > 1:
            raise StatisticError(f"“{name}” is given {len(values)} times; give it once.")
    # What an empty field of a form sends means that nothing was chosen.
    asked = {name: values[0] for name, values in given.items() if values[0]}
    return Question(
        start=limit_of(asked["start"], "start") if "start" in asked else "",
        stop=limit_of(asked["stop"], "stop") if "stop" in asked else _LAST,
        order=_one_of(asked, "order", ("asc", "desc")),
        limit=_limit(asked.get("limit", str(USUAL))),
        epoch=_one_of(asked, "times", ("iso", "epoch")) == "epoch",
        after=_cursor(asked["next"]) if "next" in asked else None,
        filters={name: asked[name] for name in dimensions if name in asked and name not in _WORDS},
    )


def limit_of(text: str, name: str) -> str:
    """A time of a reader, ISO 8601 (UTC where no zone is told) or seconds since 1970, as times are compared."""
    try:
        if _NUMBER.fullmatch(text):
            moment = datetime.fromtimestamp(float(text), UTC)
        else:
            # In an address that was typed by hand, the plus of a zone means a space.
            moment = datetime.fromisoformat(re.sub(r" (?=\d\d:?\d\d$)", "+", text) if "T" in text else text)
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise StatisticError(
            f"“{name}” is “{text[:40]}”, which is no time; give ISO 8601, such as 2026-01-31T12:00:00Z,"
            " or seconds since 1970."
        ) from error
    return limit(moment) + (f".{moment.microsecond:06}" if moment.microsecond else "")


def _one_of(asked: Mapping[str, str], name: str, words: tuple[str, str]) -> str:
    word = asked.get(name, words[0])
    if word not in words:
        raise StatisticError(f"“{name}” is “{word[:40]}”; use {words[0]} or {words[1]}.")
    return word


def _limit(text: str) -> int:
    if not re.fullmatch("[0-9]{1,9}", text) or not 1 <= int(text) <= MOST:
        raise StatisticError(f"“limit” is “{text[:40]}”; use a number from 1 to {MOST}.")
    return int(text)


def _cursor(text: str) -> tuple[str, int]:
    if not (found := _CURSOR.fullmatch(text)):
        raise StatisticError("“next” is no cursor; use what the page before gave as “next”.")
    return found[1], int(found[2])


def cursor(row: Mapping[str, Any]) -> str:
    """Where the next page goes on, after this row."""
    return f"{row['at']},{row['id']}"


def flat(row: Mapping[str, Any], dimensions: Iterable[str], *, epoch: bool = False) -> dict[str, Any]:
    """A measurement with a column for each dimension, null where it has none."""
    others = json.loads(row["dimensions"] or "{}")
    named = {name: row[name] for name in COLUMNS}
    return {
        "at": _epoch(row["at"]) if epoch else row["at"],
        "value": row["value"],
        **{name: named[name] if name in named else others.get(name) for name in dimensions},
    }


def _epoch(at: str) -> int | float:
    seconds = datetime.fromisoformat(at).timestamp()
    return int(seconds) if seconds.is_integer() else seconds


_MEANINGS = {
    "rebuilder": "Name of the rebuilder.",
    "origin": "Distribution, release and architecture.",
    "category": "Key of a category of failures.",
    "build": "Number of a row of builds.",
}
_TYPES = {"rebuilder": "text", "origin": "text", "category": "text", "build": "number"}


def layout(row: Mapping[str, Any], address: Callable[[str], str]) -> dict[str, Any]:
    """All that a front end needs to draw a statistic: a row of ``statistics.sql``, with its columns and chart."""
    name = row["name"]
    dimensions = json.loads(row["dimensions"])
    is_event = row["kind"] == "event"
    at = "Time of the event (UTC)." if is_event else "Start of the period (UTC)."
    told = ("name", "title", "description", "unit", "kind", "interval_seconds")
    state = ("first_at", "last_at", "plugin", "plugin_version", "version", "last_error", "last_error_at")
    return {
        **{key: row[key] for key in told},
        "dimensions": dimensions,
        "columns": [
            {"name": "at", "type": "time", "unit": None, "description": at},
            {"name": "value", "type": "number", "unit": row["unit"] or None, "description": row["title"]},
            *(
                {
                    "name": dimension,
                    "type": _TYPES.get(dimension, "text or number"),
                    "unit": None,
                    "description": _MEANINGS.get(dimension, dimension.replace("_", " ").capitalize() + "."),
                }
                for dimension in dimensions
            ),
        ],
        "aggregate": {
            "dimensions": "sum" if row["adds"] else "mean",
            "time": "sum" if row["kind"] == "total" else "mean",
        },
        "chart": json.loads(row["chart"]) if row["chart"] else {"mark": row["mark"]},
        **{key: row[key] for key in state},
        "is_recorded": bool(row["is_recorded"]),
        "is_installed": bool(row["is_installed"]),
        "json": address(f"/statistics/{name}.json"),
        "csv": address(f"/statistics/{name}.csv"),
        "page": address(f"/statistics/{name}"),
        "layout": address(f"/statistics/{name}/layout.json"),
    }
