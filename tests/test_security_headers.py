"""Every answer says what a browser may do with it, and no page of ours does more."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from browsing import Visit
from helpers import one
from inside import Inside, inside
from playwright.sync_api import Browser

pytest_plugins = ("site_fixtures",)

ENDLESS = "WITH+RECURSIVE+n(i)+AS+(SELECT+1+UNION+ALL+SELECT+i%2B1+FROM+n)+SELECT+count(*)+FROM+n"
WITH_CHARTS = [
    "/reproducibility/builds",
    "/reproducibility/builds/1",
    "/reproducibility/package_status",
    "/reproducibility/failures_by_category",
    "/reproducibility?sql=SELECT+1",
    "/-/dashboards/why",
    "/-/dashboards/why/categories",
]
PAGES = [
    "/",
    "/data",
    "/questions",
    "/search?q=acl",
    "/statistics",
    "/statistics/builds-per-day",
    "/package/acl",
    "/rebuilder/tiny",
    "/category/missing-dependency",
    "/origin/debian/trixie/amd64",
    "/-/dashboards",
    "/reproducibility",
]
ERRORS = [
    "/of-no-page",
    "/-/threads",
    "/reproducibility/of-no-table",
    "/reproducibility?sql=SELECT+x",
    f"/reproducibility?sql={ENDLESS}",
    "/reproducibility/builds?_sort=of-no-column",
]
OTHERS = [
    "/reproducibility/builds.json",
    "/reproducibility/builds.csv?_stream=on",
    "/reproducibility/feed_failures.atom",
    "/reproducibility/builds/",
    "/metrics",
    "/statistics.json",
    "/badge/package/acl.svg",
    "/api/v1/builds",
    "/api/v1/of-no-path",
    "/failures/0/log",
    "/-/static/app.css",
    "/static/charts.js",
    "/favicon.ico",
]


@pytest.fixture(scope="module")
def inner(site_folder: Path) -> Iterator[Inside]:
    with inside(site_folder, sql_time_limit_ms=500) as site:
        yield site


@pytest.fixture(scope="module")
def answers(inner: Inside) -> dict[str, httpx.Response]:
    paths = [*PAGES, *WITH_CHARTS, *ERRORS, *OTHERS]
    return dict(zip(paths, inner.requests(paths), strict=True))


def script_sources(policy: str) -> set[str]:
    return set(policy.split("script-src ")[1].split(";")[0].split())


def test_every_answer_has_each_header_once(answers: dict[str, httpx.Response]) -> None:
    for path, answer in answers.items():
        assert answer.headers.get_list("X-Content-Type-Options") == ["nosniff"], path
        assert answer.headers.get_list("Referrer-Policy") == ["no-referrer"], path
        (policy,) = answer.headers.get_list("Content-Security-Policy")
        assert policy.startswith(("default-src 'self';", "default-src 'none';")), path
        assert policy.endswith("frame-ancestors 'none'"), path
        assert not re.search("script-src[^;]*'unsafe-inline'", policy), path


def test_what_came_from_elsewhere_keeps_its_stricter_policy(inner: Inside, site_folder: Path) -> None:
    failure = one(
        site_folder / "reproducibility.db", "SELECT max(id) FROM failures WHERE log_bytes IS NOT NULL"
    )
    for path in (f"/failures/{failure}/log", "/failures/0/log", "/badge/package/acl.svg"):
        policy = inner.get(path).headers["Content-Security-Policy"]
        assert policy == "default-src 'none'; sandbox; frame-ancestors 'none'"


def test_only_pages_that_draw_charts_may_make_code_out_of_text(answers: dict[str, httpx.Response]) -> None:
    for path in [*PAGES, *WITH_CHARTS, *ERRORS]:
        answer = answers[path]
        sources = script_sources(answer.headers["Content-Security-Policy"])
        assert ("'unsafe-eval'" in sources) == (path in WITH_CHARTS), path
        assert ("vega" in answer.text) == (path in WITH_CHARTS), path
        assert "'self'" in sources


def test_text_of_others_allows_nothing(inner: Inside) -> None:
    """A policy follows from the scripts that Datasette is known to have, never from what stands in a page."""
    script = '<script src="/-/static-plugins/datasette_vega/x.js"></script><script>alert(1)</script>'
    before = inner.get("/search?q=acl").headers["Content-Security-Policy"]
    assert inner.get("/search", params={"q": script}).headers["Content-Security-Policy"] == before
    charts = inner.get("/-/dashboards/why").headers["Content-Security-Policy"]
    narrowed = inner.get("/-/dashboards/why", params={"release": f"'{script}"})
    assert narrowed.headers["Content-Security-Policy"] == charts
    assert "<script>alert(1)" not in narrowed.text


# In a browser


@pytest.fixture
def reports(browser: Browser, site: str) -> Iterator[tuple[Visit, list[str]]]:
    """A browser, and what it reports that a page was kept from."""
    visit = Visit(browser.new_context().new_page(), site)
    found: list[str] = []
    visit.page.expose_function("note", lambda report: found.append(report))
    visit.page.add_init_script(
        "addEventListener('securitypolicyviolation', e => note(`${e.violatedDirective} ${e.blockedURI}`))"
    )
    yield visit, found
    visit.page.context.close()


def opened(visit: Visit, path: str) -> None:
    visit.page.goto(visit.site + path)
    if path in WITH_CHARTS:
        visit.page.wait_for_load_state("networkidle")


def test_no_kind_of_page_is_kept_from_anything(reports: tuple[Visit, list[str]]) -> None:
    visit, found = reports
    for path in [*PAGES, *WITH_CHARTS[-4:], *ERRORS[-4:], "/badge/package/acl.svg", "/failures/1/log"]:
        opened(visit, path)
        assert not found, path


def test_what_a_reader_opens_on_pages_is_kept_from_nothing(reports: tuple[Visit, list[str]]) -> None:
    visit, found = reports
    page = visit.page
    opened(visit, "/reproducibility?sql=select+status,count(*)+as+n+from+builds+group+by+status")
    page.get_by_role("button", name="Format SQL").click()
    page.locator("#vis-tool button, .vis-tool button, button:has-text('chart')").first.click()
    page.wait_for_timeout(300)
    opened(visit, "/reproducibility/builds")
    page.locator("th svg.dropdown-menu-icon, th .dropdown-menu-icon").first.click()
    opened(visit, "/-/dashboards/why")
    page.locator(".vega-embed summary").first.click()
    assert not found


def test_a_script_that_got_into_a_page_is_not_run_and_reported(reports: tuple[Visit, list[str]]) -> None:
    visit, found = reports
    for path in ("/", "/-/dashboards/why"):
        opened(visit, path)
        visit.page.evaluate(
            "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = 1\">')"
        )
        # Not by wait_for_function, which makes a function out of text and is kept from that, too.
        for _ in range(100):
            if found:
                break
            visit.page.wait_for_timeout(50)
        assert visit.page.evaluate("window.ran") is None
        assert found.pop().startswith("script-src")
