"""The page of data: what is there, how to get it, and that what it says is so."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
import yaml
from browsing import Visit
from helpers import one
from playwright.sync_api import Browser
from served import lay_out, serving

from ingest import schema

pytest_plugins = ("site_fixtures",)

ROOT = Path(__file__).parent.parent
QUESTIONS = sorted((ROOT / "canned_queries" / "reproducibility").glob("*.yml"))


@pytest.fixture(scope="module")
def page(site: str) -> str:
    return httpx.get(f"{site}/data").raise_for_status().text


def code(page: str, id: str) -> str:
    found = re.search(rf'<code id="{id}">(.*?)</code>', page, re.DOTALL)
    assert found
    return unescape(found[1])


def test_every_table_and_view_is_there_with_every_column_and_its_unit(page: str) -> None:
    for name, about in schema.descriptions().items():
        found = re.search(rf'<section id="{name}".*?</section>', page, re.DOTALL)
        assert bool(found) != about.get("hidden", False), name
        if found:
            columns = re.findall(r'<th scope="row"><code>(.*?)</code></th><td[^>]*>(.*?)</td>', found[0])
            assert {column: unescape(meaning) for column, meaning in columns} == about["columns"]
            assert found[0].count('data-label="Unit"></td>') == len(columns) - len(about.get("units", {}))


def test_views_come_before_tables(page: str) -> None:
    views, _, tables = page.partition('<h2 id="tables">')
    assert all(
        (f'<section id="{name}"' in views) == (name in schema.views()) for name in ("attempts", "builds")
    )
    assert '<section id="builds"' in tables


def test_every_question_is_there_with_its_parameters(page: str) -> None:
    listed = page.partition('<h2 id="questions">')[2]
    for about in map(yaml.safe_load, (path.read_text() for path in QUESTIONS)):
        found = re.search(rf">{re.escape(about['title'])}</a>.*?</tr>", unescape(listed), re.DOTALL)
        assert found, about["title"]
        assert re.findall(r"<code>(\w+)</code>", found[0]) == about["params"]


def test_every_page_that_it_names_opens(page: str, site: str) -> None:
    content = page.partition("<main")[2].partition("</main>")[0]
    links = {urljoin(f"{site}/data", unescape(link)) for link in re.findall(r'href="([^"#]+)', content)}
    pages = [link for link in links if link.startswith(site) and not re.search(r"\.(json|csv)\b", link)]
    assert len(pages) > 80
    with httpx.Client(timeout=30) as client:
        assert [link for link in pages if client.get(link).status_code != 200] == []


def test_the_commands_for_curl_give_rows(page: str, site: str) -> None:
    addresses = re.findall(r"curl '([^']+)'", code(page, "curl"))
    assert len(addresses) == 2
    assert all(row["status"] == "BAD" for row in httpx.get(addresses[0]).raise_for_status().json())
    assert httpx.get(addresses[1]).raise_for_status().text.count("\n") > 100
    (address,) = re.findall(r"curl -G '([^']+)'", code(page, "curl"))
    parameters = dict(value.split("=", 1) for value in re.findall(r"urlencode '([^']+)'", code(page, "curl")))
    assert httpx.get(address, params=parameters).raise_for_status().json()[0]["total"] > 0


def test_the_program_in_python_prints_every_row(page: str, site_folder: Path) -> None:
    program = code(page, "python").replace("_size=max", "_size=3")
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    assert (
        printed.count("\n") == one(site_folder / "reproducibility.db", "SELECT count(*) FROM regressions") > 3
    )


def test_limits_are_those_of_the_settings(page: str) -> None:
    settings = json.loads((ROOT / "settings.json").read_text())
    limits = page.partition('<h2 id="limits">')[2].partition("<h2")[0]
    assert f"{settings['max_returned_rows']:,} rows" in limits
    assert f"{settings['sql_time_limit_ms'] / 1000:g} seconds" in limits
    assert f"{settings['default_cache_ttl']} seconds" in limits


def test_the_page_tells_how_fresh_the_data_are_and_their_licence(page: str) -> None:
    assert re.search(r'tiny</a>: read <time datetime="\d{4}-', page)
    assert "licence of the data is not stated" in page.partition('<h2 id="licence">')[2].partition("<h2")[0]


def test_a_licence_that_the_operator_states_is_shown_on_every_page(tmp_path: Path, site_folder: Path) -> None:
    folder = lay_out(tmp_path / "licensed")
    (folder / "reproducibility.db").symlink_to(site_folder / "reproducibility.db")
    metadata = (folder / "metadata.yml").read_text()
    (folder / "metadata.yml").unlink()
    stated = "license: CC-BY-4.0\nlicense_url: https://creativecommons.org/licenses/by/4.0/\n"
    (folder / "metadata.yml").write_text(stated + metadata)
    with serving(folder) as address:
        for path in ("/", "/data", "/reproducibility/builds"):
            shown = httpx.get(address + path).text
            assert 'rel="license" href="https://creativecommons.org/licenses/by/4.0/">CC-BY-4.0' in shown
            assert "not stated" not in shown
        assert httpx.get(f"{address}/reproducibility/builds.json").json()["license"] == "CC-BY-4.0"


def test_a_cell_of_csv_is_what_json_has_also_where_spreadsheets_see_a_formula(site: str) -> None:
    cells = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '=HYPERLINK("https://x.example")', "a\r\n=b"]
    asked = {"sql": "SELECT value AS cell FROM json_each(:cells)", "cells": json.dumps(cells)}
    text = httpx.get(f"{site}/reproducibility.csv", params=asked).text
    rows = httpx.get(f"{site}/reproducibility.json", params=asked | {"_shape": "array"}).json()
    assert [row["cell"] for row in rows] == cells
    assert list(csv.DictReader(io.StringIO(text, newline=""))) == rows


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_page_fits_and_has_no_problem(browser: Browser, site: str, width: int, scheme: str) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    visit = Visit(context.new_page(), site)
    visit.open("/data")
    visit.page.locator("summary").first.click()
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
    assert visit.problems == []
