"""Where the marks of a statistic's chart lie, for a server that draws it as SVG."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from ingest.statistics.periods import parse

WIDTH, HEIGHT, LEFT, TOP = 690.0, 200.0, 60.0, 10.0
"""Of the drawing area, in units of an SVG of 760 × 240."""
STEPS = 120
"""At most so many steps of time are drawn."""
SERIES = 6
OTHERS = "all others"

_MONDAY = datetime(2001, 1, 1, tzinfo=UTC)
_HOUR = 3600
_COLOUR = re.compile(r"#[0-9a-fA-F]{3,8}")


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps of time from ``first`` to ``last``, ``length`` seconds each, numbered as in ``statistic_trend.sql``."""

    length: int
    first: int
    last: int

    @property
    def start(self) -> str:
        """When the first step starts, to compare times with."""
        return self.moment(self.first).strftime("%Y-%m-%dT%H:%M:%S")

    def moment(self, step: float) -> datetime:
        return _MONDAY + timedelta(seconds=step * self.length)

    def x(self, step: float) -> float:
        """Where a step starts; a fraction lies within it."""
        return round(LEFT + (step - self.first) * WIDTH / (self.last - self.first + 1), 2)

    def said(self, step: float) -> str:
        return self.moment(step).strftime("%Y-%m-%d" if self.length % 86400 == 0 else "%Y-%m-%d %H:%M")


