"""Pages of packages, rebuilders and categories."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import httpx
import pytest
from axe import serious
from browsing import Visit
from datasette.utils import tilde_encode
from helpers import DAEMON, FIXTURES, LEGACY, change, ingest, one, rows, run, text
from playwright.sync_api import Browser
from served import lay_out, serving

pytest_plugins = ("site_fixtures",)

PAGES = [
    "/package/babeld",
    "/package/bzip2",
    "/package/libacl1",
    "/package/acl",
    "/rebuilder/tiny",
    "/category/does-not-build",
    "/category/out-of-memory-before-the-build",
    "/category/permissions",
]
ABSENT = ["/package/of-no-package", "/rebuilder/of-no-rebuilder", "/category/of-no-category"]
ODD_NAMES = [
    "libstdc++6",
    "a~b",
    "1:2.0",
    "devel/git",
    "50%2Boff",
    "two words",
    "x.json",
    "~",
    "été",
    "a'b\"c",
    "+",
]
LONG = "long-" + "x" * 995
HOSTILE = [
    "<script>document.title = 'run'</script>",
    '"><img src=x onerror="document.title=\'run\'">',
    LONG,
    "\u202egnp.exe",
]


def published(folder: Path) -> Path:
    return folder / "reproducibility.db"


def renamed(site_folder: Path, folder: Path, names: list[str]) -> Path:
    """The site, where some source packages and a binary of each have other names."""
    copied = lay_out(folder)
    shutil.copyfile(published(site_folder), published(copied))
    with closing(sqlite3.connect(published(copied))) as database, database:
        known = database.execute(
            "SELECT name FROM source_packages JOIN failures ON source_package_id = source_packages.id"
            " WHERE source_packages.is_current GROUP BY name ORDER BY sum(failures.is_current) DESC"
        )
        for name, (old,) in zip(names, known.fetchall(), strict=False):
            for table in ("source_packages", "binary_packages", "package_names", "status_changes"):
                database.execute(f"UPDATE {table} SET name = ? WHERE name = ?", (name, old))
    return copied


def links(page: str) -> list[tuple[str, str]]:
    """Address and text of each link of a page."""
    return [
        (unescape(address), label)
        for address, label in re.findall(r'<a [^>]*href="([^"]*)"[^>]*>(.*?)</a>', page)
    ]


def found(client: httpx.Client, link: str) -> int:
    """How many rows a table's page shows in all, or a question gives."""
    path, _, query = link.partition("?")
    answer = client.get(f"{path}.json?{query}").raise_for_status().json()
    counted: int | None = answer.get("filtered_table_rows_count")
    return len(answer["rows"]) if counted is None else counted


@pytest.fixture(scope="module")
def client(site: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site, timeout=30) as client:
        yield client


# Every page


@pytest.fixture(params=["light", "dark", "phone"])
def visit(request: pytest.FixtureRequest, browser: Browser, site: str) -> Visit:
    """A page at a desk, in the dark, and on a phone in the dark."""
    width = 360 if request.param == "phone" else 1280
    scheme = "light" if request.param == "light" else "dark"
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    return Visit(context.new_page(), site)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_accessible_fits_and_asks_no_other_host(visit: Visit, path: str) -> None:
    visit.open(path)
    assert visit.problems == []
    assert visit.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert serious(visit.page) == []


@pytest.mark.parametrize("path", ABSENT)
def test_a_page_of_an_unknown_name_helps_and_fits_too(visit: Visit, path: str) -> None:
    reply = visit.page.goto(visit.site + path)
    assert reply and reply.status == 404
    assert path.rpartition("/")[2] in visit.page.locator("h1").inner_text()
    assert visit.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert serious(visit.page) == []


@pytest.mark.parametrize("path", PAGES + ABSENT)
def test_every_link_leads_somewhere(client: httpx.Client, path: str) -> None:
    addresses = {urljoin(path, address) for address, _ in links(client.get(path).text)}
    own = {
        address
        for address in addresses
        if not urlsplit(address).netloc and "#" not in address and not address.startswith("/failures/")
    }
    assert len(own) > 5
    for address in own:
        reply = client.get(address, follow_redirects=True)
        assert reply.status_code == 200, address


