"""Why packages fail, as the site tells it: questions, the dashboard and tables, over HTTP and in a browser."""

from __future__ import annotations

import re
import shlex
import shutil
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
import yaml
from browsing import Visit, marks
from helpers import DAEMON, change, ingest, one, rows, run, text
from playwright.sync_api import Browser
from served import lay_out, serving

pytest_plugins = ("site_fixtures",)

ROOT = Path(__file__).parent.parent
DASHBOARD = yaml.safe_load((ROOT / "dashboards" / "why.yml").read_text())
CLASS_COLOURS = {
    "infrastructure": "#56b4e9",
    "archive": "#7b5ea7",
    "build": "#d55e00",
    "unreproducible": "#e69f00",
    "unknown": "#999999",
}
# Rules of an operator who knows one reason only.
ONE_RULE = """
[[backend.all.categories]]
name = "Does not build"
log_has = "E: Build failure (dpkg-buildpackage died"
class = "build"
"""


def ask(site: str, question: str, **parameters: str) -> list[dict[str, Any]]:
    reply = httpx.get(f"{site}/reproducibility/{question}.json", params={"_shape": "array", **parameters})
    found: list[dict[str, Any]] = reply.raise_for_status().json()
    return found


def page(site: str, path: str, **parameters: str) -> str:
    return httpx.get(f"{site}/reproducibility/{path}", params=parameters).raise_for_status().text


def rows_behind(site: str, link: str) -> int:
    """How many rows a link of the site leads to."""
    path, _, query = unescape(link).partition("?")
    found = httpx.get(urljoin(site, f"{path}.json?{query}")).raise_for_status().json()
    return int(found.get("filtered_table_rows_count", len(found["rows"])))


# Questions


def test_every_current_failure_is_in_one_category(site: str, site_folder: Path) -> None:
    found = ask(site, "failures_by_category")
    assert sum(row["failures"] for row in found) == one(
        site_folder / "reproducibility.db", "SELECT count(*) FROM current_failures"
    )
    assert [row["packages"] for row in found] == sorted((row["packages"] for row in found), reverse=True)


@pytest.mark.parametrize("parameters", [{}, {"architecture": "amd64", "release": "forky"}])
def test_numbers_of_a_category_lead_to_as_many_rows(site: str, parameters: dict[str, str]) -> None:
    html = page(site, "failures_by_category", **parameters)
    links = re.findall(r'<td class="col-(?:packages|failures)"><a href="([^"]+)">(\d+)</a>', html)
    assert len(links) == 2 * len(ask(site, "failures_by_category", **parameters)) > 0
    for link, number in links:
        assert rows_behind(site, link) == int(number), link


def test_numbers_of_a_class_lead_to_rows(site: str) -> None:
    html = page(site, "infrastructure_or_package")
    failures = re.findall(r'<td class="col-failures"><a href="([^"]+)">(\d+)</a>', html)
    assert len(failures) == len(ask(site, "infrastructure_or_package"))
    for link, number in failures:
        assert rows_behind(site, link) == int(number), link
    packages = re.findall(r'<td class="col-packages"><a href="([^"]+)">', html)
    assert packages and all(rows_behind(site, link) for link in packages)


def test_a_category_is_found_by_its_key_and_by_its_name(site: str) -> None:
    by_key = ask(site, "packages_in_category", category="does-not-build")
    assert by_key and by_key == ask(site, "packages_in_category", category=" Does NOT build ")
    assert ask(site, "packages_in_category", category="of-no-rule") == []


def test_categories_over_time_are_those_of_the_daily_view(site: str, site_folder: Path) -> None:
    found = ask(site, "categories_over_time", every="1", top="2", since="2026-11-01")
    day = found[0]["day"]
    assert sum(row["failures"] for row in found if row["day"] == day) == one(
        site_folder / "reproducibility.db", "SELECT sum(failures) FROM daily_categories WHERE day = ?", day
    )
    assert len({row["category"] for row in found}) == 3
    assert found[0]["kind"] == "counted"


