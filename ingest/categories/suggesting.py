"""Rules for what no rule knows yet: the last words of logs, alike ones together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ingest.categories.evidence import clean

LONGEST_LINE = 300
"""Characters. Of a longer line the end counts, where tools write what went wrong."""

_LINES_READ = 400
"""How many of the last lines of a log may hold its last error."""

_TELLS = re.compile(
    r"\b(?:error|fatal|fail(?:ed|ure|s)?|cannot|can't|could not|couldn't|unable|denied|refused|missing"
    r"|not found|no such|abort(?:ed|ing)?|died|killed|exception|panic(?:ked)?|segmentation fault)\b|^E: ",
    re.IGNORECASE,
)

_VARIES = re.compile(
    r"""(?P<url>\b\w{2,10}://[^\s"'<>]+)"""
    r"""|(?P<path>(?<![\w.<])(?:\.{0,2}|~)/[^\s"'<>:,;()]+)"""
    r"""|(?P<hash>\b(?=[0-9a-f]*\d)[0-9a-f]{7,128}\b|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b)"""
    r"""|(?P<version>\b(?:\d+:)?\d+(?:[.+~-][\w+~]+)+)"""
    r"""|(?P<number>\d+)"""
)
_AS_REGEX = {
    "url": r"""[^\s"'<>]+""",
    "path": r"""[^\s"'<>]+""",
    "hash": "[0-9a-f-]+",
    "version": r"[\w:.+~-]+",
    "number": r"\d+",
}


@dataclass(slots=True)
class Suggestion:
    """Failures of a distribution that ended alike; ``line`` is the last error of the first of them."""

    distribution: str
    line: str
    count: int = 0
    packages: Counter[str] = field(default_factory=Counter)

    @property
    def name(self) -> str:
        """The line as a category's name, what varies left out."""
        return " ".join(_VARIES.sub("…", self.line).split())[:80].strip()

    @property
    def matcher(self) -> tuple[str, str]:
        """A matcher and what it looks for: the line itself, as a regex where parts of it vary."""
        regex, end = "", 0
        for match in _VARIES.finditer(self.line):
            regex += re.escape(self.line[end : match.start()]) + _AS_REGEX[str(match.lastgroup)]
            end = match.end()
        if not end:
            return "log_has", self.line
        return "log_has_re", (regex + re.escape(self.line[end:])).replace(r"\ ", " ")


def last_error(log: str) -> str | None:
    """The last line that tells of an error, else the last one that is not empty."""
    lines = [clean(line).strip() for line in log.splitlines()[-_LINES_READ:]]
    lines = [line[-LONGEST_LINE:] for line in lines if any(character.isalpha() for character in line)]
    return next((line for line in reversed(lines) if _TELLS.search(line)), lines[-1] if lines else None)


def suggestions(failures: Iterable[tuple[str, str, str]]) -> list[Suggestion]:
    """What failures have in common, the most frequent first.

    Each failure is a distribution, the package for people, and the log.
    """
    found: dict[tuple[str, str], Suggestion] = {}
    for distribution, package, log in failures:
        line = last_error(log)
        if line is None:
            continue
        alike = found.setdefault((distribution, _VARIES.sub("…", line)), Suggestion(distribution, line))
        alike.count += 1
        alike.packages[package] += 1
    return sorted(found.values(), key=lambda each: -each.count)


def as_toml(found: Iterable[Suggestion]) -> Iterator[str]:
    """A rule file, piece by piece, with a comment on how often each rule is for."""
    names: Counter[tuple[str, str]] = Counter()
    for each in found:
        name = each.name or "…"
        names[each.distribution, name] += 1
        if (again := names[each.distribution, name]) > 1:
            name = f"{name} ({again})"
        matcher, needle = each.matcher
        package = each.packages.most_common(1)[0][0]
        failures = "1 failure" if each.count == 1 else f"{each.count:,} failures"
        yield "\n".join(
            (
                f"# {failures} of {len(each.packages):,} packages, for example {clean(package)}",
                f"[[backend.{_quoted(each.distribution)}.categories]]",
                f"name = {_quoted(name)}",
                f"{matcher} = {_quoted(needle)}",
                'class = "unknown"',
                "",
            )
        )


def _quoted(text: str) -> str:
    """A TOML string; what does not print was removed before."""
    if "'" not in text:
        return f"'{text}'"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
