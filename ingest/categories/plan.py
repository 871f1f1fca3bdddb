"""The rules of one distribution and architecture, prepared for being tried on many texts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import count

import hyperscan

from ingest.categories.conditions import Condition, condition
from ingest.categories.evidence import Span
from ingest.categories.rules import Rule
from ingest.categories.scanner import Scanner, Wanted, can_scan
from ingest.categories.texts import Text

TEXTS_BEFORE_SIEVES = 200
"""A run with few failures is over before a sieve pays."""

TOO_OFTEN_IN_VAIN = 4
"""Of those texts; most regexes are never tried at all."""


@dataclass(frozen=True, slots=True)
class Step:
    """A rule as it is tried: the ``number``-th of its plan, and the literals that it wants, as bytes."""

    number: int
    rule: Rule
    condition: Condition
    wanted: Wanted


class Side:
    """The rules that read one of the two texts.

    At first regexes are tried where their literals were seen. Those that are
    often tried in vain get a sieve: it takes a while to compile, and is worth it
    only for many texts.
    """

    def __init__(self, steps: tuple[Step, ...]) -> None:
        self.steps = {step.number: step for step in steps}
        self.first = steps[0].number if steps else None
        self._scan = self._prepared({})
        self._in_vain: Counter[int] = Counter()
        self._texts = count(1)

    def candidates(self, text: Text) -> list[Step]:
        """The steps that may hold, in order; those that are decided by literals do."""
        if next(self._texts) == TEXTS_BEFORE_SIEVES:
            self._scan = self._sieved()
        # One attribute for both: another thread may exchange them now.
        always, scanner = self._scan
        return [self.steps[number] for number in sorted(always + scanner.scan(text.data))]

    def tried_in_vain(self, step: Step) -> None:
        # Threads may miss one of another's: it is an estimate.
        self._in_vain[step.number] += 1

    def _prepared(self, sieves: dict[int, str]) -> tuple[list[int], Scanner]:
        literal = {number: step.wanted for number, step in self.steps.items() if number not in sieves}
        always = [number for number, wanted in literal.items() if not wanted]
        return always, Scanner({number: wanted for number, wanted in literal.items() if wanted}, sieves)

    def _sieved(self) -> tuple[list[int], Scanner]:
        sieves = {
            number: pattern.sieve
            for number, times in sorted(self._in_vain.items())
            if times >= TOO_OFTEN_IN_VAIN and (pattern := self.steps[number].condition.pattern)
        }
        try:
            return self._prepared(sieves)
        except hyperscan.error:
            return self._prepared({number: sieve for number, sieve in sieves.items() if can_scan(sieve)})


def spans(step: Step, text: Text, seconds: float) -> tuple[list[Span], bool] | None:
    """Where a candidate holds, and whether that is in the decoded text (else in the bytes); None if
    it does not.

    Raises TimeoutError and UnreadableError.
    """
    if step.rule.matcher == "has_diff":
        return ([], False) if text.data else None
    if step.condition.is_decided_by_literals:
        return [_first(clause, text.data) for clause in step.wanted], False
    found = step.condition.find(text.text, seconds)
    return (found, True) if found else None


def _first(clause: tuple[bytes, ...], data: bytes) -> Span:
    found = ((data.find(literal), literal) for literal in clause)
    return next((start, start + len(literal)) for start, literal in found if start >= 0)


class Plan:
    """The rules that apply, in the order in which they are tried."""

    def __init__(
        self, rules: tuple[Rule, ...], architecture: str, known: dict[tuple[Step, ...], Side]
    ) -> None:
        """``known`` are sides that were prepared before: most rules are the same for every architecture."""
        self.rules = rules
        self._known = known
        self.applying = {
            number: rule
            for number, rule in enumerate(rules)
            if not architecture.startswith(rule.exclude_architectures)
        }
        self.log = self._side("log", architecture)
        self.diffoscope = self._side("diffoscope", architecture)
        self.end = min(self._reading(None), default=len(rules))
        """The rule that holds for whatever comes as far, if there is one."""

    def _side(self, text: str, architecture: str) -> Side:
        rules = sorted(self._reading(text).items())
        steps = tuple(_step(number, rule, architecture) for number, rule in rules)
        if steps not in self._known:
            self._known[steps] = Side(steps)
        return self._known[steps]

    def _reading(self, text: str | None) -> dict[int, Rule]:
        return {number: rule for number, rule in self.applying.items() if rule.reads == text}


def _step(number: int, rule: Rule, architecture: str) -> Step:
    asked = condition(rule, architecture)
    wanted = tuple(tuple(literal.encode() for literal in clause) for clause in asked.clauses)
    return Step(number, rule, asked, wanted)