def test_a_retry_command_is_safe_to_paste(site_folder: Path, tmp_path: Path) -> None:
    hostile = ["x'; touch /tmp/broken; '", "$(reboot)", "a b", "-H evil", "new\nline", "ümlaut", "`id`"]
    folder = lay_out(tmp_path / "site")
    database = folder / "reproducibility.db"
    shutil.copyfile(site_folder / "reproducibility.db", database)
    temporary = rows(
        database, "SELECT DISTINCT source_package_id FROM current_failures WHERE temporary = 'yes'"
    )
    for (package,), name in zip(temporary, hostile, strict=False):
        change(database, f"UPDATE source_packages SET name = {text(name)} WHERE id = {package}")
    with serving(folder) as address:
        found = ask(address, "temporary_failures")
    assert len(temporary) > 4
    for row in found:
        expected = ["rebuildctl", "queue", "push", "--architecture", row["architecture"], "--"]
        if row["source"] in hostile:
            assert row["command"] is None
        else:
            arguments = [*expected, row["distribution"], "main", row["source"], row["version"]]
            assert shlex.split(row["command"]) == arguments


def test_a_retry_command_is_one_that_rebuildctl_takes(site: str) -> None:
    command = next(row["command"] for row in ask(site, "temporary_failures") if row["command"])
    pattern = r"rebuildctl queue push --architecture '[\w-]+' -- 'debian' '[\w-]+' '[^' ]+' '[^' ]+'"
    assert re.fullmatch(pattern, command)


def test_evidence_is_found_by_words_current_failures_first(site: str) -> None:
    found = ask(site, "search_evidence", words="cannot allocate memory")
    assert found and all("annot allocate memory" in row["evidence"] for row in found)
    current = [row["is_current"] for row in found]
    assert current == sorted(current, reverse=True) and set(current) == {0, 1}
    assert ask(site, "search_evidence", words='"memory allocate"') == []


def test_one_word_is_found_as_it_was_typed(site: str) -> None:
    assert all("memory" in row["evidence"].lower() for row in ask(site, "search_evidence", words=" Memory "))
    assert ask(site, "search_evidence", words='"memory"') != []
    assert ask(site, "search_evidence", words="memory++") == []


@pytest.mark.parametrize(
    "words", ['"', '""', "'", "AND", "NEAR(", "a*", "-- x", "\0", "x\0y", "^", "{a b}:c", "(", "é"]
)
def test_no_words_break_the_search(site: str, words: str) -> None:
    assert isinstance(ask(site, "search_evidence", words=words), list)


def test_what_no_rule_explains_is_listed_with_its_log(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "site")
    database = folder / "reproducibility.db"
    rules = tmp_path / "rules.toml"
    rules.write_text(ONE_RULE)
    ingest(database, DAEMON)
    assert run("categorise", database, "--rules", rules).exit_code == 0
    with serving(folder) as address:
        found = ask(address, "uncategorised")
        log = httpx.get(address + found[0]["log"])
    assert len(found) == found[0]["failures_in_all"] > 5
    assert log.status_code == 200 and log.headers["content-type"].startswith("text/plain")


# Tables


def test_evidence_of_an_attacker_stays_text_and_keeps_its_lines(
    browser: Browser, site_folder: Path, tmp_path: Path
) -> None:
    hostile = "<img src=x onerror=document.title='broken'>\n  </pre><script>document.title='broken'</script>"
    folder = lay_out(tmp_path / "site")
    database = folder / "reproducibility.db"
    shutil.copyfile(site_folder / "reproducibility.db", database)
    change(database, f"UPDATE failures SET evidence = {text(hostile)}")
    change(database, f"UPDATE categories SET name = {text(hostile)} || id, bug = 'javascript:alert(1)'")
    with serving(folder) as address:
        visit = Visit(browser.new_page(), address)
        for path in ("current_failures", "failures", "search_evidence", "packages_in_category"):
            visit.open(f"/reproducibility/{path}")
            assert visit.page.locator("pre.evidence").first.inner_text() == hostile
            assert visit.page.locator("img").count() == 0 and visit.page.title() != "broken"
        for path in (
            "/reproducibility/categories",
            "/reproducibility/failures_by_category",
            "/-/dashboards/why",
        ):
            visit.open(path)
            assert visit.page.locator("img, a[href^='javascript:']").count() == 0
    assert visit.problems == []