@pytest.mark.parametrize("path", PAGES)
def test_every_number_leads_to_as_many_rows(client: httpx.Client, path: str) -> None:
    numbers = [
        (link, label) for link, label in links(client.get(path).text) if re.fullmatch(r"[\d,]+", label)
    ]
    assert numbers
    for link, label in numbers:
        assert found(client, link) == int(label.replace(",", "")), link


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A site of a database without releases, one with them, imported statistics, and a source that is not there."""
    folder = lay_out(tmp_path_factory.mktemp("mixed") / "site")
    for name, source in (("new", DAEMON), ("old", LEGACY), ("imported", FIXTURES / "stats.json")):
        ingest(published(folder), source, name=name)
    run("ingest", published(folder), "http://127.0.0.1:9", "--name", "broken")
    with serving(folder) as address, httpx.Client(base_url=address, timeout=30) as client:
        yield client


@pytest.mark.parametrize(
    "path",
    [
        "/package/acl",
        "/rebuilder/old",
        "/rebuilder/imported",
        "/rebuilder/broken",
        "/category/does-not-build",
        "/category/uncategorized",
        "/reproducibility/overview",
    ],
)
def test_numbers_and_links_are_right_beside_old_imported_and_broken_rebuilders(
    mixed: httpx.Client, path: str
) -> None:
    for link, label in links(mixed.get(path).raise_for_status().text):
        if link.startswith("/") and not link.startswith("/failures/"):
            assert mixed.get(link, follow_redirects=True).status_code == 200, link
        if re.fullmatch(r"[\d,]+", label):
            assert found(mixed, link) == int(label.replace(",", "")), link


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("package_status", {"source": "package", "binary": "package", "rebuilder": "rebuilder"}),
        ("current_failures", {"source": "package", "category": "category", "category_key": "category"}),
        ("source_packages", {"name": "package"}),
        ("package_names", {"name": "package"}),
        ("categories", {"key": "category"}),
        ("rebuilders", {"name": "rebuilder"}),
        ("ingest_runs", {"rebuilder": "rebuilder"}),
        ("daily_categories", {"origin": "origin", "category": "category"}),
        ("last_run", {"source": "package", "rebuilder": "rebuilder"}),
    ],
)
def test_names_in_tables_views_and_answers_lead_to_their_pages(
    client: httpx.Client, table: str, columns: dict[str, str]
) -> None:
    page = client.get(f"/reproducibility/{table}").raise_for_status().text
    for column, kind in columns.items():
        linked = re.search(rf'<td class="col-{column}[^>]*><a href="(/{kind}/[^"]*)">', page)
        assert linked and client.get(unescape(linked[1])).status_code == 200, column


def test_pages_stand_under_the_sites_own_path(site_folder: Path, tmp_path: Path) -> None:
    folder = renamed(site_folder, tmp_path / "site", ["a+b"])
    (folder / "settings.json").unlink()
    (folder / "settings.json").write_text('{"base_url": "/rb/"}')
    with serving(folder) as address, httpx.Client(base_url=address, follow_redirects=True) as client:
        for path in ("/rb/package/a+b", "/rb/rebuilder/tiny", "/rb/category/does-not-build"):
            page = client.get(path).raise_for_status()
            assert page.url.path.startswith("/rb/")
            outside = [link for link, _ in links(page.text) if not link.startswith(("/rb/", "#", "https://"))]
            assert not outside, path


# Packages


@pytest.mark.parametrize("name", ["babeld", "bzip2", "acl", "jq", "zopfli"])
def test_a_package_shows_every_attempt_binary_failure_and_change_once(
    client: httpx.Client, site_folder: Path, name: str
) -> None:
    page = client.get(f"/package/{name}").text
    counts = {
        r'<li><a class="(?:good|bad|fail|unkwn)" href="[^"]*/builds/': """
            SELECT count(*) FROM builds WHERE copy_of IS NULL
                AND source_package_id IN (SELECT id FROM source_packages WHERE name = ?)""",
        r"copied</a> from ": """
            SELECT count(*) FROM builds WHERE copy_of IS NOT NULL
                AND source_package_id IN (SELECT id FROM source_packages WHERE name = ?)""",
        r'<li><a href="[^"]*/binary_packages/': "SELECT count(*) FROM package_status WHERE source = ?",
        r'<th scope="row"><time': "SELECT count(*) FROM status_changes WHERE name = ?",
    }
    for pattern, sql in counts.items():
        assert len(re.findall(pattern, page)) == one(published(site_folder), sql, name), pattern
    shown = len(re.findall('<article class="failure', page)) + sum(
        map(int, re.findall(r">(\d+) more</a>", page))
    )
    more = len(re.findall(r"more</a>", page))
    ofname = "source_package_id IN (SELECT id FROM source_packages WHERE name = ?)"
    assert shown == one(published(site_folder), f"SELECT count(*) FROM failures WHERE {ofname}", name), more


def test_a_failure_shows_category_evidence_and_logs(client: httpx.Client, site_folder: Path) -> None:
    ((source, key, category, evidence, log, diffoscope),) = rows(
        published(site_folder),
        "SELECT source, category_key, category, evidence, log, diffoscope FROM current_failures"
        " WHERE diffoscope IS NOT NULL AND evidence LIKE '%-%' ORDER BY source LIMIT 1",
    )
    page = client.get(f"/package/{source}").text
    assert f'<a class="category" href="/category/{tilde_encode(key)}">{category}</a>' in page
    assert evidence in [unescape(pre) for pre in re.findall(r'(?s)<pre class="evidence">(.*?)</pre>', page)]
    for link in (log, diffoscope):
        assert f'href="{link}"' in page and client.get(link).status_code == 200


def test_a_result_copied_from_another_release_is_marked_once(client: httpx.Client, site_folder: Path) -> None:
    ((name, origin),) = rows(
        published(site_folder),
        "SELECT s.name, o.label FROM builds AS b JOIN source_packages AS s ON s.id = b.source_package_id"
        " JOIN builds AS c ON c.id = b.copy_of JOIN origins AS o ON o.id = c.origin_id ORDER BY b.id LIMIT 1",
    )
    page = client.get(f"/package/{name}").text
    assert f"copied</a> from {origin}" in page


def test_a_binary_package_names_its_source_and_shows_its_attempts(client: httpx.Client) -> None:
    page = client.get("/package/libacl1").text
    assert "A binary package of the source package" in page and 'href="/package/acl"' in page
    assert 'class="strip"' in page


def test_a_name_of_both_says_which_other_source_gives_it(site_folder: Path, tmp_path: Path) -> None:
    folder = renamed(site_folder, tmp_path / "site", [])
    change(published(folder), "UPDATE binary_packages SET name = 'jq' WHERE name = 'libacl1'")
    with serving(folder) as address:
        page = httpx.get(f"{address}/package/jq").text
    said = re.sub(r"\s+", " ", re.sub("<[^>]*>", "", page))
    assert "A source package and a binary package." in said
    assert "A binary package of this name also comes from the source package acl" in said


def test_a_package_that_is_gone_says_so_and_keeps_its_history(site_folder: Path, tmp_path: Path) -> None:
    folder = renamed(site_folder, tmp_path / "site", [])
    change(
        published(folder),
        "UPDATE source_packages SET is_current = 0 WHERE name = 'babeld'",
        "UPDATE binary_packages SET is_current = 0 WHERE name = 'babeld'",
    )
    with serving(folder) as address:
        page = httpx.get(f"{address}/package/babeld").raise_for_status().text
    assert "No rebuilder lists it any more" in page and "Status now" not in page
    assert 'class="strip"' in page


def test_an_unknown_name_offers_near_ones(client: httpx.Client) -> None:
    for typed, meant in (
        ("babled", "babeld"),
        ("BZIP2", "bzip2"),
        ("libacl", "libacl1"),
        ("haskell-async2", "haskell-async"),
    ):
        reply = client.get(f"/package/{typed}")
        assert reply.status_code == 404
        assert f"/package/{meant}" in [address for address, _ in links(reply.text)], typed
        assert f'name="q" type="search" value="{typed}"' in reply.text


@pytest.mark.parametrize("name", ["'; DROP TABLE builds; --", '"*) OR', "a" * 5000, "\x01", "日本語", "%"])
def test_any_unknown_name_is_answered(client: httpx.Client, name: str) -> None:
    reply = client.get(f"/package/{tilde_encode(name)}")
    assert reply.status_code == 404 and "No package" in reply.text


def test_names_with_special_characters_have_pages(
    site_folder: Path, tmp_path: Path, browser: Browser
) -> None:
    folder = renamed(site_folder, tmp_path / "site", ODD_NAMES)
    with serving(folder) as address, httpx.Client(base_url=address) as client:
        for name in ODD_NAMES:
            page = client.get(f"/package/{tilde_encode(name)}").raise_for_status().text
            shown = re.search(r'<h1 class="name">(.*?)</h1>', page)
            assert shown and unescape(shown[1]) == name
            if name not in ("~", "50%2Boff"):  # these mean something else when they are not encoded
                assert (
                    f">{shown[1]}</h1>"
                    in client.get(f"/package/{quote(name, safe='+')}", follow_redirects=True).text
                )
            for link, label in links(page):
                if "/reproducibility/" in link and label in ("JSON", "CSV"):
                    assert client.get(link).status_code == 200, link
                if label == "JSON" and "_where" not in link:
                    assert client.get(link).json(), link


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_versions_and_evidence_stay_text(
    site_folder: Path, tmp_path: Path, browser: Browser, name: str
) -> None:
    folder = renamed(site_folder, tmp_path / "site", [name])
    change(
        published(folder),
        f"UPDATE source_packages SET version = {text(name)} || id",
        f"UPDATE failures SET evidence = {text(name)}",
        f"UPDATE ingest_runs SET error = {text(name)}, notes = {text(name)}",
        f"UPDATE workers SET name = {text(name)}, status = {text(name)}",
        f"UPDATE rebuilders SET url = {text('javascript:' + name)}",
        f"UPDATE categories SET name = {text(name)} || id, action = {text(name)}, bug = {text('javascript:' + name)}",
    )
    phone = browser.new_context(viewport={"width": 390, "height": 800}).new_page()
    with serving(folder) as address:
        visit = Visit(phone, address)
        for path in (f"/package/{tilde_encode(name)}", "/rebuilder/tiny", "/category/does-not-build"):
            visit.open(path)
            assert name in phone.locator("main").inner_text()
            assert phone.locator("main img, main script, main [href^=javascript]").count() == 0
            assert phone.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        phone.goto(f"{address}/package/{tilde_encode(name)}")
        for place in ("h1", ".version", ".category", "pre"):
            assert (
                phone.locator(f"main {place}").first.evaluate("e => getComputedStyle(e).unicodeBidi")
                == "isolate"
            )
    assert visit.problems == [] and phone.title() != "run"


def test_a_package_with_thousands_of_rows_is_cut_and_says_so(site_folder: Path, tmp_path: Path) -> None:
    folder = renamed(site_folder, tmp_path / "site", [])
    change(
        published(folder),
        """WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 5000)
        INSERT INTO builds (rebuilder_id, generation, origin_id, source_package_id, attempt, status, built_at,
            source_inferred, upstream_id)
        SELECT b.rebuilder_id, b.generation, b.origin_id, b.source_package_id, 100 + n, 'BAD',
            '2026-10-01T00:00:00Z', 0, 100000 + n
        FROM n, (SELECT b.* FROM builds AS b JOIN source_packages AS s ON s.id = b.source_package_id
            WHERE s.name = 'jq' LIMIT 1) AS b""",
        """INSERT INTO failures (rebuilder_id, origin_id, source_package_id, build_id, is_current, category_id, evidence)
        SELECT rebuilder_id, origin_id, source_package_id, id, 0, 1, 'e' FROM builds WHERE upstream_id > 100000""",
    )
    of_jq = "source_package_id IN (SELECT id FROM source_packages WHERE name = 'jq')"
    attempts = one(published(folder), f"SELECT count(*) FROM builds WHERE {of_jq}")
    failures = one(published(folder), f"SELECT count(*) FROM failures WHERE {of_jq}")
    with serving(folder) as address, httpx.Client(base_url=address) as client:
        page = client.get("/package/jq").raise_for_status().text
        assert f"The newest 600 of {attempts:,} are shown." in page
        said = re.search(r'[\d,]+ of <a href="([^"]*)">([\d,]+)</a> failures', page)
        assert said and said[2] == f"{failures:,}"
        assert found(client, unescape(said[1])) == failures
        assert len(page) < 500_000


def test_who_may_not_see_the_database_sees_no_package(site_folder: Path, tmp_path: Path) -> None:
    folder = renamed(site_folder, tmp_path / "site", [])
    metadata = folder / "metadata.yml"
    content = metadata.read_text()
    metadata.unlink()
    metadata.write_text(f"{content}\nallow: {{id: nobody}}\n")
    with serving(folder) as address:
        for path in ("/package/babeld", "/rebuilder/tiny", "/category/does-not-build"):
            reply = httpx.get(address + path)
            assert reply.status_code == 404 and "debian" not in reply.text


# Rebuilders


def test_a_rebuilder_tells_its_queue_workers_and_runs(client: httpx.Client, site_folder: Path) -> None:
    page = client.get("/rebuilder/tiny").text

    def fact(name: str) -> str:
        said = re.search(rf"<dt>{name}</dt><dd>(?:<a [^>]*>)?([^<]*)", page)
        assert said
        return said[1].strip()

    database = published(site_folder)
    assert fact("Building") == str(one(database, "SELECT count(*) FROM queue WHERE started_at IS NOT NULL"))
    assert fact("Waiting") == str(one(database, "SELECT count(*) FROM queue WHERE started_at IS NULL"))
    assert fact("Builds") == str(one(database, "SELECT count(*) FROM builds"))
    for name, _ in rows(database, "SELECT name, 1 FROM workers"):
        assert name in page
    for (label,) in rows(database, "SELECT origin FROM current_totals"):
        assert label in page


def test_a_rebuilder_counts_its_faults_and_the_time_of_its_builds(site_folder: Path) -> None:
    def answer(query: str, **parameters: Any) -> list[sqlite3.Row]:
        with closing(sqlite3.connect(published(site_folder))) as database:
            database.row_factory = sqlite3.Row
            sql = (site_folder / "templates" / "queries" / f"{query}.sql").read_text()
            return database.execute(sql, parameters).fetchall()

    week = answer("rebuilder", name="tiny")[0]["week_before"]
    took = answer("rebuilder_durations", name="tiny", since=week)[0]
    known = rows(
        published(site_folder),
        "SELECT duration FROM builds WHERE copy_of IS NULL AND built_at > ? AND duration IS NOT NULL ORDER BY 1",
        week,
    )
    assert took["timed"] == len(known) > 20
    assert took["median"] == known[(len(known) + 1) // 2 - 1][0]
    assert sum(duration <= took["p95"] for (duration,) in known) >= 0.95 * len(known)
    faults = {
        row["category_key"]: row["builds"] for row in answer("rebuilder_faults", name="tiny", since=week)
    }
    assert faults == dict(
        rows(
            published(site_folder),
            "SELECT k.key, count(DISTINCT b.id) FROM failures AS f JOIN categories AS k ON k.id = f.category_id"
            " JOIN builds AS b ON b.id = f.build_id WHERE k.class = 'infrastructure' AND b.copy_of IS NULL"
            " AND b.built_at > ? GROUP BY k.key",
            week,
        )
    )


def test_a_rebuilder_that_was_never_read_has_a_page_with_its_error(site_folder: Path, tmp_path: Path) -> None:
    folder = renamed(site_folder, tmp_path / "site", [])
    change(
        published(folder),
        "INSERT INTO ingest_runs (rebuilder, source, started_at, finished_at, error)"
        " VALUES ('a/b', 's', '2026-01-01T00:00:00Z', '2026-01-01T00:00:01Z', 'It <did> not answer.')",
    )
    with serving(folder) as address:
        page = httpx.get(f"{address}/rebuilder/a~2Fb").raise_for_status().text
    assert "never" in page and "The last run failed" in page and "It &lt;did&gt; not answer." in page


def test_an_unknown_rebuilder_or_category_offers_the_known_ones(
    client: httpx.Client, site_folder: Path
) -> None:
    assert 'href="/rebuilder/tiny"' in client.get("/rebuilder/x").text
    page = client.get("/category/x").text
    for (key,) in rows(published(site_folder), "SELECT key FROM categories"):
        assert f'href="/category/{tilde_encode(key)}"' in page


# Categories


def test_a_category_lists_the_packages_that_fail_for_it_with_evidence(
    client: httpx.Client, site_folder: Path
) -> None:
    key = "does-not-build"
    page = client.get(f"/category/{key}").text
    failing = rows(
        published(site_folder),
        "SELECT source, version, count(*) FROM current_failures WHERE category_key = ? GROUP BY source_package_id",
        key,
    )
    shown = re.findall(r'<h3><a class="package" [^>]*>(.*?)</a> <span class="version">(.*?)</span>', page)
    assert sorted((unescape(source), unescape(version)) for source, version in shown) == sorted(
        (source, version) for source, version, _ in failing
    )
    assert page.count('<pre class="evidence">') == len(failing)


def test_the_line_of_a_category_has_a_point_for_each_day(client: httpx.Client, site_folder: Path) -> None:
    key = "does-not-build"
    page = client.get(f"/category/{key}").text
    lines = dict(
        re.findall(r'(?s)aria-label="([^:"]*):[^>]*>.*?<polyline class="past" points="([^"]*)"', page)
    )
    origins = rows(
        published(site_folder), "SELECT DISTINCT origin FROM daily_categories WHERE category_key = ?", key
    )
    assert origins and set(lines) == {origin for (origin,) in origins}
    for origin, points in lines.items():
        heights = [-int(point.partition(",")[2]) for point in points.split()]
        daily = rows(
            published(site_folder),
            "SELECT coalesce(c.packages, 0) FROM daily_totals AS d LEFT JOIN daily_categories AS c"
            " ON c.snapshot_id = d.snapshot_id AND c.category_key = ? WHERE d.origin = ? ORDER BY d.day",
            key,
            origin,
        )
        assert heights == [packages for (packages,) in daily][-len(heights) :]
        assert len(heights) == min(len(daily), 366)
