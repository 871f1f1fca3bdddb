"""What Datasette publishes, over HTTP and in a browser."""

from __future__ import annotations

import csv
import io
import re
import shutil
from html import unescape
from pathlib import Path

import httpx
import pytest
import yaml
from browsing import Visit, marks
from datasette.utils import module_from_path
from helpers import change, one, rows
from playwright.sync_api import Browser
from served import datasette, lay_out, serving
from sqlite_utils import Database

from ingest import schema

pytest_plugins = ("site_fixtures",)

ROOT = Path(__file__).parent.parent
QUESTIONS = sorted((ROOT / "canned_queries" / "reproducibility").glob("*.sql"))
CHARTS = yaml.safe_load((ROOT / "dashboards" / "reproducibility.yml").read_text())["charts"]
MAY_BE_EMPTY = {"uncategorised"}  # what no rule explains; the sample has nothing of the kind
STATUS_COLOURS = {"good": "#0072b2", "bad": "#e69f00", "fail": "#d55e00", "unkwn": "#999999"}


def metadata_of(question: Path) -> dict[str, str]:
    loaded: dict[str, str] = yaml.safe_load(question.with_suffix(".yml").read_text())
    return loaded


# Descriptions


@pytest.fixture
def database() -> Database:
    database = Database(memory=True)
    schema.apply(database.conn)
    return database


def test_every_table_view_and_column_is_described_and_nothing_else(database: Database) -> None:
    published = {
        # Not by table.columns, which leaves out those that are generated.
        table.name: [
            column["name"]
            for column in database.query(f"PRAGMA table_xinfo([{table.name}])")
            if column["hidden"] != 1
        ]
        for table in [*database.tables, *database.views]
        if "_fts" not in table.name
    }
    described = {name: list(about["columns"]) for name, about in schema.descriptions().items()}
    assert described == published


def test_descriptions_are_sentences() -> None:
    for name, about in schema.descriptions().items():
        for text in [about["description"], *about["columns"].values()]:
            assert text.strip().endswith("."), f"{name}: {text}"


def test_descriptions_name_columns_that_exist() -> None:
    for name, about in schema.descriptions().items():
        named = [about.get("label_column"), about.get("sort_desc"), about.get("fts_pk")]
        named += [*about.get("facets", []), *about.get("units", {})]
        assert {column for column in named if column} <= set(about["columns"]), name


def test_opening_a_current_database_does_not_write_the_views_again(database: Database) -> None:
    before = database.execute("PRAGMA schema_version").fetchone()
    schema.apply(database.conn)
    assert database.execute("PRAGMA schema_version").fetchone() == before


def test_descriptions_and_units_are_published(site: str) -> None:
    assert httpx.get(f"{site}/reproducibility/builds.json").json()["units"] == {"duration": "s"}
    page = httpx.get(f"{site}/reproducibility/builds").text
    assert schema.descriptions()["builds"]["columns"]["copy_of"] in page


def test_names_are_found_by_a_part_of_them(site: str) -> None:
    for table in ("source_packages", "binary_packages", "status_changes", "package_names"):
        found = httpx.get(f"{site}/reproducibility/{table}.json?_search=zip&_shape=array").json()
        assert found and all("zip" in row["name"] for row in found)


def test_a_view_streams_as_csv_in_full(site: str, site_folder: Path) -> None:
    stream = httpx.get(f"{site}/reproducibility/daily_totals.csv?_stream=on&_size=50").text
    found = len(list(csv.DictReader(io.StringIO(stream))))
    assert found == one(site_folder / "reproducibility.db", "SELECT count(*) FROM daily_totals") > 50


def test_the_addresses_and_queries_in_the_docs_for_data_users_return_rows(site: str) -> None:
    page = (ROOT / "docs" / "data.md").read_text()
    for address in re.findall(r"'http://127\.0\.0\.1:8001(/\S+\?\S+)'", page):
        found = httpx.get(site + address).raise_for_status()
        assert found.json() if ".json" in address else found.text.count("\n") > 1, address
    queries = [*re.findall(r"```sql\n(.*?)```", page, re.DOTALL), *re.findall(r'"sql=(.*?)"', page)]
    for sql in queries:
        assert httpx.get(f"{site}/reproducibility.json", params={"sql": sql, "_shape": "array"}).json(), sql
    assert httpx.get(f"{site}/reproducibility/builds.json?duration__gt=2h").status_code == 200


