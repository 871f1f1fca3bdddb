"""What is doubtful about rules that load: those that another one always precedes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ingest.categories.parts import Clauses
from ingest.categories.patterns import compile_pattern
from ingest.categories.rules import FOR_ALL, Rule, RuleSet


def never_winning(rules: RuleSet) -> Iterator[tuple[Rule, Rule]]:
    """Rules that can never be the first that holds, each with one before it that then holds too.

    What follows from texts is found; that one regex implies another is not.
    """
    for backend in (*rules.distributions(), FOR_ALL):
        own = [rule for rule in rules.rules if rule.backend == backend]
        for number, rule in enumerate(own):
            before = next((earlier for earlier in own[:number] if _precedes(earlier, rule)), None)
            if before:
                yield rule, before


def _precedes(earlier: Rule, rule: Rule) -> bool:
    """Whether the earlier rule holds wherever the other one does."""
    excluded = rule.exclude_architectures
    if not all(architecture.startswith(excluded) for architecture in earlier.exclude_architectures):
        return False
    if earlier.matcher == "catch_all" or (earlier.matcher, earlier.needles) == (rule.matcher, rule.needles):
        return True
    if earlier.reads != rule.reads or earlier.matcher.endswith("_re"):
        return False
    clauses = _clauses(rule)
    if earlier.matcher == "has_diff":
        return bool(clauses)
    if earlier.matcher.endswith("_all"):
        return all(_implies(clauses, [needle]) for needle in earlier.needles)
    return _implies(clauses, earlier.needles)


def _implies(clauses: Clauses, needles: Sequence[str]) -> bool:
    """Whether a text with a literal of every clause contains one of the needles for certain."""
    return any(all(any(needle in literal for needle in needles) for literal in clause) for clause in clauses)


def _clauses(rule: Rule) -> Clauses:
    """What a text must contain for the rule to hold: of every clause at least one literal."""
    if rule.matcher.endswith("_re"):
        return compile_pattern(rule.needles[0]).required
    if rule.matcher.endswith("_all"):
        return tuple((needle,) for needle in rule.needles)
    return (rule.needles,) if rule.needles else ()
