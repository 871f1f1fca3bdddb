"""Counts and facets of whole tables, and the schema, are kept for as long as the database stays as it is."""

from __future__ import annotations

import sqlite3
from collections.abc import Coroutine, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from datasette.utils import module_from_path
from helpers import DAEMON, change, copy, ingest, one, rows
from served import ROOT, lay_out, serving

from ingest import schema

VIEWS = sorted(schema.views())
INDEXES = ("failures_fts", "package_names_fts")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two rebuilders with different results, one of which calls a release by another name."""
    folder = lay_out(tmp_path_factory.mktemp("counts") / "site", trace_debug=True)
    other = copy(DAEMON, folder.parent)
    change(
        other,
        "UPDATE source_packages SET release = 'testing' WHERE release = 'forky'",
        "UPDATE rebuild_artifacts SET status = 'BAD' WHERE status = 'GOOD' AND id % 3 = 0",
    )
    ingest(folder / "reproducibility.db", DAEMON, name="one")
    ingest(folder / "reproducibility.db", other, name="two")
    change(folder / "reproducibility.db", "INSERT INTO release_aliases VALUES ('debian', 'forky', 'testing')")
    return folder / "reproducibility.db"


@pytest.fixture(scope="module")
def site(database: Path) -> Iterator[httpx.Client]:
    with serving(database.parent) as address, httpx.Client(base_url=f"{address}/reproducibility") as client:
        yield client


def asked(site: httpx.Client, table: str, **parameters: str) -> dict[str, Any]:
    answer: dict[str, Any] = site.get(f"/{table}.json", params={"_trace": "1", **parameters}).json()
    return answer


def counted(answer: dict[str, Any]) -> list[str]:
    """The SQL that counted something."""
    return [trace["sql"] for trace in answer["_trace"]["traces"] if "count(*)" in trace.get("sql", "")]


@pytest.mark.parametrize("view", [*VIEWS, *INDEXES])
def test_the_count_of_a_view_is_that_of_its_rows(site: httpx.Client, database: Path, view: str) -> None:
    rows_of_it = one(database, f"SELECT count(*) FROM {view}")
    assert asked(site, view)["filtered_table_rows_count"] == rows_of_it > 0


def test_a_whole_table_is_counted_once_with_its_facets(site: httpx.Client) -> None:
    first, second = asked(site, "current_failures"), asked(site, "current_failures")
    assert counted(second) == []
    assert second["filtered_table_rows_count"] == first["filtered_table_rows_count"] > 0
    assert second["facet_results"] == first["facet_results"] != {}


def of_all(site: httpx.Client, **parameters: str) -> dict[str, Any]:
    """The page of the database."""
    address = f"{site.base_url}".rstrip("/") + ".json"
    answer: dict[str, Any] = site.get(address, params={"_trace": "1", **parameters}).json()
    return answer


def test_the_schema_is_read_once(site: httpx.Client) -> None:
    for first, second in ((of_all(site), of_all(site)), (asked(site, "builds"), asked(site, "builds"))):
        asked_anew = [
            trace["sql"] for trace in second["_trace"]["traces"] if "sqlite_master" in trace.get("sql", "")
        ]
        assert asked_anew == []
        assert {**second, "_trace": 0, "query_ms": 0} == {**first, "_trace": 0, "query_ms": 0}


def test_the_schema_follows_a_change_of_the_database(site: httpx.Client, database: Path) -> None:
    assert [site.get("/newly_made.json").status_code for _ in range(2)] == [404, 404]
    change(database, "CREATE TABLE newly_made (id INTEGER PRIMARY KEY, name TEXT)")
    assert asked(site, "newly_made")["columns"] == ["id", "name"]
    change(database, "ALTER TABLE newly_made ADD COLUMN other TEXT")
    assert asked(site, "newly_made")["columns"] == ["id", "name", "other"]
    assert "newly_made" in {table["name"] for table in of_all(site)["tables"]}
    change(database, "DROP TABLE newly_made")
    assert site.get("/newly_made.json").status_code == 404


def test_sql_of_a_reader_that_looks_like_a_facet_is_asked_anew(site: httpx.Client) -> None:
    sql = (
        "select random() as value, count(*) as count from (select status from builds)"
        " where status is not null group by status order by count desc, value limit 1"
    )
    first, second = of_all(site, sql=sql)["rows"], of_all(site, sql=sql)["rows"]
    assert first and first != second


def test_a_restored_database_is_seen_with_its_schema(
    site: httpx.Client, database: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.db"
    ingest(other, DAEMON, name="restored")
    change(other, "CREATE TABLE restored (id INTEGER PRIMARY KEY)")
    before = asked(site, "builds")["filtered_table_rows_count"]
    with (
        closing(sqlite3.connect(database)) as served,
        closing(sqlite3.connect(other)) as backup,
        closing(sqlite3.connect(":memory:")) as kept,
    ):
        served.backup(kept)
        assert site.get("/restored.json").status_code == 404
        backup.backup(served)
        assert asked(site, "restored")["columns"] == ["id"]
        assert 2 * asked(site, "builds")["filtered_table_rows_count"] == before
        kept.backup(served)
    assert site.get("/restored.json").status_code == 404
    assert asked(site, "builds")["filtered_table_rows_count"] == before


def at_once(answer: Coroutine[Any, Any, list[int]]) -> list[int]:
    """What is answered without waiting for anything; no event loop, since a browser's test may run one."""
    with pytest.raises(StopIteration) as ended:
        answer.send(None)
    result: list[int] = ended.value.value
    return result


