"""The frame of every page, the front page, pages of origins, and search."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from axe import serious
from browsing import Visit
from helpers import DAEMON, FIXTURES, LEGACY, change, copy, ingest, one, rows
from playwright.sync_api import Browser
from served import lay_out, serving

pytest_plugins = ("site_fixtures",)

PAGES = [
    "/",
    "/questions",
    "/origin/debian/trixie/amd64",
    "/search",
    "/search?q=acl",
    "/search?q=debian-binary",
    "/search?q=nothing-is-called-so",
]
OF_DATASETTE = [
    "/reproducibility",
    "/reproducibility/builds",
    "/reproducibility/builds/1",
    "/reproducibility/overview",
    "/-/dashboards",
    "/-/dashboards/reproducibility",
]


@pytest.fixture(params=["light", "dark", "phone"])
def visit(request: pytest.FixtureRequest, browser: Browser, site: str) -> Visit:
    """A page at a desk, in the dark, and on a phone in the dark."""
    width = 360 if request.param == "phone" else 1280
    scheme = "light" if request.param == "light" else "dark"
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    return Visit(context.new_page(), site)


# Every page


@pytest.mark.parametrize("path", PAGES + OF_DATASETTE)
def test_a_page_is_accessible_fits_and_asks_no_other_host(visit: Visit, path: str) -> None:
    visit.open(path)
    assert visit.problems == []
    assert visit.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert serious(visit.page) == []


def test_every_page_has_search_navigation_licence_and_freshness(visit: Visit) -> None:
    visit.open("/reproducibility/builds")
    page = visit.page
    assert page.get_by_role("search").get_by_role("searchbox").is_visible()
    assert page.get_by_role("navigation", name="Site").locator("[aria-current]").inner_text() == "Data"
    footer = page.get_by_role("contentinfo")
    assert footer.locator("time").inner_text() and footer.get_by_text("not stated").is_visible()


def test_the_keyboard_reaches_the_content_first(visit: Visit) -> None:
    visit.open("/")
    visit.page.keyboard.press("Tab")
    visit.page.keyboard.press("Enter")
    assert visit.page.evaluate("document.activeElement.id") == "content"


@pytest.mark.parametrize("path", ["/of-no-page", "/-/of-no-page", "/badge/of-no-kind.svg", "/data.json.html"])
def test_an_address_that_leads_nowhere_says_where_else_to_look(site: str, path: str) -> None:
    reply = httpx.get(f"{site}{path}")
    main = reply.text.split("<main")[1].split("</main>")[0]
    assert reply.status_code == 404 and "There is no such page" in main and "Database not found" not in main
    for address in re.findall(r'href="([^"]+)"', main):
        assert httpx.get(site + address).status_code == 200


def test_an_error_has_the_same_frame(browser: Browser, site: str) -> None:
    page = browser.new_page()
    reply = page.goto(f"{site}/reproducibility/of-no-table")
    assert reply and reply.status == 404
    assert page.get_by_role("search").is_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('header')).display") == "flex"
    assert serious(page) == []


@pytest.mark.parametrize("path", PAGES)
def test_the_links_of_a_page_lead_somewhere(site: str, path: str) -> None:
    links = {unescape(link) for link in re.findall(r'href="(/[^"]*)"', httpx.get(site + path).text)}
    for link in sorted(links):
        assert httpx.get(site + link).status_code == 200, link


def test_the_dark_has_a_dark_background(browser: Browser, site: str) -> None:
    page = browser.new_context(color_scheme="dark").new_page()
    page.goto(f"{site}/reproducibility/builds")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 31)"


# The front page


def numbers(page: str, table: str) -> list[tuple[str, int]]:
    """Each number that is a link to a table, with where it leads."""
    found = re.findall(rf'<a href="([^"]*/{table}\?[^"]*)">([\d,]+)</a>', page)
    return [(unescape(link), int(number.replace(",", ""))) for link, number in found]


def test_numbers_of_origins_lead_to_as_many_rows(site: str, site_folder: Path) -> None:
    found = numbers(httpx.get(site).text, "source_packages")
    totals = rows(
        site_folder / "reproducibility.db",
        "SELECT good, total, good, attempted, good, bad, fail, unknown FROM current_totals"
        " ORDER BY distribution, release, architecture",
    )
    assert [number for _, number in found] == [number for row in totals for number in row]
    for link, number in found:
        table, _, query = link.partition("?")
        answer = httpx.get(urljoin(site, f"{table}.json?{query}&_size=0")).json()
        assert answer["filtered_table_rows_count"] == number, link


def test_a_release_sums_its_architectures(site: str, site_folder: Path) -> None:
    sums = rows(
        site_folder / "reproducibility.db",
        "SELECT sum(good), sum(total), sum(good), sum(attempted) FROM current_totals"
        " GROUP BY distribution, release ORDER BY distribution, release",
    )
    found = numbers(httpx.get(site).text, "overview")
    assert [number for _, number in found] == [number for row in sums for number in row]


def test_a_change_is_the_difference_of_two_days_that_the_trend_shows(site: str, site_folder: Path) -> None:
    page = httpx.get(site).text
    found = re.findall(
        r'href="([^"]*/trend\?every=1[^"]*rebuilder[^"]*)"><span class="change \w+" title="Percentage points since ([\d-]+)">(.*?)<',
        page,
    )
    assert found
    for link, since, difference in found:
        path, _, query = unescape(link).partition("?")
        days = httpx.get(urljoin(site, f"{path}.json?{query}&_shape=array")).json()
        share = {day["day"]: day["reproducible_percent_of_attempted"] for day in days}
        expected = share[max(share)] - share[since]
        assert float(difference.replace("−", "-").replace("±", "")) == pytest.approx(expected, abs=0.06), link


def test_a_line_says_in_words_where_it_begins_and_ends(site: str) -> None:
    lines = re.findall(r'class="sparkline"[^>]*aria-label="([^"]+)"', httpx.get(site).text)
    assert lines
    for line in lines:
        assert re.fullmatch(r"\S+, tiny: \d+\.\d % on \d{4}-\d\d-\d\d, \d+\.\d % on \d{4}-\d\d-\d\d", line), (
            line
        )


def test_regressions_and_fixes_are_the_newest_of_the_table(site: str, site_folder: Path) -> None:
    page = httpx.get(site).text
    for heading, condition in [
        ("regressions", "from_status = 'GOOD' AND to_status IN ('BAD', 'FAIL')"),
        ("fixes", "from_status IN ('BAD', 'FAIL') AND to_status = 'GOOD'"),
    ]:
        section = page.partition(f'<section aria-labelledby="{heading}">')[2].partition("</section>")[0]
        newest = rows(
            site_folder / "reproducibility.db",
            f"SELECT to_build_id FROM status_changes WHERE {condition} ORDER BY changed_at DESC LIMIT 8",
        )
        assert [int(id) for id in re.findall(r"/builds/(\d+)", section)] == [id for (id,) in newest]


def test_imported_totals_have_no_rows_behind_them_and_counts_of_other_things_are_not_compared(
    tmp_path: Path,
) -> None:
    folder = lay_out(tmp_path / "site")
    ingest(folder / "reproducibility.db", FIXTURES / "stats.json", name="imported")
    ingest(folder / "reproducibility.db", LEGACY, name="binaries", release="trixie")
    with serving(folder) as address:
        page = httpx.get(address).raise_for_status().text
    assert "rebuilder_id=2" in page and "rebuilder_id=1" not in page
    binaries = page.partition("binary packages</small>")[2].partition("</table>")[0]
    assert binaries and 'class="change' not in binaries


def test_two_rebuilders_of_one_origin_are_both_shown_and_summed_once(tmp_path: Path, site: str) -> None:
    folder = lay_out(tmp_path / "site")
    for name in ("one", "two"):
        ingest(folder / "reproducibility.db", DAEMON, name=name)
    with serving(folder) as address:
        page = httpx.get(address).raise_for_status().text
    assert [count for _, count in numbers(page, "overview")] == [
        count for _, count in numbers(httpx.get(site).text, "overview")
    ]
    assert page.count(">one</a>") == page.count(">two</a>") > 1
    assert "the one that attempted most" in page


def test_imported_totals_speak_only_where_nothing_is_read(tmp_path: Path, site: str) -> None:
    folder = lay_out(tmp_path / "site")
    ingest(folder / "reproducibility.db", DAEMON, name="tiny")
    ingest(folder / "reproducibility.db", FIXTURES / "stats.json", name="imported")
    with serving(folder) as address:
        page = httpx.get(address).raise_for_status().text
    assert ">imported</a>, 20" in page
    sums = [count for _, count in numbers(httpx.get(site).text, "overview")]
    assert [count for _, count in numbers(page, "overview")] == sums


def test_a_rebuilder_that_cannot_be_read_shows_its_last_error(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "site")
    database = folder / "reproducibility.db"
    ingest(database, DAEMON, name="tiny")
    gone = tmp_path / "gone.db"
    with pytest.raises(Exception, match="gone"):
        ingest(database, gone, name="tiny")
    with serving(folder) as address:
        page = httpx.get(address).text
    section = page.partition('<section aria-labelledby="rebuilders">')[2].partition("</section>")[0]
    assert "gone.db" in re.sub(r"\s+", " ", section.partition('class="failing"')[2])


def test_the_front_page_of_an_empty_database_says_so(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "site")
    with pytest.raises(Exception, match="gone"):
        ingest(folder / "reproducibility.db", tmp_path / "gone.db")
    with serving(folder) as address:
        page = httpx.get(address).raise_for_status().text
    assert "No totals are known yet" in page and "Nothing read yet" in page


# Pages of origins


def test_the_page_of_an_origin_counts_what_the_database_counts(site: str, site_folder: Path) -> None:
    page = httpx.get(f"{site}/origin/debian/trixie/amd64").raise_for_status().text
    total = rows(
        site_folder / "reproducibility.db",
        "SELECT good, total, good, attempted, good, bad, fail, unknown FROM current_totals WHERE origin = 'debian/trixie/amd64'",
    )
    assert [number for _, number in numbers(page, "source_packages")] == list(total[0])
    reasons = rows(
        site_folder / "reproducibility.db",
        "SELECT count(DISTINCT f.source_package_id) FROM failures AS f JOIN origins AS o ON o.id = f.origin_id"
        " WHERE f.is_current AND o.label = 'debian/trixie/amd64' GROUP BY f.category_id ORDER BY 1 DESC LIMIT 12",
    )
    shown = numbers(page, "packages_in_category")
    assert [number for _, number in shown] == [number for (number,) in reasons]
    for link, number in shown:
        path, _, query = link.partition("?")
        found = httpx.get(urljoin(site, f"{path}.json?{query}&_shape=array")).json()
        assert len({row["source"] for row in found}) == number, link


def test_the_trend_of_an_origin_is_also_a_table(site: str, site_folder: Path) -> None:
    page = httpx.get(f"{site}/origin/debian/trixie/amd64").text
    days = re.findall(
        r'<tr><th scope="row">([\d-]+)</th><td>tiny</td>.*?([\d.]+) %</strong>', page, re.DOTALL
    )
    assert len(days) > 2 and page.count("<circle") == len(days)
    for day, percent in days:
        assert float(percent) == pytest.approx(
            one(
                site_folder / "reproducibility.db",
                "SELECT reproducible_percent_of_attempted FROM daily_totals"
                " WHERE origin = 'debian/trixie/amd64' AND day = ?",
                day,
            ),
            abs=0.06,
        )


def test_newest_failures_of_an_origin_are_its_newest(site: str, site_folder: Path) -> None:
    page = httpx.get(f"{site}/origin/debian/trixie/amd64").text
    section = page.partition('<section aria-labelledby="failures">')[2].partition("</section>")[0]
    newest = rows(
        site_folder / "reproducibility.db",
        "SELECT b.id FROM source_packages AS s JOIN builds AS b ON b.id = s.latest_build_id"
        " JOIN origins AS o ON o.id = s.origin_id WHERE o.label = 'debian/trixie/amd64'"
        " AND b.id IN (SELECT build_id FROM failures WHERE is_current) ORDER BY b.built_at DESC LIMIT 10",
    )
    assert newest and [int(id) for id in re.findall(r"/builds/(\d+)", section)] == [id for (id,) in newest]


def test_an_origin_without_a_release_and_with_odd_names_has_a_page(tmp_path: Path) -> None:
    folder, daemon = lay_out(tmp_path / "site"), copy(DAEMON, tmp_path)
    change(
        daemon,
        "UPDATE source_packages SET release = NULL, distribution = 'a/b ~+<i>' WHERE release = 'forky'",
    )
    ingest(folder / "reproducibility.db", daemon, name="odd")
    with serving(folder) as address:
        front = httpx.get(address).text
        links = {unescape(link) for link in re.findall(r'href="(/origin/[^"]*)"', front)}
        odd = [link for link in links if "/-/" in link]
        assert odd
        for link in links:
            page = httpx.get(address + link).raise_for_status().text
            assert "<i>" not in page.partition("<main")[2]
            for href in re.findall(r'href="(/reproducibility/[^"]*)"', page.partition("<main")[2]):
                assert httpx.get(address + unescape(href)).status_code == 200, href
        data = re.findall(r'href="([^"]*/package_status.json[^"]*)"', httpx.get(address + odd[0]).text)
        assert httpx.get(address + unescape(data[0])).json()


def test_an_unknown_origin_is_not_found_and_names_the_known(site: str, site_folder: Path) -> None:
    reply = httpx.get(f"{site}/origin/debian/~3Cb~3E/amd64")
    assert reply.status_code == 404
    assert "No rebuilder reports debian/&lt;b&gt;/amd64" in reply.text
    for (label,) in rows(site_folder / "reproducibility.db", "SELECT label FROM origins"):
        assert f'href="/origin/{label}"' in reply.text


# Search


@pytest.fixture(scope="module")
def odd_names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A site whose packages have names that are short, or hold what addresses and markup take for their own."""
    folder = tmp_path_factory.mktemp("odd")
    daemon = copy(DAEMON, folder)
    for old, new in [("jq", "mc"), ("acl", "mce-dev"), ("babeld", "<b>x&y</b>")]:
        change(daemon, f"UPDATE source_packages SET name = '{new}' WHERE name = '{old}'")
    for old, new in [("libacl1", "libstdc++6"), ("acl-udeb", "std"), ("libacl1-dev", "libc++-dev")]:
        change(daemon, f"UPDATE binary_packages SET name = '{new}' WHERE name = '{old}'")
    site = lay_out(folder / "site")
    ingest(site / "reproducibility.db", daemon)
    with serving(site) as address:
        yield address


