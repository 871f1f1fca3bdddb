"""The commands ``statistics list``, ``run``, ``rebuild``, ``record`` and ``send``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ingest.errors import IngestError

if TYPE_CHECKING:
    import sqlite3

    from ingest.logs import LogStore
    from ingest.statistics.engine import Report

_DATABASE = click.argument("database", type=click.Path(exists=True, dir_okay=False, path_type=Path))
PLUGINS_DIR = click.option(
    "--plugins-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of *.py files with statistics of your own.",
)


@click.group()
def statistics() -> None:
    """Compute statistics over time, and record values of your own."""


@statistics.command("list")
@_DATABASE
def list_(database: Path) -> None:
    """List the statistics in DATABASE: what they say, how far they go, and what went wrong.

    \b
    Example:
      rebuilderd-datasette statistics list reproducibility.db
    """
    import sqlite3

    from ingest import store

    try:
        with store.reading_database(database) as connection:
            connection.row_factory = sqlite3.Row
            found = connection.execute("SELECT * FROM statistics ORDER BY name").fetchall()
    except IngestError as error:
        raise click.ClickException(str(error)) from error
    if not found:
        click.echo("No statistic was computed yet.")
    for row in found:
        click.echo(f"{row['name']}{'' if row['is_installed'] else ' (no longer installed)'}: {row['title']}")
        unit, by = row["unit"], ", ".join(json.loads(row["dimensions"]))
        for label, value in (
            ("kind", " ".join(filter(None, (row["kind"], unit and f"in {unit}", by and f"by {by}")))),
            ("values", f"{row['first_at']} to {row['last_at']}" if row["first_at"] else "none"),
            ("plugin", " ".join(filter(None, (row["plugin"], row["plugin_version"]))) or "recorded"),
            ("last error", row["last_error"] and f"{row['last_error_at']} {row['last_error']}"),
        ):
            if value:
                click.echo(f"  {label + ':':<12}{value}")


@statistics.command()
@_DATABASE
@click.argument("name", required=False)
@PLUGINS_DIR
def run(database: Path, name: str | None, plugins_dir: Path | None) -> None:
    """Compute what is missing in DATABASE, of all statistics or of the one called NAME.

    Every ingest does this too.

    \b
    Examples:
      rebuilderd-datasette statistics run reproducibility.db
      rebuilderd-datasette statistics run reproducibility.db builds-per-day
    """
    from ingest.statistics import engine

    with _writing(database) as (connection, logs):
        report = engine.update(connection, _now(), logs, plugins_dir=plugins_dir, name=name)
    _say(report)


@statistics.command()
@_DATABASE
@click.argument("name")
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"]), help="Only from this time on (UTC)."
)
@click.option("--drop", is_flag=True, help="Remove also what cannot be computed again.")
@PLUGINS_DIR
def rebuild(database: Path, name: str, since: datetime | None, drop: bool, plugins_dir: Path | None) -> None:
    """Compute the statistic NAME in DATABASE anew.

    What cannot be computed again stays: values that were recorded, and those from
    before the statistic's backlog. With --drop it goes, and so does a statistic
    that no plugin brings any more.

    \b
    Examples:
      rebuilderd-datasette statistics rebuild reproducibility.db builds-per-day --since 2026-11-01
      rebuilderd-datasette statistics rebuild reproducibility.db former-statistic --drop
    """
    from ingest.statistics import engine

    since = since.replace(tzinfo=UTC) if since else None
    with _writing(database) as (connection, logs):
        report = engine.rebuild(
            connection, _now(), logs, name, since=since, drop=drop, plugins_dir=plugins_dir
        )
    _say(report)


@statistics.command(context_settings={"ignore_unknown_options": True})
@_DATABASE
@click.argument("name")
@click.argument("value", type=float)
@click.option("--at", help="When it was so, such as 2026-11-01 or 2026-11-01T12:00:00Z. Default: now.")
@click.option(
    "--dimension",
    "dimensions",
    multiple=True,
    metavar="KEY=VALUE",
    help="What the value is of; several may be given. rebuilder, origin and category lead to their rows.",
)
def record(database: Path, name: str, value: float, at: str | None, dimensions: tuple[str, ...]) -> None:
    """Record a VALUE of the statistic NAME in DATABASE.

    A statistic that is not there is made. A value with the same time and
    dimensions is replaced.

    \b
    Examples:
      rebuilderd-datasette statistics record reproducibility.db workers-paid-for 12
      rebuilderd-datasette statistics record reproducibility.db power 230.5 --at 2026-11-01 --dimension host=node1
    """
    from ingest.statistics import record as record_value

    if wrong := [pair for pair in dimensions if "=" not in pair]:
        raise click.UsageError(f"--dimension {wrong[0]}: give KEY=VALUE, such as host=node1.")
    pairs = dict(pair.split("=", 1) for pair in dimensions)
    if len(pairs) < len(dimensions):
        raise click.UsageError("--dimension: a key is given twice; give each once.")
    try:
        moment = datetime.fromisoformat(at) if at else None
    except ValueError as error:
        raise click.UsageError(f"--at {at}: not a time; give one such as 2026-11-01T12:00:00Z.") from error
    try:
        record_value(database, name, _whole(value), at=moment, dimensions=pairs)
    except IngestError as error:
        raise click.ClickException(str(error)) from error


@statistics.command()
@_DATABASE
@click.option(
    "--config",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The rebuilders.toml that names the sinks.",
)
@PLUGINS_DIR
def send(database: Path, config: Path, plugins_dir: Path | None) -> None:
    """Send measurements in DATABASE to the sinks of a configuration: what each did not get yet.

    Every ingest with --config does this too.

    \b
    Example:
      rebuilderd-datasette statistics send reproducibility.db --config rebuilders.toml
    """
    from ingest.config import read_config
    from ingest.sinks import sending

    try:
        known = read_config(config)
        if not known.sinks:
            raise click.ClickException(f"{config}: names no sink; add a table like [sinks.archive].")
        with sending.configured(known.sinks, plugins_dir or known.plugins_dir) as sinks:
            sent, problems = sending.send(database, sinks)
    except IngestError as error:
        raise click.ClickException(str(error)) from error
    for name, count in sent.items():
        click.echo(f"{name}: {f'{count:,} values sent' if count else 'nothing new'}")
    for problem in problems:
        click.echo(f"Error: {problem}", err=True)
    if problems:
        sys.exit(1)


def _whole(value: float) -> int | float:
    """An integer as one, up to where floats stop to tell integers apart."""
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def _now() -> datetime:
    from ingest import values
    from ingest.statistics.periods import parse

    return parse(values.now())


def _say(report: Report) -> None:
    for name, changed in report.written.items():
        click.echo(f"{name}: {f'{changed:,} values changed' if changed else 'nothing new'}")
    for problem in report.problems:
        click.echo(f"Error: {problem}", err=True)
    if report.problems:
        sys.exit(1)


@contextmanager
def _writing(database: Path) -> Iterator[tuple[sqlite3.Connection, LogStore]]:
    from ingest import store
    from ingest.logs import store_of

    try:
        with (
            store.open_database(database) as connection,
            store_of(database, connection) as logs,
            store.saying(database),
            store.transaction(connection, database),
        ):
            yield connection, logs
    except IngestError as error:
        raise click.ClickException(str(error)) from error
