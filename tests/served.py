"""A real Datasette that serves the repository's site from a folder of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

ROOT = Path(__file__).parent.parent
SITE = ("metadata.yml", "settings.json", "canned_queries", "dashboards", "plugins", "static", "templates")


def lay_out(folder: Path) -> Path:
    """The site without a database, in a folder of its own."""
    folder.mkdir(exist_ok=True)
    for name in SITE:
        (folder / name).symlink_to(ROOT / name)
    return folder


def datasette(folder: Path, *options: str) -> subprocess.Popen[str]:
    """Starts ``datasette folder`` from another folder, on a free port."""
    return subprocess.Popen(
        [sys.executable, "-m", "datasette", str(folder), "--port", "0", *options],
        cwd=folder.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of the site in ``folder`` while it is served."""
    with answering(datasette(folder)) as address:
        yield address


@contextmanager
def answering(server: subprocess.Popen[str]) -> Iterator[str]:
    """The address at which a server that was just started answers; it is ended afterwards."""
    assert server.stdout
    said = ""
    try:
        for line in server.stdout:
            said += line
            if address := re.search(r"running on (http://127\.0\.0\.1:\d+)", line):
                # It says a line for each request, and stops when nobody reads them.
                Thread(target=server.stdout.read, daemon=True).start()
                yield address[1]
                break
        else:
            pytest.fail(f"Datasette did not start:\n{said}")
    finally:
        server.terminate()
        server.wait(timeout=20)
