"""What a rule asks of a text, in terms of literals that its bytes must contain."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.categories.evidence import Span
from ingest.categories.parts import Clauses, clearness
from ingest.categories.patterns import Pattern, read_pattern
from ingest.categories.rules import Rule

ARCHITECTURE = "{arch}"
"""Becomes the build's architecture, in texts only: in a regex braces have a meaning of their own."""

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""What the decoded text has instead of bytes that are no UTF-8, so its bytes are not what was read."""

_CLEAR = 3
"""Characters, layout left out, of a literal that is not in every text."""

_CLAUSES = 3

_LONGEST_LITERAL = 200
"""Characters of a literal that are looked for; hyperscan takes some thousand bytes of an expression."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Holds for a text if its bytes contain a literal of every clause and, where those do not tell
    all, the regex or the needles (all or any of them) are found in the decoded text.

    Without clauses, regex and needles it holds for every text.
    """

    clauses: Clauses
    pattern: Pattern | None = None
    needles: tuple[str, ...] = ()
    all_needles: bool = False

    @property
    def is_decided_by_literals(self) -> bool:
        return self.pattern is None and not self.needles

    def find(self, text: str, seconds: float) -> list[Span]:
        """Where it holds in a decoded text, nothing if it does not. Raises TimeoutError, for a regex."""
        if self.pattern is not None:
            match = self.pattern.compiled.search(text, timeout=seconds)
            return [match.span()] if match else []
        starts = [(text.find(needle), needle) for needle in self.needles]
        found = [(start, start + len(needle)) for start, needle in starts if start >= 0]
        if self.all_needles:
            return found if len(found) == len(starts) else []
        return found[:1]


def condition(rule: Rule, architecture: str) -> Condition:
    """What a rule asks of a build of this architecture."""
    if rule.matcher.endswith("_re"):
        pattern = read_pattern(rule.needles[0])
        return Condition(_clearest(pattern.required), pattern)
    needles = tuple(needle.replace(ARCHITECTURE, architecture) for needle in rule.needles)
    every = rule.matcher.endswith("_all")
    literals = [_literals(needle) for needle in needles]
    if all(found == [needle] for found, needle in zip(literals, needles, strict=True)):
        clauses_of_needles = tuple((needle,) for needle in needles) if every or not needles else (needles,)
        return Condition(clauses_of_needles)
    if every:
        return Condition(tuple((part,) for found in literals for part in found), None, needles, True)
    alternatives = tuple(found[0] for found in literals if found)
    return Condition((alternatives,) if len(alternatives) == len(needles) else (), None, needles)


def _literals(text: str) -> list[str]:
    """What the bytes of a text must contain for it to occur in them, decoded."""
    return [part[:_LONGEST_LITERAL] for part in text.split(_REPLACEMENT) if part]


def _clearest(required: Clauses) -> Clauses:
    """The clauses that the fewest texts meet: looking for a letter takes longer than the regex."""
    clauses = [tuple(part for literal in clause for part in _literals(literal)[:1]) for clause in required]
    complete = [found for found, wanted in zip(clauses, required, strict=True) if len(found) == len(wanted)]
    complete.sort(key=clearness, reverse=True)
    clear = [clause for clause in complete if clearness(clause)[0] >= _CLEAR]
    longest = sorted(complete, key=lambda clause: min(map(len, clause)), reverse=True)
    return tuple(clear[:_CLAUSES] or longest[:1])
