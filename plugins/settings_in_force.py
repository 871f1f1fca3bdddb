"""Refuses to start where ``settings.json`` would not count: Datasette reads it only where no setting is given otherwise.

A limit that falls back to Datasette's own opens what was shut, or cuts what was whole, without a word.
"""

import json
import shlex
import sys
from pathlib import Path

import click
from datasette import hookimpl
from datasette.app import DEFAULT_SETTINGS

OURS = Path(__file__).resolve().parent.parent


@hookimpl
def startup(datasette):
    file = next(
        path
        for folder in (datasette.config_dir, OURS)
        if folder and (path := folder / "settings.json").exists()
    )
    wanted, given = json.loads(file.read_text("utf-8")), on_purpose()
    lost = {
        name: value
        for name, value in wanted.items()
        if name not in given and datasette.setting(name) == DEFAULT_SETTINGS[name] != value
    }
    if lost:
        words = [*sys.argv[1:], *(word for name, value in lost.items() for word in option(name, value))]
        raise click.ClickException(
            f"{file} is not read, since Datasette reads it only where no --setting is given, and"
            f" {', '.join(lost)} would not be what they are there. Write your setting into that file, or give all:"
            f"\n\n  datasette {shlex.join(words)}"
        )


def on_purpose():
    """The names of the settings that stand in the command."""
    context = click.get_current_context(silent=True)
    asked = context.params if context else {}
    return {name for name, _ in [*(asked.get("settings") or ()), *(asked.get("config") or ())]}


def option(name, value):
    return "--setting", name, str(value).lower() if isinstance(value, bool) else str(value)