def test_rows_of_failures_link_their_log_package_and_category(site: str) -> None:
    html = page(site, "current_failures", _size="1", diffoscope__notnull="1")
    links = re.findall(
        r'<td class="col-(source|category|log|diffoscope|category_key) [^"]*"><a href="([^"]+)"', html
    )
    assert [column for column, _ in links] == ["source", "category", "log", "diffoscope", "category_key"]
    for _, link in links:
        assert httpx.get(urljoin(site, unescape(link))).status_code == 200, link


def test_links_of_failures_stand_under_the_sites_own_path(site_folder: Path, tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "site")
    shutil.copyfile(site_folder / "reproducibility.db", folder / "reproducibility.db")
    (folder / "settings.json").unlink()
    (folder / "settings.json").write_text('{"base_url": "/rb/"}')
    with serving(folder) as address:
        html = httpx.get(f"{address}/rb/reproducibility/current_failures?_size=1").raise_for_status().text
    links = re.findall(r'<td class="col-(?:source|category|log|category_key) [^"]*"><a href="([^"]+)"', html)
    assert len(links) >= 3 and all(link.startswith("/rb/") for link in links)


def test_evidence_is_searched_on_the_tables_of_failures(site: str) -> None:
    for table in ("failures", "current_failures"):
        found = ask(site, table, _search="memory")
        assert found and all("memory" in row["evidence"].lower() for row in found)


@pytest.mark.parametrize(
    "table", ["failures", "current_failures", "categories", "snapshot_categories", "daily_categories"]
)
def test_a_table_about_failures_opens_without_errors(visit: Visit, table: str) -> None:
    visit.open(f"/reproducibility/{table}")
    assert visit.page.locator("table.rows-and-columns tbody tr").count() > 1
    assert visit.problems == []


# Dashboard


@pytest.mark.parametrize("width", [1280, 390])
def test_the_charts_of_why_have_marks(browser: Browser, site: str, width: int) -> None:
    visit = Visit(browser.new_context(viewport={"width": width, "height": 900}).new_page(), site)
    visit.open("/-/dashboards/why")
    for name, chart in DASHBOARD["charts"].items():
        if chart["library"] == "vega-lite":
            assert marks(visit, f"#chart-{name}") > 2, name
    assert visit.page.locator(".chart-tooltip:visible").count() == 0  # shown where a row limit cuts a chart
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
    for link in visit.page.locator("#chart-closer a").all():
        assert httpx.get(urljoin(visit.page.url, link.get_attribute("href"))).status_code == 200
    assert visit.problems == []


def test_the_filters_of_why_narrow_every_chart(site: str) -> None:
    origins = {"distribution": "debian", "release": "forky", "architecture": "arm64", "rebuilder": "tiny"}
    for name, chart in DASHBOARD["charts"].items():
        if query := chart.get("query"):
            assert set(re.findall(r":(\w+)", query)) - {"days"} == set(origins), name
    narrow = httpx.get(f"{site}/-/dashboards/why", params=origins).text
    assert ":architecture" in narrow and "[[ AND" not in narrow


def test_a_class_has_the_same_colour_everywhere() -> None:
    css = (ROOT / "static" / "site.css").read_text()
    named = dict(re.findall(r"--(infrastructure|archive|build|unreproducible|unkwn): (#\w+);", css))
    assert {"unknown" if name == "unkwn" else name: colour for name, colour in named.items()} == CLASS_COLOURS
    for name in ("top", "classes"):
        scale = DASHBOARD["charts"][name]["display"]["encoding"]["color"]["scale"]
        assert dict(zip(scale["domain"], map(str.lower, scale["range"]), strict=True)) == CLASS_COLOURS
    kinds = DASHBOARD["charts"]["kinds"]["display"]["encoding"]["color"]["value"]
    assert kinds.lower() == CLASS_COLOURS["unreproducible"]
