"""The command ``export``."""

from __future__ import annotations

from pathlib import Path

import click

from ingest.errors import IngestError

FORMATS = ("reproducible-json", "tracker-json", "stats-json", "requeue")


@click.command()
@click.argument("format", type=click.Choice(FORMATS))
@click.argument("database", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File to write, replaced when all is written. Default: standard output.",
)
@click.option("--distribution", help="Only this distribution; most formats do not tell them apart.")
@click.option("--release", help="Only this release, by its name or an alias.")
@click.option("--rebuilder", help="Only what this rebuilder says.")
def export(
    format: str,
    database: Path,
    output: Path | None,
    distribution: str | None,
    release: str | None,
    rebuilder: str | None,
) -> None:
    """Write what DATABASE knows in a format that others read.

    \b
    Formats:
      reproducible-json  source packages with their results, the interchange format of distributions
      tracker-json       a summary for each package, for Debian's package tracker
      stats-json         totals and categories by day, as upstream's proposed statistics
      requeue            rebuildctl commands for what is worth another try

    \b
    Examples:
      rebuilderd-datasette export reproducible-json reproducibility.db -o reproducible.json
      rebuilderd-datasette export requeue reproducibility.db --rebuilder debian-amd64
    """
    from ingest import store
    from ingest.exports import FORMATS as lines_of
    from ingest.exports.selection import Selection
    from ingest.exports.writing import write_atomically

    selection = Selection(distribution, release, rebuilder)
    try:
        with store.reading_database(database) as connection:
            connection.execute("BEGIN")  # all statements of a format see one state
            selection.check(connection)
            lines = lines_of[format](connection, selection)
            if output:
                write_atomically(output, lines)
            else:
                for line in lines:
                    click.echo(line, nl=False)
    except IngestError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(
            f"{output or 'standard output'}: cannot be written ({error.strerror}); nothing was changed."
        ) from error
