"""Places for answers that cost much: as many are made at a time, whoever asks for them and with whatever parameters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ingest.api.question import ApiError

PLACES = 2
PATIENCE = 10.0
"""Seconds that a reader waits for a place."""


class Places:
    """Given in the order in which they were asked for. For one event loop."""

    def __init__(self, places: int = PLACES, patience: float = PATIENCE) -> None:
        self._free = asyncio.Semaphore(places)
        self._patience = patience

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Raises ApiError where none is free in time."""
        try:
            async with asyncio.timeout(self._patience):
                await self._free.acquire()
        except TimeoutError:
            raise ApiError(
                503, "Too many whole lists are asked for just now; ask again in a while, or for pages."
            ) from None
        try:
            yield
        finally:
            self._free.release()
