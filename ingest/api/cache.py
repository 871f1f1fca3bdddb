"""Answers by what was asked, as long as the database says the same."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable

from ingest.api.body import Body

LARGEST = 128 * 1024**2
"""Bytes of compressed answers that are kept; the least recently used go first."""
_ENTRY = 1024
"""What an answer takes beside its bytes, about."""


class Cache:
    """Forgets everything when the state of the database changes. For one event loop."""

    def __init__(self, largest: int = LARGEST) -> None:
        self._largest = largest
        self._state: Hashable = None
        self._size = 0
        self._answers: OrderedDict[Hashable, Body] = OrderedDict()
        self._asked: dict[Hashable, asyncio.Task[Body]] = {}

    async def get(self, state: Hashable, key: Hashable, make: Callable[[], Awaitable[Body]]) -> Body:
        """The answer to ``key``; one that is just being made is waited for, not made twice."""
        if state != self._state:
            self._state, self._size = state, 0
            self._answers.clear()
            self._asked.clear()
        if body := self._answers.get(key):
            self._answers.move_to_end(key)
            return body
        if not (task := self._asked.get(key)):
            task = self._asked[key] = asyncio.ensure_future(self._make(state, key, make))
        # Of several who wait one may leave: the others are still served.
        return await asyncio.shield(task)

    async def _make(self, state: Hashable, key: Hashable, make: Callable[[], Awaitable[Body]]) -> Body:
        try:
            body = await make()
        finally:
            if state == self._state:
                self._asked.pop(key, None)
        if state == self._state:
            self._keep(key, body)
        return body

    def _keep(self, key: Hashable, body: Body) -> None:
        self._answers[key] = body
        self._size += len(body.content) + _ENTRY
        while self._size > self._largest:
            _, oldest = self._answers.popitem(last=False)
            self._size -= len(oldest.content) + _ENTRY
