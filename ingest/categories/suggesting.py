"""Rules for what no rule knows yet: the last words of logs, alike ones together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from ingest.categories.evidence import clean
from ingest.categories.matcher import Matcher
from ingest.categories.rules import UNCATEGORISED, Category, Rule, RuleSet
from ingest.kept_failures import KeptFailure
from ingest.values import slug

LONGEST_LINE = 1000
"""Characters. Of a longer line the end counts, where tools write what went wrong."""

LONGEST_NAME = 80

_LINES_READ = 400
"""How many of the last lines of a log may hold its last error."""

_TELLS = re.compile(
    r"\b(?:error|fatal|fail(?:ed|ure|s)?|cannot|can't|could not|couldn't|unable|denied|refused|missing"
    r"|not found|no such|abort(?:ed|ing)?|died|killed|exception|panic(?:ked)?|segmentation fault"
    r"|truncated|differs|mismatch)\b",
    re.IGNORECASE,
)
_MARKED = re.compile(r"(?<![A-Z])E: [A-Z]")
"""How the tools of Debian begin an error, sometimes in the middle of a line that another one writes."""

_FRAME = re.compile(r"[|+*=─│-]")
"""What a line begins with that is part of a box or of a diffoscope output."""

_ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")

_VARIES = re.compile(
    r"(?P<word>\w{2,10}://\S+[^\s\"'<>:,;.()]|\b[a-z0-9][\w+.-]*_\d[\w:.+~-]*[\w+~]|(?<![\w.<])(?:\.{0,2}|~)/\S*[^\s\"'<>:,;.()])"
    r"|(?P<hash>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{7,128}\b)"
    r"|(?P<version>(?:\d+:)?\d+(?:[.+~-]\w[\w+~]*)+)"
    r"|(?P<number>\d+)"
)
_AS_REGEX = {
    "package": r"\S+",
    "word": r"\S+",
    "hash": r"[0-9a-f-]+",
    "version": r"[\w:.+~-]+",
    "number": r"\d+",
}
_SPECIAL = re.compile(r"[\\.^$*+?{}\[\]()|]")


@dataclass(slots=True)
class Suggestion:
    """Failures of a distribution that ended alike: in ``line``, but for what varies in it.

    ``taken`` are those that its rule would take away from another one.
    """

    distribution: str
    line: str
    varying: re.Pattern[str]
    count: int = 0
    packages: dict[str, int] = field(default_factory=dict)
    taken: int = 0

    def add(self, package: str) -> None:
        self.count += 1
        self.packages[package] = self.packages.get(package, 0) + 1

    @property
    def name(self) -> str:
        """The line as a category's name, what varies left out; of a long one its end."""
        words = self.varying.sub("…", self.line).split()
        while len(" ".join(words)) > LONGEST_NAME and len(words) > 1:
            words.pop(0)
        return " ".join(words)[-LONGEST_NAME:] or "…"

    @property
    def matcher(self) -> tuple[str, str]:
        """A matcher and what it looks for: the line itself, as a regex where parts of it vary."""
        if not self.varying.search(self.line):
            return "log_has", self.line
        regex, end = "", 0
        for match in self.varying.finditer(self.line):
            regex += _SPECIAL.sub(r"\\\g<0>", self.line[end : match.start()])
            regex += _AS_REGEX[match.lastgroup or "word"]
            end = match.end()
        return "log_has_re", regex + _SPECIAL.sub(r"\\\g<0>", self.line[end:])


def last_error(log: str) -> str | None:
    """The last line that tells of an error, else the last one that has words."""
    lines = [_readable(line) for line in log.splitlines()[-_LINES_READ:]]
    lines = [line for line in lines if re.search(r"\w", line)]
    lines = [line for line in lines if not _FRAME.match(line)] or lines
    for line in reversed(lines):
        if marked := _MARKED.search(line):
            return line[marked.start() :]
        if _TELLS.search(line):
            return line
    return lines[-1] if lines else None


def _tells(line: str) -> bool:
    return bool(_MARKED.search(line) or _TELLS.search(line))