# Views


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("gt=10min", "duration > 600"),
        ("gt=0.5 h", "duration > 1800"),
        ("lte=600", "duration <= 600"),
        ("isnull=1", "duration IS NULL"),
        ("in=1,2", "duration IN (1, 2)"),
        ("gt=", "duration > ''"),
        ("gt=of no unit", "duration > 'of no unit'"),
        ("gt=9**9**9", "duration > '9**9**9'"),  # computed, it would keep everybody waiting for minutes
    ],
)
def test_a_duration_is_asked_for_in_any_unit(site: str, site_folder: Path, given: str, expected: str) -> None:
    lookup, _, value = given.partition("=")
    reply = httpx.get(
        f"{site}/reproducibility/builds.json", params={f"duration__{lookup}": value, "_size": 1}, timeout=10
    )
    assert reply.json()["filtered_table_rows_count"] == one(
        site_folder / "reproducibility.db", f"SELECT count(*) FROM builds WHERE {expected}"
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("gt=99999999999999999999", "0"),
        ("lt=99999999999999999999", "attempt IS NOT NULL"),
        ("gt=9223372036854775807", "0"),
        ("gte=1", "attempt >= 1"),
        ("lt=²", "attempt < '²'"),
    ],
)
def test_a_number_may_be_of_any_size(site: str, site_folder: Path, given: str, expected: str) -> None:
    lookup, _, value = given.partition("=")
    reply = httpx.get(f"{site}/reproducibility/builds.json", params={f"attempt__{lookup}": value, "_size": 1})
    assert reply.status_code == 200
    assert reply.json()["filtered_table_rows_count"] == one(
        site_folder / "reproducibility.db", f"SELECT count(*) FROM builds WHERE {expected}"
    )


@pytest.mark.parametrize("value", ["2 m", "2 parsec", "2 nonsense"])
def test_a_unit_that_is_none_of_time_is_a_wrong_question(site: str, value: str) -> None:
    reply = httpx.get(f"{site}/reproducibility/builds.json", params={"duration__gt": value})
    assert reply.status_code == 400 and f"duration: {value} is not in a unit" in reply.json()["error"]


def test_a_taken_snapshot_wins_over_an_imported_one_and_the_last_of_a_day_over_others(
    database: Database,
) -> None:
    database["rebuilders"].insert(
        {
            "id": 1,
            "name": "r",
            "kind": "x",
            "generation": 1,
            "highest_build": 0,
            "first_ingest_at": "2026-01-01",
        }
    )
    days = [
        ("2026-01-01T23:59:59Z", "reconstructed", 1),
        ("2026-01-02T23:59:59Z", "reconstructed", 2),
        ("2026-01-02T12:00:00Z", "imported", 3),
        ("2026-01-03T12:00:00Z", "imported", 4),
        ("2026-01-03T08:00:00Z", "taken", 5),
        ("2026-01-03T09:00:00.5Z", "taken", 6),
        ("2026-01-03T23:59:59Z", "reconstructed", 7),
    ]
    origin = {"distribution": "debian", "release": "trixie", "architecture": "all", "label": "all"}
    database["origins"].insert({"id": 1, **origin})
    database["package_names"].insert({"id": 1, "name": "p"})
    of_rebuilder = {"rebuilder_id": 1, "generation": 1, "origin_id": 1}
    package = {"name": "p", "version": "1", "ordinal": 0, "name_id": 1, "name_inferred": 0}
    database["source_packages"].insert(
        {"id": 1, **of_rebuilder, **package, "is_current": 1, "attempts": 0, "first_seen": "2026-01-01"}
    )
    common = {
        "rebuilder_id": 1,
        "origin_id": 1,
        "scope": "all",
        "counted": "source packages",
        "bad": 1,
        "fail": 0,
    }
    database["snapshots"].insert_all(
        [
            common | {"captured_at": at, "kind": kind, "good": good, "unknown": None if kind[0] == "r" else 4}
            for at, kind, good in days
        ]
    )
    totals = database.execute(
        "SELECT day, kind, good, attempted, total, reproducible_percent, reproducible_percent_of_attempted"
        " FROM daily_totals ORDER BY day"
    )
    assert totals.fetchall() == [
        ("2026-01-01", "reconstructed", 1, 2, None, None, 50.0),
        ("2026-01-02", "imported", 3, 4, 8, 37.5, 75.0),
        ("2026-01-03", "taken", 6, 7, 11, 54.55, 85.71),
    ]
    assert database.execute("SELECT kind, good, total FROM current_totals").fetchall() == [("taken", 6, 11)]


