"""The commands of rule authors: ``rules check``, ``rules explain`` and ``rules suggest``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from ingest.errors import IngestError

if TYPE_CHECKING:
    from ingest.categories.matcher import Explanation
    from ingest.categories.rules import Category, Rule, RuleSet

_DATABASE = click.Path(exists=True, dir_okay=False, path_type=Path)
_RULES = click.option(
    "--rules",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Rule file to use instead of the default rules; may be given several times.",
)


@click.group()
def rules() -> None:
    """Write and try rules that say why builds failed."""


@rules.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--database", type=_DATABASE, help="Say also which rules match no failure in this database.")
def check(file: Path | None, database: Path | None) -> None:
    """Find what is wrong with the rules in FILE, or with the default rules.

    A rule that cannot be followed is an error (exit code 1). A rule that never
    wins, because one before it always does, and a rule that matches nothing in
    the database are reported only.

    \b
    Examples:
      rebuilderd-datasette rules check rebuilderd-stats.conf
      rebuilderd-datasette rules check rebuilderd-stats.conf --database reproducibility.db
    """
    from ingest.categories.checking import never_winning
    from ingest.categories.rules import load_rules
    from ingest.values import printable

    with _as_sentences():
        loaded = load_rules([file] if file else ())
        for rule, before in never_winning(loaded):
            click.echo(
                f"{rule} never wins: rule {before.number} “{printable(before.category.name)}” holds wherever it does."
            )
        if database:
            for line in _unmatched(loaded, database):
                click.echo(line)
        categories = len({rule.category.key for rule in loaded.rules})
        click.echo(f"Rules: {len(loaded.rules)}, categories: {categories}, rule set: {loaded.version}.")


@rules.command()
@click.argument("log", type=click.File("rb"))
@click.option("--diffoscope", type=click.File("rb"), help="diffoscope's output for the artifact.")
@click.option("--distribution", default="debian", show_default=True, help="Whose rules to try.")
@click.option("--architecture", default="amd64", show_default=True, help="What {arch} stands for.")
@_RULES
def explain(
    log: BinaryIO, diffoscope: BinaryIO | None, distribution: str, architecture: str, files: tuple[Path, ...]
) -> None:
    """Say which rule wins for LOG, where it matches, and which others would have won.

    LOG and diffoscope's output are plain text, or compressed with zstd or gzip;
    “-” reads from standard input.

    \b
    Examples:
      rebuilderd-datasette rules explain build.log
      rebuilderd-datasette rules explain build.log --diffoscope diff.txt --architecture arm64
      curl -s https://rebuilder.example/api/v1/builds/7/log | rebuilderd-datasette rules explain -
    """
    from ingest.categories.matcher import Matcher
    from ingest.categories.rules import load_rules

    with _as_sentences():
        matcher = Matcher(load_rules(files))
        texts = _content(log), _content(diffoscope) if diffoscope else b""
        explanations = matcher.explain(distribution, architecture, *texts)
    for line in _explained(explanations):
        click.echo(line)


@rules.command()
@click.argument("database", type=_DATABASE)
@_RULES
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many rules to write."
)
def suggest(database: Path, files: tuple[Path, ...], limit: int) -> None:
    """Write a rule file for the uncategorised failures in DATABASE.

    Each rule is for failures whose logs end in the same error, numbers, paths and
    versions aside, the most frequent first. Give the rules better names, and
    leave out what says nothing.

    \b
    Example:
      rebuilderd-datasette rules suggest reproducibility.db > new.toml
    """
    from ingest.categories.rules import load_rules
    from ingest.categories.suggesting import as_toml, suggestions, tried
    from ingest.kept_failures import kept_failures

    with _as_sentences():
        loaded = load_rules(files)
        found = suggestions(_uncategorised(database, loaded))
        if found:
            found = tried(found, loaded, kept_failures(database))
        else:
            click.echo("No failure is uncategorised whose log is kept.", err=True)
    for rule in as_toml(found[:limit], (category.key for category in loaded.categories())):
        click.echo(rule)


@contextmanager
def _as_sentences() -> Iterator[None]:
    """What is wrong with a rule file, a log or a database, a line each, and exit code 1."""
    try:
        yield
    except IngestError as error:
        click.echo("\n".join(f"Error: {line}" for line in str(error).splitlines()), err=True)
        sys.exit(1)


def _content(file: BinaryIO) -> bytes:
    """A log as plain bytes. Raises IngestError for one that rules cannot be tried on."""
    from ingest import compressed
    from ingest.categories.texts import LARGEST, UnreadableError
    from ingest.errors import SourceError
    from ingest.kept_failures import decompressed

    content = file.read(LARGEST + 1)
    try:
        if compressed.is_zstd(content) or compressed.is_gzip(content):
            return decompressed(content)
    except UnreadableError as error:
        raise SourceError(f"{file.name}: {error.reason}; name another file.") from error
    if len(content) > LARGEST:
        raise SourceError(f"{file.name}: is larger than {LARGEST >> 20} MiB; give the part that matters.")
    return content


def _explained(explanations: list[Explanation]) -> Iterator[str]:
    winner = next((each for each in explanations if each.won), None)
    yield _headline(winner.instead or winner.rule.category) if winner else "No rule holds: uncategorised"
    if winner:
        yield f"  {winner.rule}"
        yield from _where(winner)
    others = [each for each in explanations if each.holds and not each.won]
    if others:
        yield "These rules hold as well, but come later:"
    for each in others:
        yield f"  {_headline(each.rule.category)}"
        yield from (f"  {line}" for line in _where(each))
    for each in explanations:
        if each.problem:
            yield f"Not tried: {each.rule}: {each.problem}"


def _headline(category: Category) -> str:
    from ingest.values import printable

    return f"{printable(category.name)} ({category.key}, {category.class_ or 'unknown'})"


def _where(explanation: Explanation) -> Iterator[str]:
    if explanation.evidence:
        at = (
            f"{explanation.rule.reads} line {explanation.line}"
            if explanation.line
            else explanation.rule.reads
        )
        first, *more = explanation.evidence.splitlines()
        yield f"  {at}: {first}"
        yield from (f"    {line}" for line in more)


def _unmatched(loaded: RuleSet, database: Path) -> Iterator[str]:
    """A line for every rule that holds for none of the failures it was tried on."""
    from ingest.categories.matcher import Matcher
    from ingest.categories.texts import UnreadableError
    from ingest.kept_failures import kept_failures

    matcher = Matcher(loaded)
    tried: set[Rule] = set()
    matched: set[Rule] = set()
    count = 0
    for failure in kept_failures(database):
        try:
            texts = failure.texts()
        except UnreadableError:
            continue
        count += 1
        for each in matcher.explain(failure.distribution, failure.architecture, *texts):
            tried.add(each.rule)
            if each.holds:
                matched.add(each.rule)
    yield from (f"{rule} matches no failure." for rule in loaded.rules if rule in tried - matched)
    others = [name for name in loaded.distributions() if not any(rule.backend == name for rule in tried)]
    if others:
        yield f"The rules for {', '.join(others)} were not tried: no failure with a log is theirs."
    yield f"{count:,} failures with logs were tried."


def _uncategorised(database: Path, loaded: RuleSet) -> Iterator[tuple[str, str, str, str]]:
    from ingest.categories.matcher import Matcher
    from ingest.categories.suggesting import unexplained
    from ingest.categories.texts import UnreadableError
    from ingest.kept_failures import kept_failures

    matcher = Matcher(loaded)
    nothing = unexplained(loaded)
    for failure in kept_failures(database):
        (verdict,) = matcher.match(failure.as_failed())
        if verdict.category in nothing:
            try:
                log = failure.texts()[0].decode("utf-8", "replace")
            except UnreadableError:
                continue
            yield failure.distribution, failure.name, failure.version, log
