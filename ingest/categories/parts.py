"""The pieces of a regex: what each is to Python's ``regex`` module, which texts it can match, what it needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby

from ingest.categories import sieve

Clauses = tuple[tuple[str, ...], ...]
"""What a text must contain: of every clause at least one literal."""

_LAYOUT = frozenset("│├└╵─┄ \t\n-+")
"""What every line of diffoscope's output has."""

_MOST_EXACT = 64
"""Texts that are told apart: enough for a few optional letters, few enough to be looked for."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a regex, as the module writes it.

    ``exact`` are all texts that it can match, where they are few; otherwise
    ``required`` says what a match must contain. A ``folded`` part ignores case,
    which its text does not say yet. ``sieve`` is the loose form of it over bytes;
    ``unit`` that of a single character that stands for many.
    """

    text: str
    sieve: str = ""
    unit: str = ""
    exact: tuple[str, ...] | None = None
    required: Clauses = ()
    folded: bool = False

    def written(self) -> str:
        """Its text, which says by itself where case is ignored."""
        return f"(?i:{self.text})" if self.folded else self.text

    def clauses(self) -> Clauses:
        """What a text must contain for it to match; nothing where it may match no text at all."""
        if self.exact is None:
            return self.required
        return (self.exact,) if all(self.exact) else ()


def clearness(clause: tuple[str, ...]) -> tuple[int, int]:
    """How much a clause tells, by the least telling of its literals: in characters that are no layout, one
    beyond ASCII counts as three, and in all characters."""
    return min(
        (sum(1 if char.isascii() else 3 for char in literal if char not in _LAYOUT), len(literal))
        for literal in clause
    )


NOTHING = Part("", exact=("",))


def sequence(parts: Iterable[Part]) -> Part:
    """One part after the other; what can be told exactly of neighbours is put together."""
    parts = list(parts)
    text = "".join(
        Part("".join(part.text for part in group), folded=folded).written()
        for folded, group in groupby(parts, key=lambda part: part.folded)
    )
    loose = "".join(part.sieve for part in parts)
    runs: list[Part] = []
    run: tuple[str, ...] | None = None
    for part in parts:
        if run and part.exact and len(run) * len(part.exact) <= _MOST_EXACT:
            run = tuple(dict.fromkeys(left + right for left in run for right in part.exact))
            continue
        if run:
            runs.append(Part("", exact=run))
        run = part.exact
        if run is None:
            runs.append(part)
    if not runs:
        return Part(text, loose, exact=run or ("",))
    if run:
        runs.append(Part("", exact=run))
    return Part(text, loose, required=tuple(clause for piece in runs for clause in piece.clauses()))


def alternatives(branches: list[Part]) -> Part:
    """Any of the branches: what is required is a literal of each, the clearest that it has."""
    if len(branches) == 1:
        return branches[0]
    text = "|".join(branch.written() for branch in branches)
    loose = f"(?:{'|'.join(branch.sieve for branch in branches)})"
    if all(branch.exact for branch in branches):
        exact = tuple(dict.fromkeys(own for branch in branches for own in branch.exact or ()))
        if len(exact) <= _MOST_EXACT:
            return Part(text, loose, exact=exact)
    clauses = [branch.clauses() for branch in branches]
    if not all(clauses):
        return Part(text, loose)
    clearest = (max(own, key=clearness) for own in clauses)
    return Part(
        text, loose, required=(tuple(dict.fromkeys(literal for clause in clearest for literal in clause)),)
    )


def group(kind: str, inner: Part) -> Part:
    """A group around ``inner``; ``kind`` is what follows its ``(?``, or ``(`` where it is one to refer to."""
    text = inner.written()
    if kind == "(":
        return replace(inner, text=f"({text})", sieve=f"(?:{inner.sieve})", unit="", folded=False)
    if kind == ":":
        return replace(inner, text=f"(?:{text})", sieve=f"(?:{inner.sieve})", unit="", folded=False)
    if kind == ">":
        return Part(f"(?>{text})", inner.sieve, required=inner.clauses())
    # What lies around is seen, not consumed, and may have to be absent.
    return Part(f"(?{kind}{text})", exact=("",))


def character_class(text: str, ignore_case: bool = False, only_ascii: bool = False) -> Part:
    """One character of those that ``text``, a class or an escape, stands for; ``only_ascii`` where those are."""
    unit = sieve.of_class(text, ignore_case, only_ascii)
    return Part(
        text, unit if only_ascii else f"{unit}[{sieve.HIGH}]*", "" if only_ascii else unit, folded=ignore_case
    )
