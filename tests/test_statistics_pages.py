"""Pages of statistics and what they give to machines, from a real Datasette, drawn by a real browser."""

from __future__ import annotations

import csv
import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from axe import serious
from browsing import Visit
from helpers import DAEMON, change, ingest, one, rows
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import Browser
from served import lay_out, serving

from ingest.errors import StatisticError
from ingest.statistics import asking, charts, record

pytest_plugins = ("site_fixtures",)

HOSTILE = "</title><script>x</script>&\"' +~:/ü"
PATHS = [
    "",
    "/builds-per-day",
    "/build-duration?by=origin&period=all",
    "/days-to-fix?period=all",
    "/rack-load",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site with a small database, to which somebody recorded two values by hand."""
    folder = lay_out(tmp_path_factory.mktemp("statistics") / "site")
    database = folder / "reproducibility.db"
    ingest(database, DAEMON, name="tiny")
    for hour, value in ((1, 0.5), (3, -2)):
        record(
            database,
            "rack-load",
            value,
            at=datetime(2026, 5, 1, hour, tzinfo=UTC),
            dimensions={"rack": HOSTILE},
        )
    return folder


@pytest.fixture(scope="module")
def database(folder: Path) -> Path:
    return folder / "reproducibility.db"


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[str]:
    with serving(folder) as address:
        yield address


@pytest.fixture(params=["light", "dark", "phone"])
def visit(request: pytest.FixtureRequest, browser: Browser, site: str) -> Visit:
    width = 390 if request.param == "phone" else 1280
    scheme = "light" if request.param == "light" else "dark"
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    return Visit(context.new_page(), site)


def page(site: str, path: str, status: int = 200) -> str:
    reply = httpx.get(f"{site}/statistics{path}")
    assert reply.status_code == status
    return reply.text


def titles(text: str) -> list[tuple[str, str, float]]:
    """What the marks of a chart say: series, time and value."""
    found = re.findall(r"<(?:rect|circle)[^>]*><title>(.*?), ([-\d: ]+): (-?[\d,.]+).*?</title>", text)
    return [(unescape(series), at, float(value.replace(",", ""))) for series, at, value in found]


# Pages


@pytest.mark.parametrize("path", PATHS)
def test_a_page_is_accessible_fits_and_asks_no_other_host(visit: Visit, path: str) -> None:
    visit.open(f"/statistics{path}")
    assert visit.problems == []
    assert visit.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert serious(visit.page) == []
    assert (
        visit.page.get_by_role("navigation", name="Site").locator("[aria-current]").inner_text()
        == "Statistics"
    )


@pytest.mark.parametrize(
    ("path", "mark"), [("/builds-per-day", "rect"), ("/build-duration", "circle"), ("/rack-load", "circle")]
)
def test_a_chart_has_marks_that_can_be_seen(visit: Visit, path: str, mark: str) -> None:
    visit.open(f"/statistics{path}?period=all")
    boxes = visit.page.locator(f"figure.statistic {mark}").evaluate_all(
        "marks => marks.map(mark => [mark.getBBox(), getComputedStyle(mark).fill])"
        ".map(([box, fill]) => [box.width * box.height, box.x, box.x + box.width, box.y + box.height, fill])"
    )
    assert len(boxes) > 1
    paper = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
    for area, left, right, bottom, fill in boxes:
        assert area > 0 and left >= 50 and right <= 760 and bottom <= 215
        assert fill != paper
    assert visit.page.locator("figure.statistic svg").evaluate("chart => chart.clientWidth") > 300


def test_statuses_have_their_colours(visit: Visit) -> None:
    visit.open("/statistics/builds-per-day?period=all")
    fill = "mark => getComputedStyle(mark).fill"
    bars = visit.page.locator("figure.statistic rect")
    assert bars.filter(has_text="GOOD").first.evaluate(fill) == "rgb(0, 114, 178)"
    assert bars.filter(has_text="BAD").first.evaluate(fill) == "rgb(230, 159, 0)"


@pytest.mark.parametrize("path", ["", "/builds-per-day", "/attempts-by-package", "/days-to-fix"])
def test_the_links_of_a_page_lead_somewhere(site: str, path: str) -> None:
    links = {unescape(link) for link in re.findall(r'href="(/[^"]*)"', page(site, path))}
    for link in sorted(links)[:80]:
        assert httpx.get(site + link).status_code == 200, link


def test_the_list_has_every_statistic_with_values_that_lead_to_their_rows(site: str, database: Path) -> None:
    text = page(site, "")
    known = rows(
        database,
        "SELECT s.name, s.kind = 'total' OR json_extract(s.chart, '$.mark') = 'area', s.last_at,"
        " (SELECT sum(value) FROM statistic_values WHERE statistic = s.name AND at = s.last_at),"
        " (SELECT count(*) FROM statistic_values WHERE statistic = s.name AND at = s.last_at)"
        " FROM statistics AS s",
    )
    assert len(known) > 10
    for name, adds, last, total, count in known:
        row = text.split(f'href="/statistics/{name}"', 1)[1].split("</tr>")[0]
        if last is None:
            assert "none yet" in row
            continue
        link, value = re.findall(r'<a href="([^"]*statistic_values[^"]*)">([-\d,.]+)</a>', row)[-1]
        assert float(value.replace(",", "")) == pytest.approx(total if adds else total / count, rel=0.01)
        path, _, query = unescape(link).partition("?")
        answer = httpx.get(urljoin(site, f"{path}.json?{query}&_size=0")).json()
        assert answer["filtered_table_rows_count"] == count


def test_the_bars_add_up_to_what_sql_says(site: str, database: Path) -> None:
    drawn: dict[str, float] = defaultdict(float)
    for series, _, value in titles(page(site, "/builds-per-day?period=all&by=status")):
        drawn[series] += value
    assert dict(drawn) == dict(
        rows(
            database,
            "SELECT dimensions ->> '$.status', sum(value) FROM statistic_values"
            " WHERE statistic = 'builds-per-day' GROUP BY 1",
        )
    )


def test_many_series_become_the_largest_and_all_others(site: str, database: Path) -> None:
    drawn = titles(page(site, "/attempts-by-package?period=all&by=package"))
    assert len({series for series, _, _ in drawn}) == charts.SERIES + 1
    total = one(database, "SELECT sum(value) FROM statistic_values WHERE statistic = 'attempts-by-package'")
    assert sum(value for _, _, value in drawn) == total


def test_a_line_is_the_mean_of_what_is_not_told_apart(site: str, database: Path) -> None:
    drawn = titles(page(site, "/build-duration?period=7&by=quantile"))
    assert drawn
    for quantile, day, value in drawn:
        mean = one(
            database,
            "SELECT avg(value) FROM statistic_values WHERE statistic = 'build-duration' AND at LIKE ? || '%'"
            " AND dimensions ->> '$.quantile' = ?",
            day,
            quantile,
        )
        assert value == pytest.approx(mean, rel=0.01)


def test_the_form_chooses_without_javascript(browser: Browser, site: str, database: Path) -> None:
    tab = browser.new_context(java_script_enabled=False).new_page()
    tab.goto(f"{site}/statistics/builds-per-day")
    tab.get_by_label("Time").select_option("all")
    tab.get_by_label("Colour for each").select_option("origin")
    tab.get_by_label("Status", exact=True).select_option("FAIL")
    tab.get_by_role("button", name="Show").click()
    assert set(tab.locator("table.values td[data-label=Status]").all_inner_texts()) == {"FAIL"}
    counted = sum(value for _, _, value in titles(tab.content()))
    assert counted == one(
        database,
        "SELECT sum(value) FROM statistic_values WHERE statistic = 'builds-per-day' AND dimensions ->> 'status' = 'FAIL'",
    )
    assert tab.get_by_label("Status", exact=True).input_value() == "FAIL"


def test_earlier_values_are_on_the_next_page_until_the_first(site: str, database: Path) -> None:
    found: list[str] = []
    path = "/statistics/builds-per-day?period=all"
    while path:
        text = httpx.get(site + path).text
        found += re.findall(r"/measurements/(\d+)", text)
        link = re.search(r'<a href="([^"]*)#values">Earlier', text)
        path = unescape(link[1]) if link else ""
    ids = rows(
        database,
        "SELECT measurement_id FROM statistic_values WHERE statistic = 'builds-per-day' ORDER BY at DESC, measurement_id DESC",
    )
    assert [int(id) for id in found] == [id for (id,) in ids]


def test_an_unknown_statistic_is_not_found_and_the_known_ones_are_listed(site: str) -> None:
    assert 'href="/statistics/builds-per-day"' in page(site, "/of-nothing", status=404)
    answer = json.loads(page(site, "/of-nothing.json", status=404))
    assert "builds-per-day" in answer["statistics"] and not answer["ok"]
    assert json.loads(page(site, "/of-nothing/layout.json", status=404))["statistics"] == answer["statistics"]


@pytest.mark.parametrize("query", ["period=8", "by=nothing", "colour=red", "next=x", "start=2026-01-01"])
def test_a_page_says_what_of_its_address_is_wrong(site: str, query: str) -> None:
    assert 'class="failing" role="status"' in page(site, f"/builds-per-day?{query}", status=400)


def test_what_went_wrong_is_shown_and_nothing_in_it_is_taken_for_markup(site: str, database: Path) -> None:
    change(
        database,
        "UPDATE statistics SET last_error = 'KeyError: <script>x</script>', last_error_at = '2026-05-01T00:00:00Z'"
        " WHERE name = 'success-share'",
    )
    try:
        for text in (
            page(site, ""),
            page(site, "/success-share"),
            page(site, "/rack-load?period=all&by=rack"),
        ):
            assert "<script>x" not in text
        assert "KeyError" in page(site, "") and "KeyError" in page(site, "/success-share")
    finally:
        change(database, "UPDATE statistics SET last_error = NULL, last_error_at = NULL")


# JSON, CSV and layouts


def pages(site: str, name: str, format: str, **asked: str | int) -> Iterator[httpx.Response]:
    reply = httpx.get(f"{site}/statistics/{name}.{format}", params=asked).raise_for_status()
    yield reply
    while "next" in reply.links:
        reply = httpx.get(reply.links["next"]["url"]).raise_for_status()
        yield reply


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("name", ["builds-per-day", "days-to-fix"])
def test_pages_have_every_row_once_in_order(site: str, database: Path, name: str, order: str) -> None:
    expected = rows(
        database,
        "SELECT at, value, rebuilder, origin FROM statistic_values WHERE statistic = ?"
        f" ORDER BY at {order}, measurement_id {order}",
        name,
    )
    limit = max(2, len(expected) // 6)
    replies = list(pages(site, name, "json", limit=limit, order=order))
    assert len(replies) > 5
    assert [reply.json()["next_url"] for reply in replies] == [
        reply.links.get("next", {}).get("url") for reply in replies
    ]
    found = [row for reply in replies for row in reply.json()["rows"]]
    assert [(row["at"], row["value"], row["rebuilder"], row["origin"]) for row in found] == expected
    lines = [
        row
        for reply in pages(site, name, "csv", limit=limit, order=order)
        for row in csv.DictReader(reply.text.splitlines())
    ]
    told = [{key: "" if value is None else str(value) for key, value in row.items()} for row in found]
    assert lines == told


def test_csv_without_a_limit_has_all_values(site: str, database: Path, folder: Path) -> None:
    numbers = [
        (f"2001-01-{1 + number // 1440:02}T{number // 60 % 24:02}:{number % 60:02}:00Z", number)
        for number in range(12_345)
    ]
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "INSERT INTO statistics (id, name, title, description, unit, kind, dimensions, version, is_recorded,"
            " is_installed) VALUES (999, 'minutes', '', '', '', 'value', '[]', 1, 1, 1)"
        )
        connection.executemany(
            "INSERT INTO measurements (statistic_id, at, value) VALUES (999, ?, ?)", numbers
        )
    try:
        for order, expected in (("asc", numbers), ("desc", numbers[::-1])):
            reply = httpx.get(f"{site}/statistics/minutes.csv?order={order}").raise_for_status()
            assert "next" not in reply.links
            assert reply.text.splitlines() == ["at,value", *(f"{at},{value}" for at, value in expected)]
        some = httpx.get(f"{site}/statistics/minutes.csv?start=2001-01-09").text.splitlines()
        assert len(some) == 1 + 12_345 - 8 * 1440
    finally:
        change(
            database,
            "DELETE FROM measurements WHERE statistic_id = 999",
            "DELETE FROM statistics WHERE id = 999",
        )


def test_a_value_that_is_computed_anew_between_two_pages_loses_no_other(site: str, database: Path) -> None:
    first = httpx.get(f"{site}/statistics/rack-load.json?limit=1").json()
    change(
        database,
        "DELETE FROM measurements WHERE value = 0.5 AND statistic_id = (SELECT id FROM statistics WHERE name = 'rack-load')",
    )
    try:
        assert [row["value"] for row in httpx.get(first["next_url"]).json()["rows"]] == [-2]
    finally:
        record(
            database, "rack-load", 0.5, at=datetime(2026, 5, 1, 1, tzinfo=UTC), dimensions={"rack": HOSTILE}
        )


def test_start_is_included_and_stop_is_not_in_any_way_to_write_a_time(site: str) -> None:
    def values(**asked: str | int) -> list[float]:
        answer = httpx.get(f"{site}/statistics/rack-load.json", params=asked).raise_for_status()
        return [row["value"] for row in answer.json()["rows"]]

    assert values() == [0.5, -2]
    three = int(datetime(2026, 5, 1, 3, tzinfo=UTC).timestamp())
    for time in (
        "2026-05-01T03:00:00Z",
        "2026-05-01T03:00",
        "2026-05-01T05:00:00+02:00",
        three,
        f"{three}.0",
    ):
        assert values(start=time) == [-2]
        assert values(stop=time) == [0.5]
    assert values(start="2026-05-01", stop="2026-05-02", order="desc") == [-2, 0.5]
    assert values(start="2026-05-02") == []


def test_times_may_be_seconds_since_1970(site: str) -> None:
    def answer(times: str) -> list[dict[str, str]]:
        found = httpx.get(f"{site}/statistics/days-to-fix.json", params={"times": times}).json()["rows"]
        assert found
        return list(found)

    for iso, epoch in zip(answer("iso"), answer("epoch"), strict=True):
        assert float(epoch["at"]) == pytest.approx(datetime.fromisoformat(iso["at"]).timestamp(), abs=1e-5)
        assert iso["value"] == epoch["value"]


def test_dimensions_filter(site: str, database: Path) -> None:
    answer = httpx.get(
        f"{site}/statistics/builds-per-day.json",
        params={"status": "BAD", "rebuilder": "tiny", "limit": 10000},
    )
    assert len(answer.json()["rows"]) == one(
        database,
        "SELECT count(*) FROM statistic_values WHERE statistic = 'builds-per-day' AND dimensions LIKE '%\"BAD\"%'",
    )
    answer = httpx.get(f"{site}/statistics/rack-load.json", params={"rack": HOSTILE})
    assert [row["rack"] for row in answer.json()["rows"]] == [HOSTILE, HOSTILE]


@pytest.mark.parametrize("format", ["json", "csv"])
@pytest.mark.parametrize(
    "query",
    [
        "start=yesterday",
        "stop=2026-13-01",
        "start=99999999999999",
        "start=999999999999",
        "order=up",
        "limit=0",
        "limit=-1",
        "limit=10001",
        "limit=ten",
        "next=2026-05-01",
        "next=2026-05-01T00:00:00Z,99999999999999999999",
        "times=unix",
        "colour=red",
        "limit=1&limit=2",
    ],
)
def test_what_cannot_be_followed_is_refused_with_a_sentence(site: str, query: str, format: str) -> None:
    answer = json.loads(page(site, f"/builds-per-day.{format}?{query}", status=400))
    assert (
        answer["status"] == 400 and answer["error"].endswith(".") and query.split("=")[0] in answer["error"]
    )


def test_a_layout_has_the_columns_that_the_values_have(site: str, database: Path) -> None:
    layouts = httpx.get(f"{site}/statistics.json").json()["statistics"]
    assert {layout["name"] for layout in layouts} == {
        name for (name,) in rows(database, "SELECT name FROM statistics")
    }
    for layout in layouts:
        assert httpx.get(layout["layout"]).json() == layout
        header = httpx.get(layout["csv"]).text.splitlines()[0]
        assert header.split(",") == [column["name"] for column in layout["columns"]]
        assert layout["columns"][1]["unit"] == (layout["unit"] or None)
        assert layout["chart"]["mark"]
        assert httpx.get(layout["json"]).status_code == httpx.get(layout["page"]).status_code == 200


def test_other_sites_may_read_the_values(site: str) -> None:
    reply = httpx.get(f"{site}/statistics/builds-per-day.json?limit=1")
    assert reply.headers["access-control-allow-origin"] == "*"
    assert "link" in reply.headers["access-control-expose-headers"].lower()


# Reading times, and where marks lie


@given(
    st.datetimes(datetime(1, 1, 1), datetime(2999, 1, 1)).map(
        lambda time: time.replace(microsecond=0, tzinfo=UTC)
    )
)
def test_a_time_is_the_same_as_iso_and_as_epoch(time: datetime) -> None:
    text = asking.limit_of(time.isoformat(), "start")
    assert text == asking.limit_of(str(int(time.timestamp())), "start") == time.isoformat()[:19]


@given(st.text(max_size=30))
def test_a_time_is_understood_or_refused(text: str) -> None:
    try:
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", asking.limit_of(text, "start"))
    except StatisticError as error:
        assert "no time" in str(error)


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_the_scale_of_a_chart_holds_its_values_with_few_round_numbers(one: float, other: float) -> None:
    low, high = sorted((round(one, 3), round(other, 3)))
    ticks = charts.ticks(low, high)
    slack = 1e-6 * max(abs(low), abs(high), 1)
    assert ticks[0] <= low + slack and ticks[-1] >= high - slack and 2 <= len(ticks) <= 7
    assert ticks == sorted(set(ticks))


@given(
    st.datetimes(datetime(2001, 1, 1), datetime(2099, 1, 1)),
    st.timedeltas(min_value=datetime(2001, 1, 2) - datetime(2001, 1, 1)),
    st.sampled_from([60, 3600, 86400, 604800, None]),
    st.sampled_from([7, 90, None]),
)
def test_a_chart_has_whole_periods_and_not_too_many(
    first: datetime, span: object, interval: int | None, days: int | None
) -> None:
    last = first + min(span, datetime(2120, 1, 1) - first)  # type: ignore[type-var]
    time = charts.steps(first.isoformat(), last.isoformat(), interval, days)
    assert time.length % (interval or 3600) == 0
    assert 1 <= time.last - time.first + 1 <= charts.STEPS
    assert charts.LEFT <= time.x(time.first) < time.x(time.last + 1) <= charts.LEFT + charts.WIDTH + 0.01
