"""The ``rebuilderd-datasette`` command."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingest import __version__, interrupts
from ingest.cli_export import export
from ingest.cli_rules import rules as rules_commands
from ingest.cli_statistics import PLUGINS_DIR
from ingest.cli_statistics import statistics as statistics_commands
from ingest.errors import ConfigError, IngestError, RulesError, unforeseen

if TYPE_CHECKING:
    from ingest.config import Aliases, Instance
    from ingest.failures import Keep, Options
    from ingest.pipeline import Result
    from ingest.progress import Progress
    from ingest.sinks.sending import Configured


class _Interruptible(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            interrupts.end()


@click.group(cls=_Interruptible, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def cli() -> None:
    """Publish what rebuilderd knows about reproducible builds with Datasette."""


_DATABASE = click.argument("database", type=click.Path(dir_okay=False, path_type=Path))
_EXISTING_DATABASE = click.argument("database", type=click.Path(exists=True, dir_okay=False, path_type=Path))
_RULES = click.option(
    "--rules",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Rules that say why a build failed, instead of our own. Several are read in this order.",
)
_WORKERS = click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=lambda: os.cpu_count() or 1,
    show_default="all processors",
    help="How many logs are read at once.",
)
_SILENT = click.option("--silent", is_flag=True, help="No progress and no summary, errors only.")


@cli.command()
@_DATABASE
@click.argument("source", required=False)
@click.option("--name", help="Name of the rebuilder. Default: host and path, or the file's name.")
@click.option(
    "--release",
    help="Release of the packages, where the source does not say (old databases, API v0). Remembered; "
    "an empty one takes it back.",
)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Ingest every rebuilder of this TOML file, one run each.",
)
@_RULES
@click.option(
    "--keep-logs",
    type=click.Choice(["failing", "all", "none"]),
    default="failing",
    show_default=True,
    help="Which logs to keep beside DATABASE, to be read in the browser and to be explained anew.",
)
@click.option(
    "--log-days",
    type=click.IntRange(1),
    help="Forget the logs of builds that are more days older than the newest.",
)
@_WORKERS
@PLUGINS_DIR
@click.option("--full", is_flag=True, help="Read everything anew, not only what is new.")
@_SILENT
def ingest(
    database: Path,
    source: str | None,
    name: str | None,
    release: str | None,
    config: Path | None,
    rules: tuple[Path, ...],
    keep_logs: Keep,
    log_days: int | None,
    workers: int,
    plugins_dir: Path | None,
    full: bool,
    silent: bool,
) -> None:
    """Read a rebuilder into DATABASE, which is made if it is not there.

    SOURCE is the URL of a rebuilderd, its SQLite file, or a saved JSON
    response. What kind it is, is found out.

    \b
    Examples:
      rebuilderd-datasette ingest reproducibility.db https://rebuilder.example/amd64
      rebuilderd-datasette ingest reproducibility.db /var/lib/rebuilderd/rebuilderd.db --name debian-amd64
      rebuilderd-datasette ingest reproducibility.db old.db --release trixie
      rebuilderd-datasette ingest reproducibility.db --config rebuilders.toml
    """
    from ingest.config import Config, Instance, read_config
    from ingest.failures import Options
    from ingest.progress import Progress
    from ingest.sinks.sending import configured

    if (source is None) == (config is None):
        raise click.UsageError("Give either a SOURCE or --config FILE.")
    if config and (name or release):
        raise click.UsageError("--name and --release belong in the configuration when --config is given.")
    try:
        known = read_config(config) if config else Config((Instance(str(source), name, release),))
        options = Options(rules or known.rules, keep_logs, log_days, workers)
        if options.rules:
            _ = options.rule_set
    except (ConfigError, RulesError) as error:
        raise click.ClickException(str(error)) from error
    if not all(instance.rebuilder for instance in known.instances):
        raise click.UsageError(f"“{source}” gives no name to call the rebuilder by; name it with --name.")
    if known.aliases is not None:
        _remember_aliases(database, known.aliases)
    plugins_dir = plugins_dir or known.plugins_dir
    progress = Progress(silent=silent)
    try:
        # Looked at before anything is read: a mistake in the file shall not wait for the end of a long run.
        with configured(known.sinks, plugins_dir) as sinks:
            failed = [
                instance
                for instance in known.instances
                if not _ingest_one(database, instance, full, options, plugins_dir, progress, silent)
            ]
            _send(database, sinks)
    except IngestError as error:
        raise click.ClickException(str(error)) from error
    if failed:
        sys.exit(1)


def _send(database: Path, sinks: list[Configured]) -> None:
    """A sink that is down is no failure of an ingest: it gets what it missed from the next one."""
    from ingest.sinks import sending

    _, problems = sending.send(database, sinks)
    for problem in problems:
        click.echo(f"Warning: {problem}", err=True)


def _remember_aliases(database: Path, aliases: Aliases) -> None:
    from ingest.releases import remember_aliases

    try:
        remember_aliases(database, aliases)
    except IngestError as error:
        raise click.ClickException(str(error)) from error


def _ingest_one(
    database: Path,
    instance: Instance,
    full: bool,
    options: Options,
    plugins_dir: Path | None,
    progress: Progress,
    silent: bool,
) -> bool:
    from ingest import pipeline

    try:
        result = pipeline.ingest(
            database, instance, full=full, progress=progress, options=options, plugins_dir=plugins_dir
        )
    except IngestError as error:
        click.echo(f"Error: {error}", err=True)
        return False
    except Exception as error:  # It shall not stop the other rebuilders.
        click.echo(f"Error: {instance.rebuilder}: {unforeseen(error)}", err=True)
        return False
    if not silent:
        click.echo(summary(result))
    return True


def summary(result: Result) -> str:
    """One line about a run, and one for each thing to know of it."""
    if result.unchanged:
        text = "unchanged"
    else:
        counts = {
            "builds": result.builds,
            "failures": result.failures,
            "status changes": result.status_changes,
        }
        counts |= {
            table.replace("_", " "): result.written.get(table, 0)
            for table in ("source_packages", "binary_packages")
        }
        counts["snapshots"] = result.snapshots
        text = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count) or "nothing new"
    return "\n  ".join([f"{result.rebuilder}: {text} ({result.seconds:.1f} s)", *result.notes])


@cli.command()
@_EXISTING_DATABASE
@_RULES
@_WORKERS
@_SILENT
def categorise(database: Path, rules: tuple[Path, ...], workers: int, silent: bool) -> None:
    """Say anew why each build in DATABASE failed, after rules changed.

    Reads the logs that were kept; no rebuilder is asked.

    \b
    Examples:
      rebuilderd-datasette categorise reproducibility.db
      rebuilderd-datasette categorise reproducibility.db --rules rebuilderd-stats.conf
    """
    from ingest import categorise as categories
    from ingest.failures import Options
    from ingest.progress import Progress

    try:
        result = categories.categorise(database, Options(rules, workers=workers), Progress(silent=silent))
    except IngestError as error:
        raise click.ClickException(str(error)) from error
    if not silent:
        click.echo(
            f"{result.failures:,} failures, {result.changed:,} changed by rule set {result.rule_set}"
            f" ({result.seconds:.1f} s)"
        )
        if result.without_log:
            click.echo(f"  {result.without_log:,} stay as they were, since their logs are not kept")
        for note in result.notes:
            click.echo(f"  {note}")


@cli.command()
@_EXISTING_DATABASE
@click.option(
    "--forget", metavar="NAME", help="First forget one that was never read, such as a mistyped one."
)
def rebuilders(database: Path, forget: str | None) -> None:
    """List the rebuilders in DATABASE: how fresh each is, and what went wrong last.

    \b
    Examples:
      rebuilderd-datasette rebuilders reproducibility.db
      rebuilderd-datasette rebuilders reproducibility.db --forget debian-amd46
    """
    from ingest import store
    from ingest.sources.location import published_name

    try:
        if forget is not None:
            store.forget(database, published_name(forget))
        known = store.freshness(database)
    except IngestError as error:
        raise click.ClickException(str(error)) from error
    if not known:
        click.echo("No rebuilder was ingested yet.")
    for row in known:
        click.echo(f"{row['rebuilder']} ({row['kind'] or 'never read'})")
        for label, value in (
            ("source", row["url"]),
            ("last ingest", row["last_success_at"] or "never"),
            ("source packages", row["kind"] and f"{row['current_source_packages']:,} current"),
            ("builds", row["kind"] and f"{row['builds']:,}"),
            ("last error", row["last_error"] and f"{row['last_error_at']} {row['last_error']}"),
        ):
            if value:
                click.echo(f"  {label + ':':<17}{value}")


cli.add_command(export)
cli.add_command(rules_commands)
cli.add_command(statistics_commands)