def _readable(line: str) -> str:
    """The longest part of a line that a rule can look for as it stands in the log."""
    if line.isprintable() and "\ufffd" not in line:
        return line.strip()[-LONGEST_LINE:]
    readable = "".join(
        character if character.isprintable() and character != "\ufffd" else "\n"
        for character in _ESCAPE.sub("\n", line)
    )
    return max(readable.split("\n"), key=len).strip()[-LONGEST_LINE:]


def suggestions(failures: Iterable[tuple[str, str, str, str]]) -> list[Suggestion]:
    """What failures have in common, the most frequent first, what tells of no error last.

    Each failure is a distribution, the source package's name and version, and the log.
    """
    found: dict[tuple[str, str], Suggestion] = {}
    for distribution, name, version, log in failures:
        line = last_error(log)
        if line is None:
            continue
        varying = _varying(name)
        key = distribution, varying.sub("…", line)
        alike = found.setdefault(key, Suggestion(distribution, line, varying))
        alike.add(f"{name} {version}")
    # A last line that tells of no error stands in many logs: it must not come before those that do.
    return sorted(found.values(), key=lambda each: (not _tells(each.line), -each.count))


def unexplained(rules: RuleSet) -> set[str]:
    """The keys of categories that give no reason: of rules that always hold, and where none holds."""
    return {UNCATEGORISED.key, *(rule.category.key for rule in rules.rules if rule.matcher == "catch_all")}


def tried(found: list[Suggestion], rules: RuleSet, failures: Iterable[KeptFailure]) -> list[Suggestion]:
    """The suggestions that explain something, counted anew: what each explains as a rule, after the
    distribution's other rules and the suggestions before it."""
    nothing = unexplained(rules)
    by_key = {f"suggestion {number}": each for number, each in enumerate(found)}
    suggested = (
        Rule(Category(key, key), matcher, (needle,), (), each.distribution, "", 0)
        for key, each in by_key.items()
        for matcher, needle in [each.matcher]
    )
    others = (rule for rule in rules.rules if rule.category.key not in nothing)
    without, together = Matcher(rules), Matcher(RuleSet((*others, *suggested)))
    for each in found:
        each.count = 0
        each.packages.clear()
    for failure in failures:
        (verdict,) = together.match(failure.as_failed())
        if winner := by_key.get(verdict.category):
            (before,) = without.match(failure.as_failed())
            if before.category in nothing:
                winner.add(f"{failure.name} {failure.version}")
            else:
                winner.taken += 1
    return [each for each in found if each.count]


@lru_cache(maxsize=4096)
def _varying(package: str) -> re.Pattern[str]:
    """What varies from failure to failure, the package's own name among it."""
    if len(package) < 3:
        return _VARIES
    return re.compile(rf"(?P<package>[\w.+~-]*\b{re.escape(package)}\b[\w.+~-]*)|{_VARIES.pattern}")


def as_toml(found: Iterable[Suggestion], keys: Iterable[str] = ()) -> Iterator[str]:
    """A rule file, piece by piece, with a comment on how many failures each rule is for; ``keys`` are
    those of other categories."""
    taken = set(keys)
    for each in found:
        name, number = each.name, 1
        while slug(name) in taken:
            number += 1
            name = f"{each.name} ({number})"
        taken.add(slug(name))
        matcher, needle = each.matcher
        package, *others = each.packages
        failures = "1 failure" if each.count == 1 else f"{each.count:,} failures"
        packages = f"{len(each.packages):,} packages, such as {package}" if others else package
        comments = [f"# {failures} of {clean(packages)}"]
        if each.taken:
            comments.append(f"# It also holds for {each.taken:,} that other rules explain: ask for more.")
        yield "\n".join(
            (
                *comments,
                f"[[backend.{_key(each.distribution)}.categories]]",
                f"name = {_quoted(name)}",
                f"{matcher} = {_quoted(needle)}",
                'class = "unknown"',
                "",
            )
        )


def _key(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z0-9_-]+", text) else _quoted(text)


def _quoted(text: str) -> str:
    """A TOML string; what does not print was removed before."""
    if "'" not in text:
        return f"'{text}'"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