def found(site: str, typed: str) -> list[str]:
    """The names that search lists, in its order."""
    page = httpx.get(f"{site}/search", params={"q": typed}).raise_for_status().text
    names = page.partition('<table class="plain found">')[2].partition("</table>")[0]
    return [unescape(name) for name in re.findall(r'<a class="package" href="[^"]*">(.*?)</a>', names)]


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("std", ["std", "libstdc++6"]),
        ("c++", ["libc++-dev", "libstdc++6"]),
        ("mc", ["mc", "mce-dev"]),
        (" MC ", ["mc", "mce-dev"]),
        ("m", ["mc", "mce-dev"]),
        ("x&y", ["<b>x&y</b>"]),
    ],
)
def test_search_lists_the_name_itself_then_beginnings_then_parts(
    odd_names: str, typed: str, names: list[str]
) -> None:
    assert found(odd_names, typed) == names


@pytest.mark.parametrize("typed", ["li", "lib"])
def test_search_leads_to_all_the_names_that_it_counts(tmp_path: Path, typed: str) -> None:
    folder = lay_out(tmp_path / "site")
    ingest(folder / "reproducibility.db", DAEMON)
    change(
        folder / "reproducibility.db",
        "WITH RECURSIVE more (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM more WHERE n < 60)"
        " INSERT INTO package_names (name) SELECT 'libmore' || n FROM more",
    )
    with serving(folder) as address:
        page = httpx.get(f"{address}/search?q={typed}").text
        count, link = re.findall(
            r"([\d,]+) names\s+begin so.*?<a href=\"([^\"]*)\">all</a>", page, re.DOTALL
        )[0]
        path, _, query = unescape(link).partition("?")
        rows_behind = httpx.get(f"{address}{path}.json?{query}&_size=0").json()["filtered_table_rows_count"]
    assert rows_behind == int(count) > 60
    assert len(re.findall('<a class="package"', page)) == 50


