"""Rule files: the format of upstream's ``rebuilderd-stats.conf`` and a few keys of ours.

Everything that can be wrong with a file is found when it is loaded, before
anything is read or written by its rules.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ingest.categories.patterns import PatternError, compile_pattern
from ingest.errors import RulesError
from ingest.values import printable, slug

FOR_ALL = "all"
"""The backend whose rules follow those of every distribution."""

ENGINE = 1
"""Raised whenever the same rules may give another verdict or other evidence than before."""

MATCHERS = {
    "log_has": str,
    "log_has_re": str,
    "log_has_any": list,
    "log_has_all": list,
    "diff_has": str,
    "diff_has_re": str,
    "diff_has_any": list,
    "has_diff": bool,
    "catch_all": bool,
}
DEFAULTS = sorted(Path(__file__).parent.glob("*.toml"))
"""The files of our own rules."""

CLASSES = ("infrastructure", "archive", "build", "unreproducible", "unknown")
TEMPORARY = ("yes", "no", "maybe")

_TEXTS = ("key", "class", "temporary", "action", "bug", "description")
_LISTS = ("formerly", "exclude_architectures")
_KEYS = {"name", *_TEXTS, *_LISTS, *MATCHERS}


@dataclass(frozen=True, slots=True)
class Category:
    """A named reason. ``key`` identifies it for ever, also under its ``formerly`` used keys."""

    key: str
    name: str
    class_: str = "unknown"
    temporary: str | None = None
    action: str | None = None
    bug: str | None = None
    description: str | None = None
    formerly: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """What has to hold for a failure to be in the category.

    ``needles`` are what the matcher looks for: one text or regex, or several
    texts; none for ``has_diff`` and ``catch_all``. ``number`` counts the rules of a
    backend in ``file``, from 1.
    """

    category: Category
    matcher: str
    needles: tuple[str, ...]
    exclude_architectures: tuple[str, ...]
    backend: str
    file: str
    number: int

    @property
    def reads(self) -> str | None:
        """Which text it looks at, ``log`` or ``diffoscope``; None for a rule that holds for any."""
        if self.matcher == "catch_all":
            return None
        return "log" if self.matcher.startswith("log_") else "diffoscope"

    def __str__(self) -> str:
        return f"{self.file}: [backend.{self.backend}] rule {self.number} “{printable(self.category.name)}”"


UNCATEGORISED = Category(
    "uncategorised", "Uncategorised", "unknown", None, "write a rule", None, "No rule matched."
)
LOG_UNREADABLE = Category(
    "log-unreadable", "Log unreadable", "infrastructure", "maybe", "retry", None,
    "What the rebuilder stored cannot be decompressed to its end.",
)  # fmt: skip
LOG_TOO_LARGE = Category(
    "log-too-large-to-read", "Log too large to read", "unknown", None, None, None,
    "A log is larger than what is worth searching for a reason.",
)  # fmt: skip
RULE_TIMED_OUT = Category(
    "rule-timed-out", "Rule timed out", "unknown", None, "make the rule's regex simpler", None,
    "The regex of a rule took too long on this log; the evidence names the rule.",
)  # fmt: skip
LOG_NOT_AVAILABLE = Category(
    "log-not-available", "Log not available", "infrastructure", "maybe", "retry", None,
    "The rebuilder did not hand out the log, or it is no longer kept.",
)  # fmt: skip
BUILT_IN = (UNCATEGORISED, LOG_UNREADABLE, LOG_TOO_LARGE, RULE_TIMED_OUT, LOG_NOT_AVAILABLE)


@dataclass(frozen=True)
class RuleSet:
    """Rules in the order of their files."""

    rules: tuple[Rule, ...]

    @cached_property
    def version(self) -> str:
        """12 hex digits that change whenever a verdict may change; names and metadata do not count."""
        digest = hashlib.sha256(repr(ENGINE).encode())
        for rule in self.rules:
            parts = (rule.backend, rule.category.key, rule.matcher, rule.needles, rule.exclude_architectures)
            digest.update(repr(parts).encode())
        return digest.hexdigest()[:12]

    def for_distribution(self, name: str) -> tuple[Rule, ...]:
        """The rules that are tried, in this order: the distribution's own, then those for all."""
        own = [rule for rule in self.rules if rule.backend == name]
        shared = [rule for rule in self.rules if rule.backend == FOR_ALL != name]
        return (*own, *shared)

    def distributions(self) -> tuple[str, ...]:
        """The distributions that have rules of their own."""
        return tuple(dict.fromkeys(rule.backend for rule in self.rules if rule.backend != FOR_ALL))

    def categories(self) -> tuple[Category, ...]:
        """Every category that a verdict can name, once each: in the rules' order, then the built-in ones."""
        categories: dict[str, Category] = {}
        for category in (*(rule.category for rule in self.rules), *BUILT_IN):
            categories.setdefault(category.key, category)
        return tuple(categories.values())