def test_no_more_is_kept_than_there_is_room_for() -> None:
    plugin = module_from_path(str(ROOT / "plugins" / "kept_answers.py"), "kept_answers")

    class Unchanged:
        def state(self) -> int:
            return 1

    async def ask() -> list[int]:
        return list(range(99))

    kept, most = plugin.Kept(Unchanged()), 0
    for number in range(250):
        at_once(kept.answer(("select name from sqlite_master where name = ?", number), ask))
        most = max(most, sum(map(len, kept.answers.values())))
    assert plugin.MOST_KEPT / 2 < most <= plugin.MOST_KEPT
    before = dict(kept.answers)
    assert at_once(kept.answer(("x" * plugin.LONGEST_KEPT,), ask)) == list(range(99))
    assert kept.answers == before


def test_what_is_narrowed_down_is_counted_each_time(site: httpx.Client) -> None:
    for _ in range(2):
        answer = asked(site, "current_failures", status="BAD")
        assert len(counted(answer)) > 1
    assert (
        0 < answer["filtered_table_rows_count"] < asked(site, "current_failures")["filtered_table_rows_count"]
    )


def test_counts_and_facets_follow_a_change_of_the_database(site: httpx.Client, database: Path) -> None:
    before = asked(site, "binary_packages")
    changed, total = (
        one(database, "SELECT sum(status = 'GOOD') FROM binary_packages"),
        before["filtered_table_rows_count"],
    )
    change(database, "UPDATE binary_packages SET status = 'BAD' WHERE status = 'GOOD'")
    after = asked(site, "binary_packages")
    statuses = {facet["value"]: facet["count"] for facet in after["facet_results"]["status"]["results"]}
    assert changed and "GOOD" not in statuses
    assert statuses == dict(
        rows(
            database, "SELECT status, count(*) FROM binary_packages WHERE status IS NOT NULL GROUP BY status"
        )
    )
    assert after["filtered_table_rows_count"] == total
    change(
        database,
        "UPDATE binary_packages SET is_current = 0 WHERE id = (SELECT min(id) FROM binary_packages WHERE is_current)",
    )
    counts = [asked(site, "package_status")["filtered_table_rows_count"] for _ in range(2)]
    assert counts == 2 * [one(database, "SELECT count(*) FROM package_status")]