def test_search_shows_how_a_package_is_now(site: str) -> None:
    page = httpx.get(f"{site}/search?q=acl").text
    row = page.partition('<tr class="exact">')[2].partition("</tr>")[0]
    assert 'href="/package/acl"' in row and "source, binary" in row and 'class="status' in row


def test_names_are_linked_and_escaped(odd_names: str, browser: Browser) -> None:
    visit = Visit(browser.new_page(), odd_names)
    visit.open("/search?q=x%26y")
    assert visit.page.locator("main b").count() == 0
    visit.page.get_by_role("link", name="<b>x&y</b>").click()
    assert "<b>x&y</b>" in visit.page.locator("h1").inner_text()
    assert visit.problems == []


def test_search_works_without_javascript_from_any_page(browser: Browser, site: str) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(f"{site}/reproducibility/builds")
    page.get_by_role("search").get_by_role("searchbox").fill("acl")
    page.keyboard.press("Enter")
    assert page.locator("table.found .exact").inner_text().startswith("acl")


def test_search_finds_reasons_by_a_part_of_their_name(site: str, site_folder: Path) -> None:
    page = httpx.get(f"{site}/search", params={"q": "TIMED out"}).text
    reasons = page.split("Reasons of failures</h2>")[1].split("</ul>")[0]
    shown = re.findall(r'href="/category/([^"]+)".*?<small class="quiet">(\w+) package', reasons, re.DOTALL)
    expected = rows(
        site_folder / "reproducibility.db",
        "SELECT k.key, count(DISTINCT f.source_package_id) FROM categories AS k"
        " LEFT JOIN failures AS f ON f.category_id = k.id AND f.is_current"
        " WHERE k.name LIKE '%timed out%' GROUP BY k.id",
    )
    words = {"no": 0, "one": 1}
    assert {key: int(words.get(count, count)) for key, count in shown} == dict(expected) != {}
    assert "Reasons of failures" not in httpx.get(f"{site}/search?q=acl").text


