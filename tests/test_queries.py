"""Questions and dashboards: that every one answers, that its numbers are right and lead to their rows."""

from __future__ import annotations

import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator
from html import unescape
from math import ceil
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urljoin

import httpx
import pytest
import yaml
import zstandard
from browsing import Visit, marks
from helpers import change, ingest, move_to_today, one, rows, text
from playwright.sync_api import Browser
from served import ROOT, lay_out, serving

from ingest import schema

pytest_plugins = ("site_fixtures",)

FOLDER = ROOT / "canned_queries" / "reproducibility"
QUESTIONS = sorted(path.stem for path in FOLDER.glob("*.sql"))
DASHBOARDS = yaml.safe_load((ROOT / "dashboards" / "_shared.yml").read_text())["order"]
MAY_BE_EMPTY = {"uncategorised", "disagreements"}  # the sample has no such rows
STATUS_COLOURS = {"GOOD": "#0072B2", "BAD": "#E69F00", "FAIL": "#D55E00", "UNKWN": "#999999"}


def about(question: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((FOLDER / f"{question}.yml").read_text())
    return loaded


def dashboard(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "dashboards" / f"{name}.yml").read_text())
    return loaded


@pytest.fixture(scope="module")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site with what `make demo` publishes."""
    folder = tmp_path_factory.mktemp("demo")
    with (ROOT / "demo" / "rebuilderd.db.zst").open("rb") as packed, (folder / "r.db").open("wb") as plain:
        zstandard.ZstdDecompressor().copy_stream(packed, plain)
    site = lay_out(folder / "site")
    move_to_today(folder / "r.db")  # for charts of the last year
    ingest(site / "reproducibility.db", folder / "r.db", name="demo")
    return site


@pytest.fixture(scope="module")
def demo(demo_folder: Path) -> Iterator[str]:
    with serving(demo_folder) as address:
        yield address


@pytest.fixture
def published(demo_folder: Path) -> Path:
    return demo_folder / "reproducibility.db"


def ask(site: str, question: str, **parameters: str) -> list[dict[str, Any]]:
    reply = httpx.get(
        f"{site}/reproducibility/{question}.json", params={"_shape": "array", **parameters}, timeout=30
    )
    found: list[dict[str, Any]] = reply.raise_for_status().json()
    return found


def rows_behind(site: str, link: str) -> int:
    """How many rows a link of the site leads to."""
    path, _, query = unescape(link).partition("?")
    found = httpx.get(urljoin(site, f"{path}.json?{query}&_size=1"), timeout=30).raise_for_status().json()
    return int(found["filtered_table_rows_count"])


# Every question


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_without_parameters_answers_as_a_page_and_with_rows(demo: str, question: str) -> None:
    assert httpx.get(f"{demo}/reproducibility/{question}", timeout=30).status_code == 200
    assert ask(demo, question) or question in MAY_BE_EMPTY


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_examples_of_a_question_give_rows_of_the_sample(demo: str, question: str) -> None:
    examples = re.findall(rf'href="{question}\?([^"#]*)', about(question)["description_html"])
    assert examples
    for example in map(unescape, examples):
        found = ask(demo, question, **dict(parse_qsl(example)))
        assert found or question in MAY_BE_EMPTY, example


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_describes_exactly_its_parameters(question: str) -> None:
    described, sql = about(question), (FOLDER / f"{question}.sql").read_text()
    assert sql.startswith("-- ") and sql.partition("\n")[0].endswith(("?", "."))
    assert described["title"] and described["hide_sql"] is True
    bare = re.sub(r"--.*|'[^']*'", "", sql)
    asked = set(re.findall(r"(?<![:\w]):([a-z_]+)", bare))
    assert asked == set(described["params"])
    helped = ", ".join(re.findall(r"<dt>(.*?)</dt>", described["description_html"])).split(", ")
    assert sorted(helped) == sorted(described["params"])


@pytest.mark.parametrize("question", [name for name in QUESTIONS if "distribution" in about(name)["params"]])
def test_a_place_that_no_package_is_from_gives_no_row(demo: str, question: str) -> None:
    assert ask(demo, question, distribution="of-no-package") == []


@pytest.mark.parametrize("question", [name for name in QUESTIONS if about(name).get("in_full")])
def test_what_a_question_cuts_is_in_a_table_or_view_in_full(question: str) -> None:
    name, _, query = about(question)["in_full"].partition("?")
    columns = schema.descriptions()[name]["columns"]
    for key, value in parse_qsl(query):
        assert (value if key.startswith("_sort") else key.partition("__")[0]) in columns


# What a question leaves out


def test_a_page_says_that_rows_were_left_out_and_where_all_are(demo: str, published: Path) -> None:
    page = httpx.get(f"{demo}/reproducibility/status_of_sources?architecture=amd64").text
    found = re.search(
        r'These are 50 of ([\d,]+) packages.\s*All of them: <span class="formats"><a href="([^"]+)"', page
    )
    in_all = ask(demo, "status_of_sources", architecture="amd64")[0]["packages_in_all"]
    assert found and int(found[1].replace(",", "")) == in_all == rows_behind(demo, found[2])
    assert "These are" not in httpx.get(f"{demo}/reproducibility/status_of_sources?name=acl").text


@pytest.mark.parametrize("feed", ["feed_failures", "feed_fixes", "feed_regressions"])
def test_a_feed_says_whether_there_is_more_than_its_newest_entries(demo: str, feed: str) -> None:
    uncut = re.sub(r"LIMIT 10[01]\n", "LIMIT -1\n", (FOLDER / f"{feed}.sql").read_text())
    for origin in ("", "debian/forky/arm64"):
        asked = {
            "sql": f"SELECT count(*) AS n FROM ({uncut})",
            "origin": origin,
            "package": "",
            "_shape": "array",
        }
        in_all = httpx.get(f"{demo}/reproducibility.json", params=asked, timeout=30).json()[0]["n"]
        newest = ask(demo, feed, origin=origin)
        assert len(newest) == min(100, in_all) > 0
        assert {row["is_cut"] for row in newest} == {int(in_all > 100)}
    assert {row["is_cut"] for row in ask(demo, feed, package=newest[0]["source"])} == {0}


def test_a_page_says_that_sql_of_a_reader_was_cut(demo: str) -> None:
    sql = "SELECT a.id FROM origins AS a, origins AS b, origins AS c, builds LIMIT 10001"
    page = httpx.get(f"{demo}/reproducibility", params={"sql": sql, "_hide_sql": "1"}, timeout=60).text
    assert "Only the first 5,000 rows are shown" in page
    assert httpx.get(f"{demo}/reproducibility.json", params={"sql": sql}).json()["truncated"] is True


def test_views_of_questions_stream_in_full(demo: str, published: Path) -> None:
    for view in ("attempts", "source_status", "queued_builds", "regressions", "fixes"):
        stream = httpx.get(f"{demo}/reproducibility/{view}.csv?_stream=on&_size=100&_col=distribution").text
        assert stream.count("\n") - 1 == one(published, f"SELECT count(*) FROM {view}") > 40, view


# Numbers, against the tables and Python


def test_a_copied_result_is_one_attempt(demo: str, published: Path) -> None:
    attempts = one(published, "SELECT count(*) FROM builds WHERE copy_of IS NULL")
    assert (
        one(published, "SELECT count(*) FROM attempts")
        == attempts
        < one(published, "SELECT count(*) FROM builds")
    )
    assert sum(row["builds"] for row in ask(demo, "builds_per_day", since="2000-01-01")) == attempts


def test_durations_are_percentiles_by_nearest_rank(demo: str, published: Path) -> None:
    of_day = defaultdict(list)
    for day, duration in rows(
        published,
        "SELECT substr(built_at, 1, 10), duration FROM builds WHERE copy_of IS NULL AND duration NOT NULL",
    ):
        of_day[day].append(duration)
    found = ask(demo, "duration_by_day", since="2000-01-01")
    assert len(found) == len(of_day) > 90
    for row in found:
        known = sorted(of_day[row["day"]])
        assert row["builds"] == len(known)
        assert row["p50_duration"] == known[ceil(0.5 * len(known)) - 1]
        assert row["p95_duration"] == known[ceil(0.95 * len(known)) - 1]


def test_flaky_packages_were_good_and_not_good_in_one_version(demo: str, published: Path) -> None:
    results = defaultdict(Counter)
    for package, status in rows(published, "SELECT source_package_id, status FROM builds"):
        results[package][status] += 1
    flaky = {id for id, of in results.items() if of["GOOD"] and of["BAD"] + of["FAIL"]}
    found = rows(published, "SELECT source_package_id, good, bad, fail FROM flaky_packages")
    assert {row[0] for row in found} == flaky
    for id, *counts in found:
        assert counts == [results[id][status] for status in ("GOOD", "BAD", "FAIL")]
    assert all(row["bad"] for row in ask(demo, "flaky", other="bad"))


def test_packages_that_were_never_reproduced_have_no_good_build(demo: str, published: Path) -> None:
    expected = rows(
        published,
        "SELECT s.id FROM source_packages AS s JOIN builds AS b ON b.source_package_id = s.id"
        " WHERE s.is_current AND s.status IN ('BAD', 'FAIL') GROUP BY s.id"
        " HAVING count(*) >= 2 AND max(b.status = 'GOOD') = 0",
    )
    found = ask(demo, "never_reproduced_after", attempts="2")
    assert found[0]["packages_in_all"] == len(expected)
    assert {row["source_package_id"] for row in found} <= {id for (id,) in expected}
    assert min(row["results"] for row in found) >= 2


def test_days_to_fix_count_from_when_it_was_good_last(published: Path) -> None:
    days: dict[tuple[int, ...], float] = defaultdict(float)
    expected = {}
    for from_status, to_status, since, build, *package in rows(
        published,
        "SELECT from_status, to_status, days_since_previous, to_build_id, rebuilder_id, generation, origin_id, name_id"
        " FROM status_changes ORDER BY changed_at",
    ):
        key = tuple(package)
        days[key] = 0.0 if from_status == "GOOD" else days[key] + since
        if to_status == "GOOD":
            expected[build] = days[key]
    found = dict(rows(published, "SELECT to_build_id, days_to_fix FROM fixes"))
    assert found == pytest.approx(expected, abs=0.01) and len(found) > 100


def test_times_to_fix_are_those_of_all_fixes(demo: str, published: Path) -> None:
    found = ask(demo, "time_to_fix")
    assert sum(row["fixes"] for row in found) == one(published, "SELECT count(*) FROM fixes")
    for row in found:
        known = sorted(
            days for (days,) in rows(published, "SELECT days_to_fix FROM fixes WHERE month = ?", row["month"])
        )
        assert row["p50_days"] == known[ceil(0.5 * len(known)) - 1]
        assert row["fixes"] == row["by_new_version"] + row["by_new_attempt"]


def test_a_regression_is_open_until_a_later_fix(demo: str, published: Path) -> None:
    found = ask(demo, "regressions_since", since="2000-01-01", state="open")
    assert found
    for row in found:
        later = rows(
            published,
            "SELECT 1 FROM status_changes AS c JOIN origins AS o ON o.id = c.origin_id WHERE c.name = ? AND"
            " c.to_status = 'GOOD' AND c.changed_at > ? AND o.release = ? AND o.architecture = ?",
            *(row[column] for column in ("source", "changed_at", "release", "architecture")),
        )
        assert later == []
    fixed = ask(demo, "regressions_since", since="2000-01-01", state="fixed")
    in_all = one(published, "SELECT count(*) FROM status_changes WHERE from_status = 'GOOD'")
    assert len(found) + len(fixed) == in_all


def test_the_queue_is_counted_once_for_each_origin(demo: str, published: Path) -> None:
    found = ask(demo, "queue_and_retries")
    assert sum(row["queued"] for row in found) == one(published, "SELECT count(*) FROM queue")
    retries = sum(row["retries_due"] + row["retries_later"] for row in found)
    assert retries == one(
        published,
        "SELECT count(*) FROM source_packages WHERE is_current AND next_retry NOT NULL"
        " AND id NOT IN (SELECT source_package_id FROM queue)",
    )


def test_packages_without_a_build_are_those_of_the_totals_that_never_had_one(
    demo: str, published: Path
) -> None:
    found = ask(demo, "never_built")
    assert found[0]["packages_in_all"] == one(
        published, "SELECT count(*) FROM source_packages WHERE is_current AND status IS NULL"
    )
    waits = [row["is_queued"] for row in found]
    assert waits == sorted(waits)


def test_the_oldest_results_come_first(demo: str, published: Path) -> None:
    found = ask(demo, "oldest_results")
    times = [row["latest_built_at"] for row in found]
    assert times == sorted(times)
    assert times[0] == one(
        published,
        "SELECT min(b.built_at) FROM source_packages AS s JOIN builds AS b ON b.id = s.latest_build_id WHERE is_current",
    )


def test_a_package_is_a_candidate_for_a_retry_for_a_reason(published: Path) -> None:
    found = rows(published, "SELECT source_package_id, status, reasons FROM packages_to_retry")
    assert len(found) > 20
    for package, status, reasons in found:
        assert status != "GOOD"
        was_good = "SELECT count(*) FROM builds WHERE source_package_id = ? AND status = 'GOOD'"
        assert ("was GOOD before" in reasons) == bool(one(published, was_good, package))
        assert ("no conclusion" in reasons) == (status == "UNKWN")


def test_the_largest_logs_are_as_long_as_they_say(demo: str) -> None:
    found = ask(demo, "largest_logs", kind="diffoscope")
    sizes = [row["bytes"] for row in found]
    assert sizes == sorted(sizes, reverse=True)
    log = httpx.get(demo + found[-1]["log"]).raise_for_status()
    assert len(log.content) == found[-1]["bytes"]


def test_the_last_run_tells_of_new_builds_only(demo_folder: Path, tmp_path: Path) -> None:
    site, source = lay_out(tmp_path / "site"), tmp_path / "r.db"
    shutil.copyfile(demo_folder / "reproducibility.db", site / "reproducibility.db")
    shutil.copyfile(demo_folder.parent / "r.db", source)
    (package,) = rows(
        source,
        "SELECT b.build_input_id FROM rebuilds AS b JOIN build_inputs AS i ON i.id = b.build_input_id"
        " JOIN source_packages AS s ON s.id = i.source_package_id WHERE s.seen_in_last_sync"
        " GROUP BY b.build_input_id HAVING max(b.status) = 'GOOD' AND count(*) = 1 LIMIT 1",
    )
    change(
        source,
        "INSERT INTO rebuilds (build_input_id, started_at, built_at, build_log_id, status) SELECT"
        f" {package[0]}, max(built_at), datetime(max(built_at), '+1 hour'), min(build_log_id), 'FAIL' FROM rebuilds",
    )
    ingest(site / "reproducibility.db", source, name="demo")
    with serving(site) as address:
        (found,) = ask(address, "last_run")
    assert (found["change"], found["from_status"], found["status"]) == ("regression", "GOOD", "FAIL")
    assert found["results_in_all"] == 1


def test_a_binary_of_several_releases_is_one_row_and_pages_go_on(demo: str, published: Path) -> None:
    found: list[dict[str, Any]] = []
    after: str | None = ""
    while after is not None:
        page = ask(demo, "binaries_in_releases", releases="trixie,forky", names="700", after=after)
        found += page
        after = page[0]["next_after"] if page else None
    keys = [(row["binary"], row["version"], row["architecture"]) for row in found]
    assert len(set(keys)) == len(keys)
    assert set(keys) == set(
        rows(published, "SELECT name, version, architecture FROM binary_packages WHERE is_current")
    )
    assert {row["releases"] for row in found} >= {"trixie", "forky"}


def test_attempts_are_found_by_the_name_of_a_binary(demo: str, published: Path) -> None:
    binary, source = rows(
        published,
        "SELECT binary, source FROM package_status WHERE binary <> source AND source_status = 'BAD' LIMIT 1",
    )[0]
    assert {row["source"] for row in ask(demo, "package_attempts", name=binary)} == {source}


def test_hostile_names_stay_text_in_questions(demo_folder: Path, browser: Browser, tmp_path: Path) -> None:
    hostile = "<img src=x onerror=document.title='broken'>&amp;"
    site = lay_out(tmp_path / "site")
    shutil.copyfile(demo_folder / "reproducibility.db", site / "reproducibility.db")
    for table in ("source_packages", "workers", "rebuilders", "status_changes"):
        change(site / "reproducibility.db", f"UPDATE {table} SET name = {text(hostile)} || id")
    with serving(site) as address:
        visit = Visit(browser.new_page(), address)
        for path in ("/-/dashboards/operations", "/-/dashboards/compare", "/reproducibility/workers_now"):
            visit.open(path)
            assert visit.page.locator("img").count() == 0 and visit.page.title() != "broken"
    assert visit.problems == []


# Numbers lead to their rows


@pytest.mark.parametrize(
    "path",
    [
        "overview",
        "status_of_sources?status=BAD",
        "flaky",
        "never_reproduced_after",
        "queue_and_retries",
        "builds_per_day?architecture=amd64",
        "duration_by_day?since=2026-11-01",
        "time_to_fix",
        "rebuilders_and_freshness",
    ],
)
def test_a_count_leads_to_as_many_rows(demo: str, path: str) -> None:
    page = httpx.get(f"{demo}/reproducibility/{path}", timeout=30).text
    links = re.findall(r'<td class="col-(\w+)[^"]*"><a href="([^"]+\?[^"]+)">(\d+)</a></td>', page)
    links = [found for found in links if not found[0].endswith("_id")]
    assert links
    for _, link, number in links[:: max(1, len(links) // 12)]:
        assert rows_behind(demo, link) == int(number), link


# Dashboards


def test_dashboards_are_all_listed_and_have_one_set_of_filters(demo: str) -> None:
    files = {path.stem for path in (ROOT / "dashboards").glob("*.yml")}
    assert files == {"_shared", *DASHBOARDS}
    page = httpx.get(f"{demo}/-/dashboards").text
    assert re.findall(r'href="/-/dashboards/(\w+)"', page) == DASHBOARDS


@pytest.mark.parametrize("name", DASHBOARDS)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_charts_of_a_dashboard_have_marks(
    browser: Browser, demo: str, name: str, width: int, scheme: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    visit = Visit(context.new_page(), demo)
    visit.open(f"/-/dashboards/{name}")
    for slug, chart in dashboard(name)["charts"].items():
        if chart["library"] == "vega-lite":
            assert marks(visit, f"#chart-{slug}") > 0, slug
        elif chart["library"] == "table":
            assert visit.page.locator(f"#chart-{slug} tbody tr").count() > 0
    assert visit.page.locator(".chart-tooltip:visible").count() == 0  # shown where a row limit cuts a chart
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
    assert visit.problems == []


def test_the_trend_of_many_origins_is_not_cut(published: Path, tmp_path: Path) -> None:
    many = Path(shutil.copy(published, tmp_path / "many.db"))
    today = one(many, "SELECT substr(finished_at, 1, 10) FROM newest_run")
    numbers = "WITH RECURSIVE n (value) AS (SELECT 0 UNION ALL SELECT value + 1 FROM n WHERE value < 360)"
    change(
        many,
        "DELETE FROM snapshot_categories",
        "DELETE FROM snapshots",
        f"{numbers} INSERT INTO origins SELECT 100 + value, 'debian', 'r' || value, 'amd64', 'r' || value FROM n"
        " WHERE value < 60",
        f"{numbers} INSERT INTO snapshots SELECT NULL, r.id, o.id, o.label, date('{today}', -value || ' days') || 'T12:00:00Z',"
        " 'taken', 'source packages', 1, 1, 1, 1, 1, 1, 1, 1 FROM n, rebuilders AS r, origins AS o WHERE o.id >= 100",
    )
    drawn = rows(many, re.sub(r"\[\[.*?\]\]", "", dashboard("reproducibility")["charts"]["share"]["query"]))
    days = Counter(origin for _, origin, *_ in drawn)
    assert len(days) == 60 and set(days.values()) == {121}  # of 361, every third one
    assert max(day for _, _, day, *_ in drawn) == today


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_whose_filters_match_nothing_says_so_and_is_no_longer(
    browser: Browser, demo: str, name: str
) -> None:
    visit = Visit(browser.new_page(), demo)
    said = """charts => charts.filter(chart => chart.querySelector('svg.marks')).map(chart => [
        getComputedStyle(chart, '::before').content, getComputedStyle(chart.querySelector('svg.marks')).display
    ])"""
    visit.open(f"/-/dashboards/{name}")
    assert {content for content, _ in visit.page.locator(".dashboard-card-chart").evaluate_all(said)} == {
        "none"
    }
    visit.open(f"/-/dashboards/{name}?release=of-no-package")
    empty = visit.page.locator(".dashboard-card-chart").evaluate_all(said)
    assert empty and {*map(tuple, empty)} == {('"There is nothing to show here."', "none")}
    assert visit.page.evaluate("document.documentElement.scrollHeight") < 4000
    assert visit.problems == []


@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_filter_narrows_the_charts_that_it_can(demo: str, name: str) -> None:
    for slug, chart in dashboard(name)["charts"].items():
        if sql := chart.get("query"):
            filters = set(re.findall(r"\[\[[^]]*:(\w+)", sql))
            places = (
                {"rebuilder"}
                if slug == "freshness"
                else {"rebuilder", "distribution", "release", "architecture"}
            )
            assert filters - {"days"} == places, slug
            assert ("days" in filters) == ("in the last year" in chart["title"]), slug
            narrowed = re.sub(r"\[\[|\]\]", "", sql)
            parameters = dict.fromkeys(filters, "of-no-package") | {"sql": narrowed, "_shape": "array"}
            found = httpx.get(f"{demo}/reproducibility.json", params=parameters).raise_for_status().json()
            assert len(found) <= 1, slug  # a table has to have a row, to say that there is none


@pytest.mark.parametrize("name", ["operations", "compare"])
def test_the_links_of_a_dashboard_open(demo: str, name: str) -> None:
    for chart in dashboard(name)["charts"].values():
        if chart["library"] == "markdown":
            links = re.findall(r"\]\(([^)]+)\)", chart["display"])
            assert links
            for link in links:
                assert httpx.get(urljoin(f"{demo}/-/dashboards/{name}", link), timeout=30).status_code == 200


def test_statuses_have_their_colours_in_operations() -> None:
    scale = dashboard("operations")["charts"]["builds"]["display"]["encoding"]["color"]["scale"]
    assert dict(zip(scale["domain"], scale["range"], strict=True)) == STATUS_COLOURS


def test_charts_of_builds_count_what_the_tables_hold(demo: str, published: Path) -> None:
    charts = dashboard("operations")["charts"]
    found = {}
    for name in ("builds", "faults", "queue"):
        sql = re.sub(r"\[\[.*?\]\]", "", charts[name]["query"])
        found[name] = httpx.get(f"{demo}/reproducibility.json", params={"sql": sql, "_shape": "array"}).json()
    assert sum(row["builds"] for row in found["builds"]) == one(
        published,
        "SELECT count(*) FROM builds WHERE copy_of IS NULL AND built_at > date('now', '-1 year')",
    )
    faults = (
        "SELECT count(DISTINCT b.id || k.key) FROM failures AS f JOIN categories AS k ON k.id = f.category_id"
        " JOIN builds AS b ON b.id = f.build_id WHERE k.class = 'infrastructure' AND b.copy_of IS NULL"
    )
    assert sum(row["builds"] for row in found["faults"]) == one(published, faults) > 20
    assert sum(row["builds"] for row in found["queue"]) == one(published, "SELECT count(*) FROM queue")