def load_rules(paths: Sequence[Path] = ()) -> RuleSet:
    """The rules of the files, of several one after the other; without any our own.

    Raises RulesError, which lists all problems of all files, a line each.
    """
    problems: list[str] = []
    rules: list[Rule] = []
    for path in paths or DEFAULTS:
        rules.extend(_read(path, problems))
    if not problems:
        rules = _with_one_category_per_key(rules, problems)
    if problems:
        raise RulesError("\n".join(problems))
    return RuleSet(tuple(rules))


def _read(path: Path, problems: list[str]) -> Iterator[Rule]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        problems.append(f"{path}: cannot be read ({error.strerror}).")
        return
    except ValueError as error:  # also of a number of thousands of digits
        problems.append(f"{path}: is not TOML: {error}.")
        return
    except RecursionError:
        problems.append(f"{path}: is nested too deeply for a rule file.")
        return
    backends = content.pop("backend", None)
    problems.extend(f"{path}: has an unknown key or table “{printable(key)}”; remove it." for key in content)
    if not isinstance(backends, dict) or not backends:
        problems.append(f"{path}: has no rules; add a table like [backend.debian] with a list of categories.")
        return
    for backend, table in backends.items():
        where = f"{path}: [backend.{printable(backend)}]"
        if not isinstance(table, dict) or not isinstance(table.get("categories"), list):
            problems.append(f'{where} needs categories = [{{name = "…", log_has = "…"}}, …].')
            continue
        unknown = sorted(set(table) - {"categories"})
        problems.extend(f"{where} has an unknown key “{printable(key)}”; remove it." for key in unknown)
        yield from _rules(path, backend, table["categories"], problems)


def _rules(path: Path, backend: str, entries: list[Any], problems: list[str]) -> Iterator[Rule]:
    seen: set[str] = set()
    for number, entry in enumerate(entries, 1):
        name = entry.get("name") if isinstance(entry, dict) else None
        shown = f" “{printable(name)}”" if isinstance(name, str) else ""
        found = list(_problems(entry)) if isinstance(entry, dict) else ["is no table"]
        if not found and path not in DEFAULTS:
            found.extend(_regex_problems(entry))
        if not found and name in seen:
            found.append("has a name that an earlier rule of this list has; rename one of them")
        where = f"{path}: [backend.{printable(backend)}] rule {number}{shown}"
        problems.extend(f"{where} {problem}." for problem in found)
        if not found:
            seen.add(str(name))
            yield _rule(path, backend, number, entry)


def _rule(path: Path, backend: str, number: int, entry: dict[str, Any]) -> Rule:
    name = entry["name"]
    category = Category(
        entry.get("key", slug(name)), name, entry.get("class", ""), entry.get("temporary"), entry.get("action"),
        entry.get("bug"), entry.get("description"), tuple(entry.get("formerly", ())),
    )  # fmt: skip
    matcher = next(key for key in MATCHERS if key in entry)
    value = entry[matcher]
    needles = () if value is True else (value,) if isinstance(value, str) else tuple(value)
    excluded = tuple(entry.get("exclude_architectures", ()))
    return Rule(category, matcher, needles, excluded, backend, str(path), number)


