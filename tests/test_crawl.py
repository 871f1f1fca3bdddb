"""Whoever follows links from the front page finds pages that are there, on every kind of page."""

from __future__ import annotations

import html
import re
from collections import Counter, deque
from urllib.parse import urljoin, urlsplit

import httpx

pytest_plugins = ("site_fixtures",)

PAGES_OF_A_KIND = 4
"""Links of one kind (a package's page, a table's row, …) that are followed; the rest look alike."""
LINK = re.compile(r'<(?:a|link)\b[^>]*?\shref="([^"]*)"')
NAME = re.compile(r"\d+|(?<=/package/)[^/]+|(?<=/origin/)[^?]+|(?<=/category/)[^/]+")


def kind(path: str, query: str) -> str:
    """What pages have in common that show the same of different things."""
    return NAME.sub("…", path) + ("?" if query else "")


def test_no_link_leads_nowhere(site: str) -> None:
    seen, followed = {"/"}, Counter[str]()
    waiting = deque([("/", "the address bar")])
    broken = []
    with httpx.Client(base_url=site, timeout=30, follow_redirects=True) as client:
        while waiting:
            address, found_on = waiting.popleft()
            answer = client.get(address)
            if answer.status_code != 200:
                broken.append(f"{answer.status_code} {address} (linked on {found_on})")
            if not answer.headers.get("content-type", "").startswith("text/html"):
                continue
            for link in LINK.findall(answer.text):
                target = urlsplit(urljoin(site + address, html.unescape(link)))
                if f"{target.scheme}://{target.netloc}" != site:
                    continue
                there = target.path + (f"?{target.query}" if target.query else "")
                what = kind(target.path, target.query)
                if there not in seen and followed[what] < PAGES_OF_A_KIND:
                    seen.add(there)
                    followed[what] += 1
                    waiting.append((there, address))
    assert not broken
    assert len(seen) > 200
    for start in ("/package/…", "/origin/…", "/category/…", "/failures/…/log", "/-/dashboards/why", "/data"):
        assert any(what.startswith(start) for what in followed), start