def test_package_status_has_one_row_for_each_current_binary(site_folder: Path) -> None:
    published = site_folder / "reproducibility.db"
    assert one(published, "SELECT count(*) FROM package_status") == one(
        published, "SELECT count(*) FROM binary_packages WHERE is_current"
    )
    assert not rows(
        published, "SELECT * FROM package_status WHERE status IN ('GOOD', 'BAD') AND latest_build_id IS NULL"
    )


def test_freshness_also_tells_of_rebuilders_that_never_could_be_read(database: Database) -> None:
    database["ingest_runs"].insert(
        {
            "rebuilder": "r",
            "source": "s",
            "started_at": "2026-01-01T00:00:00Z",
            "finished_at": "x",
            "error": "no",
        }
    )
    freshness = database.execute(
        "SELECT rebuilder, last_success_at, last_error, is_failing FROM rebuilder_freshness"
    )
    assert freshness.fetchall() == [("r", None, "no", 1)]


# Questions


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda path: path.stem)
def test_a_question_answers_as_json_and_csv_without_parameters(site: str, question: Path) -> None:
    url = f"{site}/reproducibility/{question.stem}"
    found = httpx.get(f"{url}.json?_shape=array").raise_for_status().json()
    assert found or question.stem in MAY_BE_EMPTY
    assert len(list(csv.DictReader(io.StringIO(httpx.get(f"{url}.csv").text)))) == len(found)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda path: path.stem)
def test_a_questions_examples_return_rows_and_its_chart_has_its_columns(site: str, question: Path) -> None:
    about = metadata_of(question)
    examples = re.findall(rf'href="({question.stem}\?[^"]*)"', about["description_html"])
    assert examples
    charts = [f"{question.stem}#{about['fragment']}"] if "fragment" in about else []
    for example in [*map(unescape, examples), *charts]:
        address, _, fragment = example.partition("#")
        path, _, parameters = address.partition("?")
        found = httpx.get(f"{site}/reproducibility/{path}.json?_shape=array&{parameters}").json()
        assert found, example
        assert set(re.findall(r"g\.\w+_column=(\w+)", fragment)) <= set(found[0])


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda path: path.stem)
def test_a_question_says_what_it_answers_and_explains_its_parameters(question: Path) -> None:
    about, sql = metadata_of(question), question.read_text()
    assert sql.startswith("-- ") and about["title"]
    assert set(re.findall(r":([a-z_]+)", sql)) == set(about["params"])
    explained = ", ".join(re.findall(r"<dt>(.*?)</dt>", about["description_html"])).split(", ")
    assert sorted(explained) == sorted(about["params"])


def test_no_question_has_the_name_of_a_table_or_view() -> None:
    assert not {question.stem for question in QUESTIONS} & set(schema.descriptions())


# Pages


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/reproducibility",
        "/reproducibility/builds",
        "/reproducibility/builds?status=of-no-build",
        "/reproducibility/builds/1",
        "/reproducibility/package_status",
        "/reproducibility/package",
        "/reproducibility/package?name=of-no-package",
        "/-/dashboards",
    ],
)
def test_a_page_opens_without_errors_and_without_other_hosts(visit: Visit, path: str) -> None:
    visit.open(path)
    assert visit.problems == []


@pytest.mark.parametrize(
    "question",
    [question for question in QUESTIONS if "fragment" in metadata_of(question)],
    ids=lambda path: path.stem,
)
def test_the_chart_of_a_question_has_marks(visit: Visit, question: Path) -> None:
    visit.open(f"/reproducibility/{question.stem}#{metadata_of(question)['fragment']}")
    assert marks(visit, "body") > 30
    assert visit.problems == []


def test_the_charts_of_the_dashboard_have_marks(visit: Visit) -> None:
    visit.open("/-/dashboards/reproducibility")
    for name, chart in CHARTS.items():
        if chart["library"] == "vega-lite":
            assert marks(visit, f"#chart-{name}") > 2, name
        else:
            assert visit.page.locator(f"#chart-{name} tbody tr").count() > 1
    assert visit.problems == []


def test_the_filters_of_the_dashboard_narrow_the_charts(visit: Visit) -> None:
    visit.open("/-/dashboards/reproducibility?release=trixie")
    origins = visit.page.locator("#chart-changes tbody td:nth-child(2)").all_inner_texts()
    assert origins and {origin.split("/")[1] for origin in origins} == {"trixie"}
    visit.open("/-/dashboards/reproducibility?release=of-no-origin")
    assert "none yet" in visit.page.locator("#chart-changes").inner_text()
    assert visit.problems == []


