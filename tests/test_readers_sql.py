"""SQL that readers write: what it may read, how much of it there may be, and that nothing it does stops the site."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from urllib.parse import quote

import httpx
import pytest
from datasette.utils import escape_fts
from helpers import one
from served import ROOT

from ingest import schema
from ingest.readers import worker
from ingest.readers.process import Process, Question, TooLongError

pytest_plugins = ("site_fixtures",)

PUBLISHED = sorted(name for name, about in schema.descriptions().items() if not about.get("hidden"))
QUESTIONS = sorted(path.stem for path in (ROOT / "canned_queries" / "reproducibility").glob("*.sql"))
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {}) "
TEXT = "replace(hex(zeroblob({})), '00', 'a')"


@pytest.fixture(scope="module")
def client(site: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=site, timeout=60) as client:
        yield client


def ask(client: httpx.Client, sql: str, ending: str = ".json", **parameters: str) -> httpx.Response:
    return client.get(f"/reproducibility{ending}", params={"sql": sql, **parameters})


# What it may read


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_published_table_and_view_can_be_read(
    client: httpx.Client, site_folder: Path, name: str
) -> None:
    found = ask(client, f"SELECT count(*) FROM {name}").raise_for_status().json()["rows"]
    assert found == [[one(site_folder / "reproducibility.db", f"SELECT count(*) FROM {name}")]]


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_sql_of_a_question_may_be_edited(client: httpx.Client, question: str) -> None:
    answer = (
        client.get(f"/reproducibility/{question}.json", params={"_shape": "arrays"}).raise_for_status().json()
    )
    of_reader = ask(client, answer["query"]["sql"]).raise_for_status().json()
    assert (of_reader["columns"], of_reader["rows"]) == (answer["columns"], answer["rows"])


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT value FROM json_each('[1, 2]')", [[1], [2]]),
        ("SELECT count(*) FROM failures_fts WHERE failures_fts MATCH 'nosuchword'", [[0]]),
        ("WITH mine AS (SELECT 1) SELECT count(*) FROM mine", [[1]]),
        ("SELECT 'a' LIKE 'A', instr('abc', 'c'), printf('%03d', 7)", [[1, 3, "007"]]),
        ("/* why */ -- and how\n explain query plan select 1", None),
    ],
)
def test_what_else_can_be_asked(client: httpx.Client, sql: str, expected: list[list[object]] | None) -> None:
    found = ask(client, sql).raise_for_status().json()["rows"]
    assert expected is None or found == expected


SHUT = {
    "the folder": "SELECT file FROM pragma_database_list",
    "the shape of a table": "SELECT * FROM pragma_table_info('builds')",
    "the schema": "SELECT sql FROM sqlite_master",
    "the schema, counted": "SELECT count(*) FROM sqlite_master",
    "the schema as a view": "WITH package_status AS (SELECT sql FROM sqlite_master) SELECT * FROM package_status",
    "the schema by another name": "SELECT sql FROM sqlite_schema",
    "pages of the file": "SELECT sum(pgsize) FROM dbstat",
    "SQL of others": "SELECT sql FROM sqlite_stmt",
    "what is not published": "SELECT * FROM changed_days",
    "what is not published, counted": "SELECT count(*) FROM _sqlite_migrations",
    "libraries": "SELECT load_extension('/tmp/x')",
    "how SQLite was built": "SELECT sqlite_compileoption_get(1)",
    "several statements": "SELECT 1; ATTACH '/tmp/x' AS y",
    "writing": "WITH x AS (SELECT 1) DELETE FROM builds",
}


@pytest.mark.parametrize("what", SHUT)
def test_all_else_is_shut(client: httpx.Client, what: str) -> None:
    for ending in (".json", "", ".csv"):
        assert ask(client, SHUT[what], ending).status_code == 400
    filtered = client.get(
        "/reproducibility/builds.json",
        params={"_where": f"0 OR ({SHUT[what].partition(';')[2] or SHUT[what]}) > 0"},
    )
    assert filtered.status_code == 400


def test_a_refusal_says_where_to_look(client: httpx.Client) -> None:
    error = ask(client, SHUT["the schema"]).json()["error"]
    assert "cannot read sqlite_master" in error and "/data" in error


# How much of it there may be


@pytest.mark.parametrize("ending", [".json", ".csv", ""])
def test_an_answer_of_more_than_16_mb_is_refused_while_it_is_read(client: httpx.Client, ending: str) -> None:
    answer = ask(client, f"{NUMBERS.format(10**9)} SELECT {TEXT.format(100_000)} FROM n", ending)
    assert answer.status_code == 400 and "larger than 16 MB" in answer.text


def test_names_of_columns_and_escapes_count_as_what_they_take_in_json(client: httpx.Client) -> None:
    for sql in (
        f'SELECT 1 AS "{"x" * 5_000}" FROM n',
        "SELECT replace(hex(zeroblob(500)), '00', char(1)) FROM n",
    ):
        answer = ask(client, NUMBERS.format(9_000) + sql, _shape="array")
        assert answer.status_code == 400 and "larger than 16 MB" in answer.json()["error"]


def test_a_page_has_fewer_rows_than_json_and_says_so(client: httpx.Client) -> None:
    sql = NUMBERS.format(3_000) + "SELECT i, i, i, i, i FROM n"
    assert len(ask(client, sql).json()["rows"]) == 3_000
    assert "Only the first 1,000 rows are shown" in ask(client, sql, "").text


def test_a_filter_answers_with_rows_count_facets_and_the_whole_stream(
    client: httpx.Client, site_folder: Path
) -> None:
    there = one(site_folder / "reproducibility.db", "SELECT count(*) FROM builds WHERE id % 2")
    asked = {"_where": "id % 2", "_facet": "status", "_size": "5"}
    answer = client.get("/reproducibility/builds.json", params=asked).raise_for_status().json()
    assert (len(answer["rows"]), answer["filtered_table_rows_count"]) == (5, there)
    assert sum(found["count"] for found in answer["facet_results"]["status"]["results"]) == there > 5
    stream = client.get(
        "/reproducibility/builds.csv", params={"_where": "id % 2", "_stream": "on", "_size": "5"}
    ).text
    assert stream.count("\n") == there + 1


def test_what_a_filter_adds_is_bounded_too(client: httpx.Client) -> None:
    columns = ", ".join([TEXT.format(100_000)] * 14)
    union = f"0 UNION ALL SELECT {columns} FROM builds, builds AS b"
    answer = client.get("/reproducibility/builds.json", params={"_where": union, "_size": "max"})
    assert answer.status_code == 400


def test_a_parameter_may_be_written_in_any_way(site: str) -> None:
    secret = quote("SELECT sql FROM sqlite_master")
    assert httpx.get(f"{site}/reproducibility.json?%73ql={secret}").status_code == 400
    where = quote("(SELECT count(*) FROM sqlite_master)")
    assert httpx.get(f"{site}/reproducibility/builds.json?%5Fwhere={where}").status_code == 400


def test_long_sql_is_refused_before_it_is_looked_at(client: httpx.Client) -> None:
    began = monotonic()
    for sql in (
        f"/**/{' ' * 50_000}x",
        "/**/" + "--\n" * 3_000,
    ):  # Datasette's own look at the first takes a minute
        assert ask(client, sql).status_code == 400
    assert (
        client.get("/reproducibility/builds.json", params={"_where": "1 OR " * 5_000 + "1"}).status_code
        == 400
    )
    assert monotonic() - began < 20


# Pages and feeds of what readers make up


def test_no_cell_is_markdown_by_the_name_of_its_column(client: httpx.Client) -> None:
    assert "<strong>" not in ask(client, "SELECT '**x**' AS x_markdown", "").raise_for_status().text


def test_cells_that_are_no_names_are_no_links(client: httpx.Client) -> None:
    sql = f"SELECT {TEXT.format(5_000)} AS source, 'a' AS category, 1 AS category_key"
    assert "/package/" not in ask(client, sql, "").raise_for_status().text


def test_html_for_a_feed_is_short(client: httpx.Client) -> None:
    row = "SELECT 1 AS atom_id, '2026-01-01T00:00:00Z' AS atom_updated, 'x' AS atom_title, {} AS atom_content_html"
    assert ask(client, row.format("'<b>x</b>'"), ".atom").status_code == 200
    assert ask(client, row.format(TEXT.format(20_000)), ".atom").status_code == 400


# The process that answers


def question(sql: str, seconds: float = 20) -> Question:
    return Question(sql, {}, seconds, rows=100, cells=1_000, bytes=10**6, too_large="too large")


@pytest.fixture
def process(site_folder: Path) -> Iterator[Process]:
    process = Process(f"file:{site_folder / 'reproducibility.db'}?mode=ro", ["builds"])
    yield process
    process.end()


def held(size: int) -> None:
    assert size > 0


DOUBLING = ", ".join(
    f"a{i} AS (SELECT count(*) AS x FROM a{i - 1} AS p, a{i - 1} AS q LIMIT 1)" for i in range(1, 40)
)
ENDLESS = {
    "a function": "SELECT json_patch(o, o) FROM (SELECT '{' || group_concat('\"' || i || '\":1') || '}' AS o FROM n)",
    "a program": "SELECT count(*) FROM n AS a, n AS b, n AS c",
}
HUNGRY = {
    "preparing": f"WITH a0 AS (SELECT 1 AS x), {DOUBLING} SELECT x FROM a39",
    "an aggregate": NUMBERS.format(10**9) + f"SELECT json_group_array({TEXT.format(100_000)}) FROM n",
}


@pytest.mark.parametrize("what", ENDLESS)
def test_its_time_ends_whatever_sqlite_is_doing(process: Process, what: str) -> None:
    began = monotonic()
    with pytest.raises(TooLongError):
        process.ask(question(NUMBERS.format(30_000) + ENDLESS[what], seconds=0.2), held)
    assert monotonic() - began < 5
    assert [tuple(row) for row in process.ask(question("SELECT 1 AS x"), held).rows] == [(1,)]


@pytest.mark.parametrize("what", HUNGRY)
def test_its_memory_ends_whatever_sqlite_is_doing(process: Process, what: str) -> None:
    with pytest.raises(worker.Refused, match="more than 32 MB of memory"):
        process.ask(question(HUNGRY[what]), held)
    assert process.process
    status = Path(f"/proc/{process.process.pid}/status").read_text()
    assert int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) < 100_000


def test_a_process_that_was_ended_by_others_is_replaced(process: Process) -> None:
    process.ask(question("SELECT 1"), held)
    assert process.process
    process.process.kill()
    process.process.wait()
    row = process.ask(question('SELECT 1 AS x, 2 AS "y ""z"'), held).rows[0]
    assert isinstance(row, sqlite3.Row) and (row["x"], row['y "z'], row.keys()) == (1, 2, ["x", 'y "z'])


@pytest.mark.parametrize(
    "words", ["lib c++", '"two words" third', 'odd "quote', '""', "", 'a"b"c', "tab\tnew\nline"]
)
def test_words_are_escaped_as_datasette_does(words: str) -> None:
    assert worker.escape_fts(words) == escape_fts(words)
