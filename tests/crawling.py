"""Whoever follows links: which pages there are, where links lead, and what is wrong with them."""

from __future__ import annotations

import html
import re
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

import httpx

LINK = re.compile(r'<(?:a|link|script|img|form)\b[^>]*?\s(?:href|src|action)="([^"]*)"')
NAME = re.compile(r"\d+|(?<=/package/)[^/]+|(?<=/origin/)[^?]+|(?<=/category/)[^/]+")


@dataclass
class Crawl:
    """What was found."""

    links: set[str] = field(default_factory=set)
    """Of the site itself, in full."""
    followed: Counter[str] = field(default_factory=Counter)
    """How many pages of each kind."""
    broken: list[str] = field(default_factory=list)


def thing(path: str) -> str:
    """What pages have in common that show the same of different things."""
    path, question, _ = path.partition("?")
    return NAME.sub("…", path) + question


def shape(path: str) -> str:
    """What pages have in common that the same code makes: of tables and questions, one each with the same options."""
    path, _, query = path.partition("?")
    first, *more = path.removeprefix("/").split("/")
    if first == "-":
        return path
    options = sorted({name.partition("=")[0] for name in query.split("&") if name.startswith(("_", "sql"))})
    return f"/{first}{'/…' * len(more)}{path[path.rfind('.') :] if '.' in path else ''}?{'&'.join(options)}"


def crawl(
    client: httpx.Client,
    site: str,
    of_a_kind: int,
    kind: Callable[[str], str] = thing,
    starts: Iterable[str] = ("/",),
) -> Crawl:
    """Follows links of a site, so many of each kind."""
    found = Crawl()
    origin = urlsplit(site).netloc
    waiting = deque((f"{site}{start}", "the address bar") for start in starts)
    seen = {address for address, _ in waiting}
    while waiting:
        address, found_on = waiting.popleft()
        answer = client.get(address)
        if answer.status_code != 200:
            found.broken.append(f"{answer.status_code} {address} (linked on {found_on})")
        for target in (str(answer.url), *linked(answer)):
            parts = urlsplit(urljoin(str(answer.url), target))
            if parts.netloc != origin:
                continue
            there = parts._replace(fragment="").geturl()
            found.links.add(there)
            what = kind(there.removeprefix(site))
            if there not in seen and found.followed[what] < of_a_kind:
                seen.add(there)
                found.followed[what] += 1
                waiting.append((there, address))
    return found


def linked(answer: httpx.Response) -> list[str]:
    """The links of a page, and those that its header or its JSON has."""
    links = [link["url"] for link in answer.links.values()]
    type = answer.headers.get("content-type", "")
    if type.startswith("text/html"):
        links += map(html.unescape, LINK.findall(answer.text))
    if type.startswith("application/json"):
        links += re.findall(r'"(?:next_url|toggle_url|url)": ?"(https?:[^"]+)"', answer.text)
    return links
