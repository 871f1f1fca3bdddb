"""Fixtures: the site, served by a real Datasette, and a real Chromium. Use: ``pytest_plugins = ("site_fixtures",)``."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import Visit
from conftest import unavailable
from helpers import DAEMON, ingest
from playwright.sync_api import Browser, sync_playwright
from served import lay_out, serving

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
# A browser of its own accord asks its maker's servers for this and that.
QUIET = "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --no-first-run"


@pytest.fixture(scope="session")
def site_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site with a small database."""
    folder = lay_out(tmp_path_factory.mktemp("served") / "site")
    ingest(folder / "reproducibility.db", DAEMON, name="tiny")
    return folder


@pytest.fixture(scope="session")
def site(site_folder: Path) -> Iterator[str]:
    """The address of the site with a small database."""
    with serving(site_folder) as address:
        yield address


@pytest.fixture(scope="session")
def started_browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        unavailable("Chromium is missing: apt install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET.split())
        yield chromium
        chromium.close()


@pytest.fixture
def browser(started_browser: Browser) -> Iterator[Browser]:
    """Chromium, whose pages are closed after each test: those that stay open go on drawing."""
    yield started_browser
    for context in started_browser.contexts:
        context.close()


@pytest.fixture
def visit(browser: Browser, site: str) -> Visit:
    return Visit(browser.new_context(viewport={"width": 1200, "height": 900}).new_page(), site)
