"""Asks a server for the next list while one is read: the two of us seldom need the same processor."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor

from ingest.sources.body import Body
from ingest.sources.http import Client, Query

Request = tuple[str, Query]
"""The path and the query of a GET."""


def bodies(client: Client, requests: Iterable[Request], largest: int) -> Generator[Body, None, None]:
    """The bodies, of at most ``largest`` bytes, in the order of the requests, each open until the next one is taken.

    Never more than one is fetched ahead; when this is closed, what is under way ends with the client.
    Raises what ``Client.body`` raises.
    """
    pool = ThreadPoolExecutor(1)
    fetched = (pool.submit(client.body, "GET", path, query, largest=largest) for path, query in requests)
    try:
        following = next(fetched, None)
        while following is not None:
            with following.result() as body:
                following = next(fetched, None)
                yield body
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
