"""The rules of one distribution and architecture, prepared for being tried on many texts."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.categories.conditions import Condition, condition
from ingest.categories.evidence import Span
from ingest.categories.rules import Rule
from ingest.categories.scanner import Scanner, Wanted
from ingest.categories.texts import Text


@dataclass(frozen=True, slots=True)
class Step:
    """A rule as it is tried: the ``number``-th of its plan, and the literals that it wants, as bytes."""

    number: int
    rule: Rule
    condition: Condition
    wanted: Wanted


class Side:
    """The rules that read one of the two texts."""

    def __init__(self, rules: dict[int, Rule], architecture: str) -> None:
        self.steps = {number: _step(number, rule, architecture) for number, rule in sorted(rules.items())}
        self.first = min(rules, default=None)
        self._scanner = Scanner({number: step.wanted for number, step in self.steps.items() if step.wanted})
        self._always = [number for number, step in self.steps.items() if not step.wanted]

    def candidates(self, text: Text) -> list[Step]:
        """The steps that may hold, in order; those that are decided by literals do."""
        return [self.steps[number] for number in sorted(self._always + self._scanner.scan(text.data))]


def spans(step: Step, text: Text, seconds: float) -> tuple[list[Span], bool] | None:
    """Where a candidate holds, and whether that is in the decoded text (else in the bytes); None if
    it does not.

    Raises TimeoutError and UnreadableError.
    """
    if step.rule.matcher == "has_diff":
        return ([], False) if text.data else None
    if step.condition.is_decided_by_literals:
        return [_first(clause, text.data) for clause in step.wanted], False
    if not step.condition.may_hold(text.data):
        return None
    found = step.condition.find(text.text, seconds)
    return (found, True) if found else None


def _first(clause: tuple[bytes, ...], data: bytes) -> Span:
    found = ((data.find(literal), literal) for literal in clause)
    return next((start, start + len(literal)) for start, literal in found if start >= 0)


class Plan:
    """The rules that apply, in the order in which they are tried."""

    def __init__(self, rules: tuple[Rule, ...], architecture: str) -> None:
        self.rules = rules
        self.applying = {
            number: rule
            for number, rule in enumerate(rules)
            if not architecture.startswith(rule.exclude_architectures)
        }
        self.log = Side(self._reading("log"), architecture)
        self.diffoscope = Side(self._reading("diffoscope"), architecture)
        self.end = min(self._reading(None), default=len(rules))
        """The rule that holds for whatever comes as far, if there is one."""

    def _reading(self, text: str | None) -> dict[int, Rule]:
        return {number: rule for number, rule in self.applying.items() if rule.reads == text}


def _step(number: int, rule: Rule, architecture: str) -> Step:
    asked = condition(rule, architecture)
    wanted = tuple(tuple(literal.encode() for literal in clause) for clause in asked.clauses)
    return Step(number, rule, asked, wanted)
