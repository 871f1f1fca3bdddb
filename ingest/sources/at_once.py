"""Asks a server for many things, several at a time, until it is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

REQUESTS_AT_ONCE = 8
GIVE_UP_AFTER = 8
"""How many questions in a row a server may leave unanswered before it is taken to be gone."""

Wanted = TypeVar("Wanted")
Answer = TypeVar("Answer")


def asked(
    ask: Callable[[Wanted], tuple[Answer, bool]], wanted: Iterable[Wanted]
) -> Iterator[tuple[Wanted, Answer | None]]:
    """What was wanted with the answer, as they come; None for what was not asked any more.

    ``ask`` runs in several threads; it tells an answer, and whether the server answered at all.
    """
    unasked = iter(wanted)
    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        running: dict[Future[tuple[Answer, bool]], Wanted] = {}
        unanswered = 0
        while True:
            if unanswered < GIVE_UP_AFTER:
                for each in islice(unasked, REQUESTS_AT_ONCE - len(running)):
                    running[pool.submit(ask, each)] = each
            if not running:
                break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                answer, answered = future.result()
                unanswered = 0 if answered else unanswered + 1
                yield running.pop(future), answer
    for each in unasked:
        yield each, None
