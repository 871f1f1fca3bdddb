"""The rules of one distribution and architecture, prepared for being tried on many texts."""

from __future__ import annotations

from dataclasses import dataclass

from ingest.categories.conditions import Condition, condition
from ingest.categories.evidence import Span
from ingest.categories.rules import Rule
from ingest.categories.scanner import Scanner, Seen
from ingest.categories.texts import Text


@dataclass(frozen=True, slots=True)
class Step:
    """A rule as it is tried: the ``number``-th of its plan; ``clauses`` are the condition's, by the
    numbers of the scanner."""

    number: int
    rule: Rule
    condition: Condition
    clauses: tuple[tuple[int, ...], ...]


class Side:
    """The rules that read one of the two texts."""

    def __init__(self, rules: dict[int, Rule], architecture: str) -> None:
        literals: dict[bytes, int] = {}
        self.steps = {
            number: _step(number, rule, architecture, literals) for number, rule in sorted(rules.items())
        }
        self.first = min(rules, default=None)
        self._literals = tuple(literals)
        self._scanner = Scanner(self._literals)
        self._always = [number for number, step in self.steps.items() if not step.clauses]
        self._triggered: dict[int, list[int]] = {}
        for number, step in self.steps.items():
            for literal in self._clearest(step):
                self._triggered.setdefault(literal, []).append(number)

    def scan(self, text: Text) -> Seen:
        return self._scanner.scan(text.data)

    def candidates(self, seen: Seen) -> list[Step]:
        """The steps that may hold, in order."""
        numbers = set(self._always)
        for literal in seen:
            numbers.update(self._triggered.get(literal, ()))
        return [self.steps[number] for number in sorted(numbers)]

    def _clearest(self, step: Step) -> tuple[int, ...]:
        """The clause that the fewest texts will have."""
        return max(
            step.clauses, key=lambda clause: min(len(self._literals[number]) for number in clause), default=()
        )

    def spans(self, step: Step, text: Text, seen: Seen, seconds: float) -> tuple[list[Span], bool] | None:
        """Where a step holds, and whether that is in the decoded text (else in the bytes); None if it does not.

        Raises TimeoutError and UnreadableError.
        """
        spans = []
        for clause in step.clauses:
            literal = next((number for number in clause if number in seen), None)
            if literal is None:
                return None
            spans.append((seen[literal] - len(self._literals[literal]), seen[literal]))
        if step.rule.matcher == "has_diff":
            return ([], False) if text.data else None
        if step.condition.is_decided_by_literals:
            return spans, False
        if not step.condition.may_hold(text.data):
            return None
        found = step.condition.find(text.text, seconds)
        return (found, True) if found else None


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


def _step(number: int, rule: Rule, architecture: str, literals: dict[bytes, int]) -> Step:
    asked = condition(rule, architecture)
    clauses = tuple(
        tuple(literals.setdefault(literal.encode(), len(literals)) for literal in clause)
        for clause in asked.clauses
    )
    return Step(number, rule, asked, clauses)