def steps(
    first_at: str, last_at: str, interval: int | None, days: int | None = None, most: int = STEPS
) -> Steps:
    """The last ``days`` of a statistic, or all of it (None), in whole periods, ``most`` steps of time at most."""
    first, last = (int((parse(at) - _MONDAY).total_seconds()) for at in (first_at, last_at))
    if days is not None:
        first = max(first, last - days * 86400 + 1)
    period = interval or _HOUR
    length = period * max(1, math.ceil((last - first + 1) / period / (most - 1)))
    return Steps(length, first // length, last // length)


def ticks(low: float, high: float) -> list[float]:
    """Round numbers, the first at or below ``low``, the last at or above ``high``."""
    span = high - low or abs(high) or 1
    power = 10.0 ** math.floor(math.log10(span / 4))
    size = next(size for size in (power, 2 * power, 2.5 * power, 5 * power, 10 * power) if span / size <= 4.5)
    start, end = math.floor(low / size + 1e-9), math.ceil(high / size - 1e-9)
    return [round(number * size, 10) for number in range(start, max(end, start + 1) + 1)]


@dataclass(frozen=True, slots=True)
class Hint:
    """What is used of a Vega-Lite hint: colours of series in their order, limits of values, what colours tell apart."""

    colours: dict[str, str]
    domain: tuple[float, float] | None
    field: str | None


def hint(chart: str | None) -> Hint:
    """Of the JSON of a statistic's hint. What is not understood is left out."""
    encoding = _part(json.loads(chart) if chart else {}, "encoding")
    colour = _part(encoding, "color")
    scale = _part(colour, "scale")
    names, values = scale.get("domain"), scale.get("range")
    pairs = zip(names, values, strict=False) if isinstance(names, list) and isinstance(values, list) else ()
    colours = {str(name): str(value) for name, value in pairs if _COLOUR.fullmatch(str(value))}
    domain = None
    match _part(_part(encoding, "y"), "scale").get("domain"):
        case [int() | float() as low, int() | float() as high] if low < high:
            domain = (low, high)
    field = colour.get("field")
    return Hint(colours, domain, field if isinstance(field, str) else None)


def _part(mapping: Any, name: str) -> dict[str, Any]:
    found = mapping.get(name) if isinstance(mapping, dict) else None
    return found if isinstance(found, dict) else {}


def aggregated(
    rows: Iterable[Mapping[str, Any]], time: Steps, statistic: Mapping[str, Any]
) -> dict[str, Any]:
    """Bars on each other or lines, of rows of ``statistic_trend.sql``."""
    hinted = hint(statistic["chart"])
    order = list(hinted.colours)
    series = [
        (found[0]["series"] if rank else OTHERS, rank, found)
        for rank, found in ((rank, list(found)) for rank, found in groupby(rows, key=lambda row: row["rank"]))
    ]
    series.sort(
        key=lambda each: (order.index(each[0]) if each[0] in order else len(order), each[1] or math.inf)
    )
    is_stacked = bool(statistic["adds"])
    heights: dict[int, float] = {}
    shapes: list[list[tuple[int, float, float]]] = []
    for _, _, found in series:
        shapes.append([])
        for row in found:
            bottom = heights.get(row["step"], 0.0) if is_stacked else 0.0
            heights[row["step"]] = bottom + row["value"]
            shapes[-1].append((row["step"], bottom, row["value"]))
    ends = [end for shape in shapes for _, bottom, value in shape for end in (bottom, bottom + value)]
    scale = _scale(ends, hinted.domain, from_zero=is_stacked)
    width = min(WIDTH / (time.last - time.first + 1), 40.0)
    drawn = []
    for (label, rank, _), shape in zip(series, shapes, strict=True):
        marks: list[dict[str, Any]] = []
        for step, bottom, value in shape:
            top, foot = scale.y(bottom + value), scale.y(bottom)
            marks.append(
                {
                    "x": time.x(step) if is_stacked else time.x(step + 0.5),
                    "y": min(top, foot),
                    "width": round(max(width - 1, width * 0.7), 2),
                    "height": round(abs(foot - top), 2),
                    "at": time.said(step),
                    "value": value,
                    "follows": bool(marks) and step == marks[-1]["step"] + 1,
                    "step": step,
                }
            )
        drawn.append({"label": label, "marks": marks, **_colour(label, rank, hinted.colours)})
    return {"mark": "bar" if is_stacked else "line", "series": drawn, "ticks": scale.ticks, **_dates(time)}


def events(
    rows: Sequence[Mapping[str, Any]], time: Steps, statistic: Mapping[str, Any], by: str | None
) -> dict[str, Any]:
    """A dot for each of some measurements, flat rows with their dimensions; ``by`` is the one that has colours."""
    hinted = hint(statistic["chart"])
    scale = _scale([row["value"] for row in rows], hinted.domain, from_zero=True)
    labels = [_label(row, by) for row in rows]
    counts = Counter(labels)
    most = sorted(counts, key=lambda label: (-counts[label], label))[:SERIES]
    chosen = {label: rank for rank, label in enumerate(most, 1)}
    drawn: dict[str, dict[str, Any]] = {}
    for row, own in zip(rows, labels, strict=True):
        label = own if own in chosen else OTHERS
        series = drawn.setdefault(
            label, {"label": label, "marks": [], **_colour(label, chosen.get(label), hinted.colours)}
        )
        step = (datetime.fromisoformat(row["at"]) - _MONDAY).total_seconds() / time.length
        about = row["at"][:16].replace("T", " ")
        series["marks"].append(
            {"x": time.x(step), "y": scale.y(row["value"]), "at": about, "value": row["value"]}
        )
    return {
        "mark": "point",
        "series": sorted(drawn.values(), key=lambda each: chosen.get(each["label"], SERIES + 1)),
        "ticks": scale.ticks,
        **_dates(time),
    }


def _label(row: Mapping[str, Any], by: str | None) -> str:
    """Which series a measurement is of: all are one where nothing tells them apart."""
    if not by:
        return ""
    return "none" if row[by] is None else str(row[by])


@dataclass(frozen=True, slots=True)
class _Scale:
    low: float
    high: float
    ticks: list[dict[str, Any]]

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(TOP + HEIGHT * (1 - min(max(share, 0.0), 1.0)), 2)


def _scale(values: list[float], domain: tuple[float, float] | None, *, from_zero: bool) -> _Scale:
    low, high = domain or (min(values, default=0.0), max(values, default=1.0))
    if from_zero or 0 <= low < high / 2:
        low, high = min(low, 0.0), max(high, 0.0)
    numbers = ticks(low, high)
    scale = _Scale(numbers[0], numbers[-1], [])
    scale.ticks.extend({"value": number, "y": scale.y(number)} for number in numbers)
    return scale


def _dates(time: Steps) -> dict[str, Any]:
    return {
        "dates": [
            {"x": LEFT, "label": time.said(time.first)},
            {"x": LEFT + WIDTH, "label": time.said(time.last)},
        ],
        "step_seconds": time.length,
    }


def _colour(label: str, rank: int | None, colours: Mapping[str, str]) -> dict[str, str]:
    """A colour of the hint's, or the class of one of ours, in the order of series; none has the last."""
    if label in colours:
        return {"style": f"color: {colours[label]}", "class": "line"}
    return {"style": "", "class": f"line series-{rank if rank and not colours else 'others'}"}


def sparkline(rows: Sequence[Mapping[str, Any]], time: Steps) -> str:
    """The points of a small line of one series, as an SVG of 120 × 30 has them, "" where there is none."""
    if len(rows) < 2:
        return ""
    values = [row["value"] for row in rows]
    low, high = min(*values, 0), max(*values, 0) or 1
    return " ".join(
        f"{(row['step'] - time.first) * 116 / max(time.last - time.first, 1) + 2:.1f},"
        f"{28 - 26 * (row['value'] - low) / (high - low):.1f}"
        for row in rows
    )
