"""Tells a person at a terminal how far a long run is; silent elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click


class Progress:
    """Bars and lines on stderr, nothing where stderr is no terminal or silence was asked for."""

    def __init__(self, *, silent: bool = False) -> None:
        self.visible = not silent and sys.stderr.isatty()

    def say(self, text: str) -> None:
        if self.visible:
            click.echo(text, err=True)

    @contextmanager
    def bar(self, label: str, length: int) -> Iterator[Callable[[int], None]]:
        """A bar of ``length`` steps, none for none; yields what to call with the steps done since the last call."""
        if not self.visible or not length:
            yield lambda steps: None
            return
        with click.progressbar(length=length, label=label, file=sys.stderr) as bar:
            yield bar.update
