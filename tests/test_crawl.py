"""Whoever follows links from the front page finds pages that are there, on every kind of page."""

from __future__ import annotations

import httpx
from crawling import crawl

pytest_plugins = ("site_fixtures",)

PAGES_OF_A_KIND = 4
"""The rest look alike."""


def test_no_link_leads_nowhere(site: str) -> None:
    with httpx.Client(timeout=30, follow_redirects=True) as client:
        found = crawl(client, site, PAGES_OF_A_KIND)
    assert not found.broken
    assert found.followed.total() > 200
    for start in ("/package/…", "/origin/…", "/category/…", "/failures/…/log", "/-/dashboards/why", "/data"):
        assert any(what.startswith(start) for what in found.followed), start
