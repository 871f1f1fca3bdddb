"""Refuses to publish any other database than ours: a rebuilder's own file holds its workers' keys."""

from pathlib import Path

import click
from datasette import hookimpl


@hookimpl
def startup(datasette):
    published = {name: db for name, db in datasette.databases.items() if not name.startswith("_")}
    ours = published.pop("reproducibility", None)
    if published:
        files = ", ".join(str(db.path) for db in published.values())
        raise click.ClickException(
            f"{files} would be published too, and a rebuilder's own database holds its workers' keys."
            " Move everything but reproducibility.db that ends in .db, .sqlite or .sqlite3 out of this folder."
        )
    if ours is None or not Path(ours.path).exists():  # a link may lead to where nothing is yet
        raise click.ClickException(
            "There is no reproducibility.db in this folder yet. Make one with"
            " `rebuilderd-datasette ingest reproducibility.db <url or file>`, or run `make demo`."
        )
