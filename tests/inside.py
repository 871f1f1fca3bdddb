"""The site in this process: what it answers, without a server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from datasette.app import Datasette


class Inside:
    """Asks a site; what escapes from it is raised."""

    def __init__(self, site: Datasette, runner: asyncio.Runner, thread: ThreadPoolExecutor) -> None:
        self.site = site
        self._runner = runner
        self._thread = thread

    def request(self, method: str, path: str, **given: Any) -> httpx.Response:
        (answer,) = self.requests([path], method, **given)
        return answer

    def get(self, path: str, **given: Any) -> httpx.Response:
        return self.request("GET", path, **given)

    def requests(self, paths: list[str], method: str = "GET", **given: Any) -> list[httpx.Response]:
        """Asks for all of them at the same time."""

        async def answers() -> list[httpx.Response]:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(transport=transport, base_url="http://site.example") as client:
                return await asyncio.gather(*(client.request(method, path, **given) for path in paths))

        return self._thread.submit(self._runner.run, answers()).result()

    def start(self) -> None:
        self._app = self.site.app()
        self._thread.submit(self._runner.run, self.site.invoke_startup()).result()


@contextmanager
def inside(folder: Path, **settings: Any) -> Iterator[Inside]:
    """The site in a folder, with some settings changed.

    A browser that other tests keep open has a loop in their thread; this one has its own.
    """
    given = json.loads((folder / "settings.json").read_text()) | settings
    with ThreadPoolExecutor(1) as thread:
        runner = asyncio.Runner()
        site = Inside(Datasette(config_dir=folder, settings=given), runner, thread)
        try:
            site.start()
            yield site
        finally:
            thread.submit(runner.close).result()
