"""Finds for every failure the first rule that holds.

All texts that the rules of a distribution look for, and the literals without
which their regexes cannot match, are compiled into one scan over a log's bytes.
What it has seen leaves a few candidates, of which most hold by having been seen;
only what is left, regexes above all, is tried on the decoded text.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, replace

from ingest.categories import evidence
from ingest.categories.plan import Plan, Side, Step, spans
from ingest.categories.rules import RULE_TIMED_OUT, UNCATEGORISED, Category, Rule, RuleSet
from ingest.categories.texts import Lock, Text, UnreadableError
from ingest.categories.verdicts import FailedArtifact, FailedBuild, Verdict

PATIENCE = 1.0
"""Seconds that a regex may take on one log. A sound one takes milliseconds on the largest real logs."""

TIMEOUTS_FORGIVEN = 10
LITTLE_PATIENCE = 0.05
"""Seconds for a regex that took too long that often: a hostile archive must not hold a run up."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What became of one rule: whether it holds, whether it won as the first that does, and its evidence.

    ``line`` is where it matched, from 1. ``problem`` says why it could not be
    tried, or does not apply; ``instead`` is what a failure is put into that comes
    to a rule that could not be tried.
    """

    rule: Rule
    holds: bool = False
    won: bool = False
    evidence: str | None = None
    line: int | None = None
    problem: str | None = None
    instead: Category | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    """Where the search of a text ended: at which rule, in which category, and why."""

    number: int
    category: str = UNCATEGORISED.key
    evidence: str | None = None
    size: int | None = None


class Matcher:
    """Explains failures by a set of rules. One serves any number of threads.

    Who reads a large log holds ``one_large``, which may be a lock between processes.
    """

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules
        self._plans: dict[tuple[str, str], Plan] = {}
        self._sides: dict[tuple[Step, ...], Side] = {}
        self._compiling = threading.Lock()
        self.one_large: Lock = threading.Lock()
        self._timeouts: Counter[str] = Counter()

    def prepare(self, distribution: str, architecture: str) -> None:
        """Do beforehand what the first match for these would do."""
        self._plan(distribution, architecture)

    def match(self, build: FailedBuild) -> list[Verdict]:
        """One verdict an artifact, or one for a build without."""
        plan = self._plan(build.distribution, build.architecture)
        log = self._search(plan.log, build.log, plan.end)
        if log.number == plan.end < len(plan.rules):
            log = _Found(plan.end, plan.rules[plan.end].category.key, size=log.size)
        if not build.artifacts:
            return [_verdict(build, None, log, None)]
        return [self._artifact(build, artifact, plan, log) for artifact in build.artifacts]

    def explain(
        self, distribution: str, architecture: str, log: bytes, diffoscope: bytes = b""
    ) -> list[Explanation]:
        """Every rule of the distribution in order, tried on plain (not compressed) texts."""
        plan = self._plan(distribution, architecture)
        searched = {"log": Text(log), "diffoscope": Text(diffoscope)}
        sides = {"log": plan.log, "diffoscope": plan.diffoscope}
        candidates = {name: set(sides[name].candidates(text)) for name, text in searched.items()}
        explanations: list[Explanation] = []
        for number, rule in enumerate(plan.rules):
            if number not in plan.applying:
                explanation = Explanation(rule, problem=f"does not apply to {architecture}")
            elif rule.reads is None:
                explanation = Explanation(rule, holds=True)
            else:
                step = sides[rule.reads].steps[number]
                holds = step in candidates[rule.reads]
                explanation = _explanation(step, searched[rule.reads]) if holds else Explanation(rule)
            explanations.append(explanation)
        return _with_winner(explanations)

    def _artifact(self, build: FailedBuild, artifact: FailedArtifact, plan: Plan, log: _Found) -> Verdict:
        if artifact.diffoscope is None:
            return _verdict(build, artifact.name, log, None)
        return _verdict(
            build, artifact.name, log, self._search(plan.diffoscope, artifact.diffoscope, log.number)
        )

    def _plan(self, distribution: str, architecture: str) -> Plan:
        key = distribution, architecture
        plan = self._plans.get(key)
        if plan is None:
            with self._compiling:
                rules = self.rules.for_distribution(distribution)
                plan = self._plans.get(key) or Plan(rules, architecture, self._sides)
                self._plans[key] = plan
        return plan

    def _search(self, side: Side, frame: bytes | None, end: int) -> _Found:
        """The first rule before ``end`` that holds for a text, or that cannot be tried on it."""
        if side.first is None or side.first >= end:
            return _Found(end)
        try:
            text = Text.decompressed(frame, self.one_large)
        except UnreadableError as error:
            return _Found(side.first, error.category.key, evidence.of_words(f"Not searched: {error.reason}."))
        try:
            size = None if frame is None else len(text.data)
            return self._first(side, text, end, size)
        finally:
            text.release()

    def _first(self, side: Side, text: Text, end: int, size: int | None) -> _Found:
        for step in side.candidates(text):
            if step.number >= end:
                break
            rule = step.rule
            patience = self._patience(rule)
            started = time.perf_counter()
            try:
                where = spans(step, text, patience)
            except TimeoutError:
                self._timeouts[str(rule)] += 1
                words = f"The rule “{rule.category.name}” of {rule.backend} took longer than {patience:g} s."
                return _Found(step.number, RULE_TIMED_OUT.key, evidence.of_words(words), size)
            except UnreadableError as error:
                words = f"Not searched: {error.reason}."
                return _Found(step.number, error.category.key, evidence.of_words(words), size)
            if where is not None:
                return _Found(step.number, rule.category.key, _evidence(step, text, where), size)
            side.tried_in_vain(step, time.perf_counter() - started)
        return _Found(end, size=size)

    def _patience(self, rule: Rule) -> float:
        if self._timeouts and self._timeouts[str(rule)] >= TIMEOUTS_FORGIVEN:
            return LITTLE_PATIENCE
        return PATIENCE


def _explanation(step: Step, text: Text) -> Explanation:
    try:
        where = spans(step, text, PATIENCE)
    except TimeoutError:
        return Explanation(step.rule, problem=f"took longer than {PATIENCE:g} s", instead=RULE_TIMED_OUT)
    except UnreadableError as error:
        return Explanation(step.rule, problem=error.reason, instead=error.category)
    if where is None:
        return Explanation(step.rule)
    found, in_text = where
    line = None
    if found:
        start = found[0][0]
        line = 1 + (text.text.count("\n", 0, start) if in_text else text.data.count(b"\n", 0, start))
    return Explanation(step.rule, True, False, _evidence(step, text, where), line)


def _evidence(step: Step, text: Text, where: tuple[list[evidence.Span], bool]) -> str | None:
    if step.rule.matcher == "has_diff":
        return evidence.of_difference(text.data)
    found, in_text = where
    return evidence.of_spans(text.text if in_text else text.data, found) or None


def _verdict(build: FailedBuild, artifact: str | None, log: _Found, diffoscope: _Found | None) -> Verdict:
    """What was found first, in the order of the rules."""
    size = diffoscope.size if diffoscope else None
    if diffoscope and diffoscope.number < log.number:
        found, source = diffoscope, "diffoscope"
    else:
        found, source = log, "log"
    return Verdict(
        build.key,
        artifact,
        found.category,
        found.evidence,
        source if found.evidence else None,
        log.size,
        size,
    )


def _with_winner(explanations: list[Explanation]) -> list[Explanation]:
    """The same, the first that decides marked as the winner."""
    decides = (number for number, each in enumerate(explanations) if each.holds or each.instead)
    winner = next(decides, None)
    return [replace(each, won=True) if number == winner else each for number, each in enumerate(explanations)]
