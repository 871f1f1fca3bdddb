"""The rules of one distribution and architecture, prepared for being tried on many texts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from ingest.categories import scanner
from ingest.categories.conditions import Condition, condition
from ingest.categories.evidence import Span
from ingest.categories.rules import Rule
from ingest.categories.scanner import Scanner, Wanted
from ingest.categories.texts import Text

SECONDS_IN_VAIN = 0.005
"""About what compiling a sieve takes; most regexes never waste as much."""


@dataclass(frozen=True, slots=True)
class Step:
    """A rule as it is tried: the ``number``-th of its plan, and the literals that it wants, as bytes."""

    number: int
    rule: Rule
    condition: Condition
    wanted: Wanted


class Side:
    """The rules that read one of the two texts.

    Regexes are tried where their literals were seen. One that was in vain for long
    gets a sieve, which is asked before it from then on.
    """

    def __init__(self, steps: tuple[Step, ...]) -> None:
        self.steps = {step.number: step for step in steps}
        self.first = steps[0].number if steps else None
        self._always = [step.number for step in steps if not step.wanted]
        self._literals = scanner.of_literals({step.number: step.wanted for step in steps if step.wanted})
        self._in_vain: defaultdict[int, float] = defaultdict(float)
        self._sieves: dict[int, Scanner | None] = {}

    def candidates(self, text: Text) -> Iterator[Step]:
        """The steps that may hold, in order; those that are decided by literals do."""
        for number in sorted(self._always + self._literals.scan(text.data)):
            sieve = self._sieves.get(number)
            if sieve is None or sieve.scan(text.data):
                yield self.steps[number]

    def tried_in_vain(self, step: Step, seconds: float) -> None:
        """Note how long it took to find nothing."""
        pattern = step.condition.pattern
        if pattern is None or step.number in self._sieves:
            return
        # Threads may miss some of another's, or compile the same sieve: neither does harm.
        self._in_vain[step.number] += seconds
        if self._in_vain[step.number] > SECONDS_IN_VAIN:
            self._sieves[step.number] = scanner.of_sieve(pattern.sieve)


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
