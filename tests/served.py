"""A real Datasette that serves the repository's site from a folder of its own."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import httpx
import pytest
from datasette.app import Datasette

ROOT = Path(__file__).parent.parent
SITE = ("metadata.yml", "settings.json", "canned_queries", "dashboards", "plugins", "static", "templates")


def lay_out(folder: Path, **settings: object) -> Path:
    """The site without a database, in a folder of its own, with some settings changed."""
    folder.mkdir(exist_ok=True)
    for name in SITE:
        (folder / name).symlink_to(ROOT / name)
    if settings:
        ours = json.loads((ROOT / "settings.json").read_text())
        (folder / "settings.json").unlink()
        (folder / "settings.json").write_text(json.dumps(ours | settings))
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


class Site:
    """The site in ``folder``, asked in this process: no server, no port, no waiting for either."""

    def __init__(self, folder: Path) -> None:
        # In a thread of its own, since a browser of another test may have a loop in this one.
        self._thread = ThreadPoolExecutor(1)
        self._loop = asyncio.new_event_loop()
        self._datasette = Datasette([], config_dir=folder)

    def get(self, path: str, **parameters: str) -> httpx.Response:
        asked = self._datasette.client.get(path, params=parameters or None)
        return self._thread.submit(self._loop.run_until_complete, asked).result()

    def close(self) -> None:
        self._thread.shutdown()
        self._loop.close()


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