def test_hostile_names_stay_text(browser: Browser, site_folder: Path, tmp_path: Path) -> None:
    hostile = "<img src=x onerror=document.title='broken'>&amp;"
    folder = lay_out(tmp_path / "site")
    shutil.copyfile(site_folder / "reproducibility.db", folder / "reproducibility.db")
    for table, column in (("status_changes", "name"), ("rebuilders", "name"), ("origins", "label")):
        change(folder / "reproducibility.db", f'UPDATE {table} SET {column} = "{hostile}" || id')
    change(folder / "reproducibility.db", f'UPDATE snapshots SET scope = "{hostile}" || origin_id')
    with serving(folder) as address:
        visit = Visit(browser.new_page(), address)
        for path in ("/", "/-/dashboards/reproducibility", "/reproducibility/recent_changes"):
            visit.open(path)
            assert hostile in visit.page.locator("body").inner_text()
            assert visit.page.locator("img").count() == 0
    assert visit.problems == []


def test_a_status_has_the_same_colour_everywhere() -> None:
    css = (ROOT / "static" / "site.css").read_text()
    assert dict(re.findall(r"--(good|bad|fail|unkwn): (#\w+);", css)) == STATUS_COLOURS
    for name in ("results", "current"):
        scale = CHARTS[name]["display"]["encoding"]["color"]["scale"]
        colours = dict(zip(map(str.lower, scale["domain"]), map(str.lower, scale["range"]), strict=True))
        assert colours == STATUS_COLOURS


# Starting


def test_datasette_does_not_start_beside_another_database(tmp_path: Path, site_folder: Path) -> None:
    folder = lay_out(tmp_path / "site")
    for name in ("reproducibility.db", "rebuilderd.db"):
        shutil.copyfile(site_folder / "reproducibility.db", folder / name)
    server = datasette(folder)
    said, _ = server.communicate(timeout=30)
    assert server.returncode == 1
    assert "rebuilderd.db would be published too" in said and "Traceback" not in said


def test_datasette_without_a_database_says_how_to_make_one(tmp_path: Path) -> None:
    server = datasette(lay_out(tmp_path / "site"))
    said, _ = server.communicate(timeout=30)
    assert server.returncode == 1
    assert "make demo" in said and "Traceback" not in said


def test_charts_are_drawn_for_the_dark(browser: Browser, site: str) -> None:
    page = browser.new_context(color_scheme="dark").new_page()
    page.goto(f"{site}/-/dashboards/reproducibility")
    axis = page.locator(".dashboard-card svg.marks .role-axis-label text").first
    axis.wait_for()
    colours = "element => [getComputedStyle(element).fill, getComputedStyle(element.closest('.dashboard-card')).backgroundColor]"
    ink, paper = ([int(shade) for shade in re.findall(r"\d+", colour)] for colour in axis.evaluate(colours))
    assert min(ink) > 200 and max(paper) < 60


# Cells


def test_sizes_and_days_are_written_as_people_write_them(site: str, site_folder: Path) -> None:
    database = site_folder / "reproducibility.db"
    failure, size = rows(
        database, "SELECT id, log_bytes FROM failures WHERE log_bytes BETWEEN 2000 AND 900000"
    )[0]
    page = httpx.get(f"{site}/reproducibility/failures?id={failure}").text
    assert f'<span title="{size:,} bytes">{size / 1000:.4g} kB</span>' in page
    build, days = rows(database, "SELECT to_build_id, days_to_fix FROM fixes LIMIT 1")[0]
    assert f">{days} d</td>" in httpx.get(f"{site}/reproducibility/fixes?to_build_id={build}").text


def test_settings_for_cells_are_looked_up_once_and_no_cell_is_markdown_without_them() -> None:
    asked = []
    markdown = "datasette-render-markdown"

    class Site:
        def plugin_config(self, name: str, *place: object) -> dict[str, str] | None:
            asked.append(name)
            return {"some": "settings"} if "has" in place or name == "other" else None

    site = Site()
    module_from_path(str(ROOT / "plugins" / "cell_settings.py"), "cell_settings").startup(site)
    for table, expected in (("has", {"patterns": [], "some": "settings"}), ("has not", {"patterns": []})):
        for _ in range(2):
            assert site.plugin_config(markdown, "reproducibility", table) == expected
    assert asked == [markdown, markdown]
    assert [site.plugin_config("other") for _ in range(2)] == [{"some": "settings"}] * 2
    assert asked[2:] == ["other", "other"]