def _problems(entry: dict[str, Any]) -> Iterator[str]:
    """What is wrong with one rule, each as the rest of a sentence about it."""
    if not _is_text(entry.get("name")):
        yield 'needs a name = "…"'
    for key in sorted(set(entry) - _KEYS):
        yield f"has an unknown key “{printable(key)}”; remove it"
    for key in _TEXTS:
        if key in entry and not _is_text(entry[key]):
            yield f'has a {key} that is no text; write {key} = "…"'
    for key in _LISTS:
        if key in entry and not _is_list_of_texts(entry[key]):
            yield f'has {key} that is no list of texts; write {key} = ["…"]'
    for key, allowed in (("class", CLASSES), ("temporary", TEMPORARY)):
        if _is_text(entry.get(key)) and entry[key] not in allowed:
            yield f"has the {key} “{printable(entry[key])}”; it must be one of {', '.join(allowed)}"
    if _is_text(entry.get("key")) and entry["key"] != slug(entry["key"]):
        yield f"has the key “{printable(entry['key'])}”; write it as {slug(entry['key'])}"
    matchers = [matcher for matcher in MATCHERS if matcher in entry]
    if len(matchers) == 1:
        yield from _matcher_problems(matchers[0], entry[matchers[0]])
    else:
        found = f"has {' and '.join(matchers)}" if matchers else "has no matcher"
        yield f"{found}; give it exactly one of {', '.join(MATCHERS)}"


def _matcher_problems(matcher: str, value: Any) -> Iterator[str]:
    kind = MATCHERS[matcher]
    if kind is bool and value is not True:
        yield f"must say {matcher} = true"
    elif kind is str and not _is_text(value):
        yield f'has a {matcher} that is no text or an empty one; write {matcher} = "…"'
    elif kind is list and not (_is_list_of_texts(value) and value):
        yield f'has a {matcher} that is no list of texts or an empty one; write {matcher} = ["…", "…"]'


def _regex_problems(entry: dict[str, Any]) -> Iterator[str]:
    # Not asked of our own rules, whose regexes are tested: compiling them takes longer than a run.
    for matcher in sorted(set(entry) & {"log_has_re", "diff_has_re"}):
        try:
            compile_pattern(entry[matcher])
        except PatternError as error:
            yield f"has a regex that cannot be used: {printable(str(error))}"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(_is_text(item) for item in value)


def _with_one_category_per_key(rules: list[Rule], problems: list[str]) -> list[Rule]:
    """The same rules, those of one key with one category: of each attribute what is said first."""
    categories: dict[str, Category] = {}
    for rule in rules:
        known = categories.setdefault(rule.category.key, rule.category)
        for field in fields(Category):
            said, says = getattr(known, field.name), getattr(rule.category, field.name)
            if said and says and said != says:
                what = field.name.rstrip("_")
                problems.append(
                    f"{rule} has another {what} than an earlier rule of the key {known.key}; make them agree."
                )
            elif says:
                known = replace(known, **{field.name: says})
        categories[known.key] = known
    complete = {key: replace(each, class_=each.class_ or "unknown") for key, each in categories.items()}
    problems.extend(_clashes(complete.values()))
    return [replace(rule, category=complete[rule.category.key]) for rule in rules]


def _clashes(categories: Iterable[Category]) -> Iterator[str]:
    """Former keys that say of one series that it goes on in two places."""
    owners = {category.key: category for category in (*BUILT_IN, *categories)}
    for category in list(owners.values()):
        for former in category.formerly:
            owner = owners.setdefault(former, category)
            if owner is not category:
                yield (
                    f"Category “{printable(category.name)}” was formerly {printable(former)}, but so is or was "
                    f"“{printable(owner.name)}”; leave it to one of them."
                )
