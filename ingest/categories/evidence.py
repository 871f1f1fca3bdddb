"""The lines that decided, as they can be stored and shown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

LONGEST = 500
"""Characters of evidence in total."""

_SHORTEST = 60
"""Characters that a line gets at least: further lines are left out rather than cut to nothing."""

_AROUND = 2000
"""How much before and after a match is looked at: more than a line may show, escapes included."""

_SCANNED = 1 << 18
"""Bytes of diffoscope output in which its first difference is looked for."""

_ESCAPE_SEQUENCE = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]P^_X][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]"
)
_SPACE = re.compile(r"\s")
_LINE_END = re.compile(r"[\r\n]")
_NESTED = re.compile(rb"((?:\xe2\x94\x82[ \xc2\xa0]*)*)(.*)")
"""A line of diffoscope output: how deep it is nested, and what it says."""

_FILES = re.compile(rb"^((?:\xe2\x94\x82[ \xc2\xa0]*)*)(--- .*)\n\1(\+\+\+ .*)$", re.MULTILINE)

Span = tuple[int, int]
"""Where something was found: its start and its end."""


def of_spans(text: str | bytes, spans: Iterable[Span]) -> str:
    """The lines that contain the spans; of a span over several lines the first and the last."""
    spans = list(spans)
    if len(spans) == 1 and (whole := _plain_line(text, *spans[0])) is not None:
        return whole
    lines: dict[str, tuple[str, str, str]] = {}
    for start, end in spans:
        before, matched, after = (
            _decoded(text[max(0, start - _AROUND) : start]),
            _decoded(text[start:end]),
            _decoded(text[end : end + _AROUND]),
        )
        for line in _lines(before, matched, after):
            lines.setdefault("".join(line).strip(), line)
    lines.pop("", None)
    return _joined(list(lines.values()))


def _plain_line(text: str | bytes, start: int, end: int) -> str | None:
    """The line of a span, where it can be shown as it is: nearly always, and quickly told."""
    newline: Any = "\n" if isinstance(text, str) else b"\n"
    first = text.rfind(newline, max(0, start - LONGEST), start) + 1
    last = text.find(newline, start, start + LONGEST)
    if not first or last < end:
        return None
    # Diffoscope indents by spaces that do not break.
    line = _decoded(text[first:last]).replace("\N{NO-BREAK SPACE}", " ").strip(" ")
    return line if len(line) <= LONGEST and line.isprintable() else None


def of_difference(data: bytes) -> str | None:
    """What diffoscope saw first: a removed and an added line, else the files it compared."""
    start = data[:_SCANNED]
    found = _first_pair(start) or _compared_files(start)
    if found is None:
        first = next((line for line in start.splitlines() if line.strip()), b"")
        return _joined([("", clean(_decoded(first)), "")]) or None
    return _joined([("", clean(_decoded(line)), "") for line in found])


def _first_pair(output: bytes) -> tuple[bytes, bytes] | None:
    """The first removed line of a block, and the added line that follows the block."""
    removed: tuple[bytes, bytes] | None = None
    for line in output.split(b"\n"):
        match = _NESTED.match(line)
        depth, says = match.groups() if match else (b"", line)
        if removed and depth == removed[0]:
            if says.startswith(b"+") and not says.startswith(b"+++"):
                return removed[1], says
            if says.startswith(b"-") or not says:
                continue
        removed = (depth, says) if says.startswith(b"-") and not says.startswith(b"---") else None
    return None


def _compared_files(output: bytes) -> tuple[bytes, bytes] | None:
    found = _FILES.search(output)
    return (found[2], found[3]) if found else None


def of_words(words: str) -> str:
    """A sentence of ours, where no line decided."""
    return _joined([("", clean(words), "")])


def clean(text: str) -> str:
    """Only what prints, in one line: no escape sequences, control characters or changes of direction."""
    if text.isprintable():
        return text
    spaced = _SPACE.sub(" ", _ESCAPE_SEQUENCE.sub("", text))
    return "".join(filter(str.isprintable, spaced))


def _decoded(piece: str | bytes) -> str:
    return piece if isinstance(piece, str) else piece.decode("utf-8", "replace")


def _lines(before: str, matched: str, after: str) -> list[tuple[str, str, str]]:
    """The line or the first and last lines of a match: what precedes it, what matched, what follows."""
    before = _last_line(before)
    after = _first_line(after)
    if _LINE_END.search(matched) is None:
        return [(clean(before), clean(matched), clean(after))]
    first, last = _first_line(matched), _last_line(matched)
    return [(clean(before), clean(first[:_AROUND]), ""), ("", clean(last[-_AROUND:]), clean(after))]


def _first_line(text: str) -> str:
    return _LINE_END.split(text, maxsplit=1)[0]


def _last_line(text: str) -> str:
    return text[max(text.rfind("\n"), text.rfind("\r")) + 1 :]


def _joined(lines: list[tuple[str, str, str]]) -> str:
    lines = lines[: LONGEST // _SHORTEST]
    width = (LONGEST + 1) // max(1, len(lines)) - 1
    return "\n".join(_cut(*line, width) for line in lines)


def _cut(before: str, matched: str, after: str, width: int) -> str:
    """At most ``width`` characters, the match among them, with … where something was left out."""
    before, after = before.lstrip(), after.rstrip()
    if len(before) + len(matched) + len(after) <= width:
        return before + matched + after
    if len(matched) > width:
        half = (width - 1) // 2
        return f"{matched[: width - 1 - half]}…{matched[len(matched) - half :]}"
    spare = width - len(matched)
    kept_before = min(len(before), max(spare // 2, spare - len(after)))
    kept_after = min(len(after), spare - kept_before)
    if kept_before < len(before):
        before = "…" + before[len(before) - kept_before + 1 :] if kept_before else ""
    if kept_after < len(after):
        after = after[: kept_after - 1] + "…" if kept_after else ""
    return before + matched + after