def test_search_finds_evidence(site: str, site_folder: Path) -> None:
    page = httpx.get(f"{site}/search", params={"q": "debian-binary"}).text
    evidence = re.findall(r'<pre class="evidence">(.*?)</pre>', page, re.DOTALL)
    assert evidence and all("debian-binary" in lines for lines in evidence)
    for nowhere in ("acl", "debian++"):
        answer = httpx.get(f"{site}/search", params={"q": nowhere})
        assert "No current failure shows these words" in answer.text


@pytest.mark.parametrize(
    "typed",
    [
        '"',
        '""',
        '"" x',
        'a"b"c',
        "*",
        "NEAR(a b)",
        "AND OR",
        "^x",
        "-a",
        "a:b",
        "'",
        "\0",
        "x\0y",
        "%",
        "_",
        "é",
    ],
)
def test_nothing_that_is_typed_breaks_search(site: str, typed: str) -> None:
    assert httpx.get(f"{site}/search", params={"q": typed}).status_code == 200


def test_search_for_nothing_and_without_results_helps(site: str) -> None:
    assert "Type the name of a source or binary package" in httpx.get(f"{site}/search").text
    assert "Type the name of a source or binary package" in httpx.get(f"{site}/search?q=+").text
    missing = httpx.get(f"{site}/search?q=backupcheker").text
    assert "Did you mean" in missing and 'href="/package/backupchecker"' in missing
