"""The engine: gaps, late builds, new definitions, failing and removed statistics, in any order of runs."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from computing import NOW, days, install, update, values
from conftest import SetClock
from helpers import DAEMON, add_build, change, copy, ingest, is_sound, one, rows, run

from ingest import plugins
from ingest.errors import StatisticError
from ingest.statistics import DAY, HOUR, WEEK, Build, Failure, Measurement, Snapshot, Statistic, record
from ingest.statistics import NOW as PRESENT
from ingest.statistics.periods import Span, floor, pieces, to_compute, written

COUNT = "SELECT count(*) AS value FROM builds WHERE built_at >= :start AND built_at < :stop"
DAILY = Statistic(name="daily", query=COUNT)


@pytest.fixture(autouse=True)
def fresh_plugins() -> Iterator[None]:
    yield
    plugins.load.cache_clear() if hasattr(plugins.load, "cache_clear") else None


@pytest.fixture
def daemon(tmp_path: Path) -> Path:
    return copy(DAEMON, tmp_path)


@pytest.fixture
def database(tmp_path: Path, daemon: Path, monkeypatch: pytest.MonkeyPatch, clock: SetClock) -> Path:
    """Ingested without statistics, at the time at which the tests compute theirs."""
    clock(written(NOW))
    install(monkeypatch)
    path = tmp_path / "reproducibility.db"
    ingest(path, daemon)
    return path


def builds_of(database: Path) -> dict[str, int]:
    return dict(rows(database, "SELECT substr(built_at, 1, 10), count(*) FROM builds GROUP BY 1"))


def an_input(daemon: Path) -> int:
    return int(one(daemon, "SELECT min(id) FROM build_inputs"))


def nonzero(found: dict[str, int]) -> dict[str, int]:
    return {day: value for day, value in found.items() if value}


def test_the_first_run_computes_the_whole_past_without_a_hole(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, DAILY)
    assert update(database).problems == []
    found = days(values(database, "daily"))
    assert nonzero(found) == builds_of(database)
    first, last = date.fromisoformat(min(found)), date.fromisoformat(max(found))
    assert last == NOW.date() and len(found) == (last - first).days + 1


def test_the_backlog_limits_how_far_back_is_computed(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, dataclasses.replace(DAILY, backlog=timedelta(days=10)))
    update(database)
    assert min(days(values(database, "daily"))) == "2026-11-12"


def test_days_that_no_run_saw_are_computed_by_the_next_one(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, DAILY)
    update(database, datetime(2026, 9, 1, 7, tzinfo=UTC))
    assert max(days(values(database, "daily"))) == "2026-09-01"
    update(database, NOW)
    assert nonzero(days(values(database, "daily"))) == builds_of(database)
    assert len(values(database, "daily")) == len(set(values(database, "daily", "at")))


def test_a_period_that_was_incomplete_is_computed_again(
    daemon: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hourly = dataclasses.replace(DAILY, name="hourly", interval=HOUR)
    install(monkeypatch, DAILY, hourly)
    update(database, datetime(2026, 11, 22, 12, 30, tzinfo=UTC))
    add_build(daemon, an_input(daemon), "GOOD", "2026-11-22 12:45:00")
    install(monkeypatch)
    ingest(database, daemon)
    install(monkeypatch, DAILY, hourly)
    update(database, datetime(2026, 11, 23, 0, 5, tzinfo=UTC))
    assert days(values(database, "daily"))["2026-11-22"] == 1
    assert dict(values(database, "hourly"))["2026-11-22T12:00:00Z"] == 1


def test_builds_that_come_late_change_the_period_they_belong_to(
    daemon: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, DAILY)
    update(database)
    before = days(values(database, "daily"))
    unchanged = rows(database, "SELECT id FROM measurements WHERE at NOT LIKE '2026-07-07%' ORDER BY id")
    add_build(daemon, an_input(daemon), "BAD", "2026-07-07 07:07:07.7")
    ingest(database, daemon)
    assert days(values(database, "daily"))["2026-07-07"] == before["2026-07-07"] + 1
    kept = rows(database, "SELECT id FROM measurements WHERE at NOT LIKE '2026-07-07%' ORDER BY id")
    assert kept[: len(unchanged)] == unchanged


def test_news_of_the_past_recompute_all_that_depends_on_it(
    daemon: Path, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    so_far = Statistic(
        name="so-far",
        query="SELECT count(*) AS value FROM builds WHERE built_at < :stop",
        depends_on_past=True,
    )
    install(monkeypatch, so_far)
    update(database)
    total = one(database, "SELECT count(*) FROM builds")
    assert days(values(database, "so-far"))["2026-11-22"] == total
    add_build(daemon, an_input(daemon), "BAD", "2026-07-07 07:07:07")
    ingest(database, daemon)
    found = days(values(database, "so-far"))
    assert found["2026-11-22"] == total + 1
    assert found["2026-07-07"] == found["2026-07-06"] + builds_of(database)["2026-07-07"]


def test_another_version_is_computed_anew_and_the_same_one_is_not(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, DAILY)
    update(database)
    doubled = COUNT.replace("count(*)", "2 * count(*)")
    install(monkeypatch, dataclasses.replace(DAILY, query=doubled))
    update(database)
    assert nonzero(days(values(database, "daily"))) == builds_of(database)
    install(monkeypatch, dataclasses.replace(DAILY, query=doubled, version=2))
    update(database)
    expected = {day: 2 * count for day, count in builds_of(database).items()}
    assert nonzero(days(values(database, "daily"))) == expected


def test_a_new_version_that_fails_first_is_still_computed_anew_later(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, DAILY)
    update(database)
    install(monkeypatch, dataclasses.replace(DAILY, query="SELECT nothing AS value", version=2))
    assert update(database).problems
    install(monkeypatch, dataclasses.replace(DAILY, query="SELECT 7 AS value", version=2))
    assert update(database).problems == []
    assert set(values(database, "daily", "value")) == {(7,)}


class Broken(Statistic):
    def process(self, build: Build) -> Iterator[int]:
        yield 1
        raise ZeroDivisionError("no luck today")


def test_one_that_raises_harms_neither_the_others_nor_the_ingest_and_is_tried_again(
    tmp_path: Path, daemon: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "new.db"
    wrong_sql = Statistic(name="wrong-sql", query="SELECT price AS value FROM builds")
    install(monkeypatch, Broken(name="broken"), wrong_sql, DAILY)
    notes = ingest(path, daemon).notes
    assert "statistic broken: ZeroDivisionError: no luck today" in notes
    assert "statistic wrong-sql: OperationalError: no such column: price" in notes
    assert nonzero(days(values(path, "daily"))) == builds_of(path)
    assert values(path, "broken") == []
    assert rows(path, "SELECT name, last_error FROM statistics WHERE last_error IS NOT NULL ORDER BY 1") == [
        ("broken", "ZeroDivisionError: no luck today"),
        ("wrong-sql", "OperationalError: no such column: price"),
    ]
    install(monkeypatch, dataclasses.replace(DAILY, name="broken"), wrong_sql, DAILY)
    update(path, changed=False)
    assert one(path, "SELECT last_error FROM statistics WHERE name = 'broken'") is None
    assert nonzero(days(values(path, "broken"))) == builds_of(path)


class Exiting(Statistic):
    def process(self, build: Build) -> Iterator[int]:
        raise SystemExit("bye")


def test_one_that_ends_the_program_or_is_none_at_all_harms_no_other(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, Exiting(name="exiting"), Exiting, DAILY)  # type: ignore[arg-type]
    assert update(database).problems == [
        "plugin test: register_statistics gave type, which is no Statistic; give objects, such as Statistic(name=…).",
        "statistic exiting: SystemExit: bye",
    ]
    assert nonzero(days(values(database, "daily"))) == builds_of(database)


def test_values_that_were_recorded_are_not_lost_to_a_plugin_that_takes_their_name(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(database, "daily", 7, at=NOW)
    install(monkeypatch, DAILY)
    (problem,) = update(database).problems
    assert problem.startswith("statistic daily: values were recorded under this name; give it another one")
    assert [value for _, value in values(database, "daily")] == [7]
    assert run("statistics", "rebuild", database, "daily", "--drop").exit_code == 0
    assert nonzero(days(values(database, "daily"))) == builds_of(database)


def test_a_dimension_is_stored_as_it_is(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    query = "SELECT 1 AS value, 'a{}b' AS host, nullif(1, 1) AS rack, '{}' AS zone"
    install(monkeypatch, Statistic(name="s", interval=None, dimensions=("host", "rack", "zone"), query=query))
    assert not update(database).problems
    assert values(database, "s", "dimensions") == [('{"host":"a{}b","zone":"{}"}',)]


@pytest.mark.parametrize(
    ("statistic", "said"),
    [
        (Statistic(name="s", query="SELECT 1 AS number"), "gives no column “value”"),
        (Statistic(name="s", query="SELECT 1 AS value, 2 AS host"), "“host”, which is not among its dimensions"),
        (Statistic(name="s", query="SELECT 'much' AS value"), "a value that is no number"),
        (Statistic(name="s", query="SELECT 1 AS value, 'now' AS at"), "let it give those of that time only"),
        (Statistic(name="s", query="SELECT 1 AS value, '2026-11-12 8 h' AS at"), "not ISO 8601 UTC"),
        (
            Statistic(name="s", kind="event", query="SELECT 1 AS value UNION ALL SELECT 2"),
            "two events with the same time and dimensions",
        ),
    ],
)  # fmt: skip
def test_what_a_query_gives_wrong_is_said_in_a_sentence(
    database: Path, monkeypatch: pytest.MonkeyPatch, statistic: Statistic, said: str
) -> None:
    install(monkeypatch, dataclasses.replace(statistic, backlog=timedelta(days=20)))
    (problem,) = update(database).problems
    assert problem.startswith("statistic s: ") and said in problem
    assert problem.endswith(".")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": "Not A Slug"}, "not a name"),
        ({"kind": "sum"}, "no kind"),
        ({"interval": timedelta(milliseconds=1)}, "whole seconds"),
        ({"kind": "event", "interval": None}, "events need an interval"),
        ({"dimensions": ("value",)}, "cannot be a dimension"),
        ({"chart": {"mark": {1, 2}}}, "not JSON"),
        ({"log_properties": {"node": "("}}, "no regex"),
        ({"dimensions": "origin"}, r'dimensions is .*; give a tuple, such as \("origin",\)'),
        ({"origins": "debian/trixie/amd64"}, "origins is .*; give a list"),
        ({"interval": 3600}, "interval is 3600; give HOUR, DAY, WEEK or another timedelta"),
        ({"backlog": 30}, "backlog is 30; give a timedelta"),
        ({"version": "2"}, "version is '2'; give a whole number"),
    ],
)
def test_a_declaration_that_cannot_be_followed_is_refused(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(StatisticError, match=said):
        Statistic(**{"name": "s", "query": COUNT, **wrong})  # type: ignore[arg-type]


def test_another_category_is_counted_in_the_run_that_gives_it(
    tmp_path: Path, daemon: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, rules = tmp_path / "new.db", tmp_path / "rules.toml"
    by_category = Statistic(
        name="by-category",
        kind="total",
        dimensions=("category",),
        query="SELECT substr(b.built_at, 1, 10) AS at, f.category_id, count(*) AS value FROM builds AS b"
        " JOIN failures AS f ON f.build_id = b.id WHERE b.built_at >= :start AND b.built_at < :stop GROUP BY 1, 2",
    )
    install(monkeypatch, by_category, dataclasses.replace(by_category, name="elsewhere"))
    ingest(path, daemon)
    install(monkeypatch, by_category)
    rules.write_text('[[backend.all.categories]]\nname = "Any"\nclass = "archive"\nlog_has = "e"\n')
    assert run("categorise", path, "--rules", rules).exit_code == 0
    expected = rows(
        path,
        "SELECT k.key, count(*) FROM failures AS f JOIN categories AS k ON k.id = f.category_id GROUP BY 1",
    )
    assert "any" in dict(expected)
    counted = "SELECT category, sum(value) FROM statistic_values WHERE statistic = ? GROUP BY 1"
    assert rows(path, counted, "by-category") == expected
    assert one(path, "SELECT min(is_installed) FROM statistics") == 1
    install(monkeypatch, by_category, dataclasses.replace(by_category, name="elsewhere"))
    update(path, changed=False)
    assert rows(path, counted, "elsewhere") == expected


def test_a_removed_statistic_keeps_its_values_until_they_are_dropped(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, DAILY)
    update(database)
    kept = values(database, "daily")
    install(monkeypatch)
    update(database)
    assert values(database, "daily") == kept
    assert one(database, "SELECT is_installed FROM statistics") == 0
    assert "daily (no longer installed)" in run("statistics", "list", database).output
    refused = run("statistics", "rebuild", database, "daily")
    assert refused.exit_code == 1 and "--drop" in refused.output
    assert run("statistics", "rebuild", database, "daily", "--drop").exit_code == 0
    assert rows(database, "SELECT * FROM statistics") == rows(database, "SELECT * FROM measurements") == []


def test_a_wrong_period_is_reverted_from_a_time_on(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, DAILY)
    update(database)
    right = values(database, "daily")
    change(database, "UPDATE measurements SET value = 999 WHERE at > '2026-09'")
    result = run("statistics", "rebuild", database, "daily", "--since", "2026-10-01")
    assert result.exit_code == 0, result.output
    found = dict(values(database, "daily"))
    assert {at: value for at, value in right if at >= "2026-10"}.items() <= found.items()
    assert found["2026-09-15T00:00:00Z"] == 999
    run("statistics", "rebuild", database, "daily")
    assert set(right) <= set(values(database, "daily"))


def test_computing_anew_from_a_time_on_leaves_no_hole_before_it(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, DAILY)
    update(database, NOW - timedelta(days=10))
    since = (NOW - timedelta(days=5)).strftime("%Y-%m-%d")
    assert run("statistics", "rebuild", database, "daily", "--since", since).exit_code == 0
    found = sorted(days(values(database, "daily")))
    first, last = date.fromisoformat(found[0]), date.fromisoformat(found[-1])
    assert len(found) == (last - first).days + 1


def test_what_only_the_present_tells_is_kept_when_it_is_computed_anew(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = Statistic(name="state", interval=HOUR, backlog=PRESENT, query="SELECT 5 AS value")
    install(monkeypatch, state)
    update(database, NOW - timedelta(hours=5))
    update(database, NOW)
    expected = [("2026-11-22T07:00:00Z", 5), ("2026-11-22T12:00:00Z", 5)]
    assert values(database, "state") == expected
    install(monkeypatch, dataclasses.replace(state, version=2))
    update(database, NOW)
    assert values(database, "state") == expected


def test_every_run_gives_a_value_where_no_interval_is_declared(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, Statistic(name="runs", interval=None, query="SELECT count(*) AS value FROM builds"))
    for minute in (1, 2, 3):
        update(database, NOW + timedelta(minutes=minute), changed=False)
    assert [at for at, _ in values(database, "runs")] == [
        "2026-11-22T12:31:00Z",
        "2026-11-22T12:32:00Z",
        "2026-11-22T12:33:00Z",
    ]


def test_of_the_latest_nothing_older_is_kept(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Statistic(name="last", kind="latest", interval=DAY, query="SELECT 1 AS value"))
    update(database, NOW - timedelta(days=3))
    update(database, NOW)
    assert values(database, "last") == [("2026-11-22T00:00:00Z", 1)]


def test_an_unchanged_run_within_a_period_computes_nothing(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, DAILY)
    assert update(database).written
    assert update(database, NOW + timedelta(hours=1), changed=False).written == {}
    assert update(database, NOW + timedelta(days=1), changed=False).written == {"daily": 1}


class LongBuilds(Statistic):
    def process(self, build: Build) -> Iterator[int]:
        if build.duration and build.duration > 3600:
            yield 1


class Differences(Statistic):
    def process(self, failure: Failure) -> Iterator[Measurement]:
        yield Measurement(1, dimensions={"kind": failure.category_class})


class Good(Statistic):
    def process(self, snapshot: Snapshot) -> Iterator[int]:
        yield snapshot.good


def test_records_are_processed_without_knowing_our_tables(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(
        monkeypatch,
        LongBuilds(name="long-builds", kind="total", interval=WEEK, dimensions=("origin", "backend")),
        Differences(
            name="differences", kind="total", records=Failure, dimensions=("origin", "category", "kind")
        ),
        Good(
            name="good",
            records=Snapshot,
            dimensions=("rebuilder", "origin"),
            callback=lambda good: good or None,
        ),
    )
    assert update(database).problems == []
    assert sum(value for _, value in values(database, "long-builds")) == one(
        database, "SELECT count(*) FROM builds WHERE duration > 3600 AND copy_of IS NULL"
    ) > 0  # fmt: skip
    assert {datetime.fromisoformat(at[:10]).weekday() for at, _ in values(database, "long-builds")} == {0}
    found = values(database, "differences", "category, dimensions ->> 'kind', value")
    assert {(category, kind) for category, kind, _ in found} <= set(
        rows(database, "SELECT key, class FROM categories")
    )
    assert sum(value for *_, value in found) == one(
        database,
        "SELECT count(*) FROM failures AS f JOIN builds AS b ON b.id = f.build_id WHERE copy_of IS NULL",
    )
    assert values(database, "good", "substr(at, 1, 10), origin, value") == rows(
        database,
        "SELECT substr(captured_at, 1, 10), scope, good FROM snapshots AS s WHERE good AND NOT EXISTS ("
        " SELECT 1 FROM snapshots AS x WHERE x.scope = s.scope AND x.captured_at > s.captured_at"
        " AND substr(x.captured_at, 1, 10) = substr(s.captured_at, 1, 10)) ORDER BY captured_at, good",
    )


def test_periods_start_at_midnight_utc_and_weeks_on_monday() -> None:
    moment = datetime(2026, 11, 22, 12, 34, 56, tzinfo=UTC)
    assert floor(moment, DAY) == datetime(2026, 11, 22, tzinfo=UTC)
    assert floor(moment, HOUR) == datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert floor(moment, WEEK) == datetime(2026, 11, 16, tzinfo=UTC)


def test_periods_to_compute_are_whole_and_never_twice() -> None:
    spans = to_compute(
        WEEK,
        now=NOW,
        since=NOW - timedelta(days=2),
        earliest=datetime(2026, 9, 3, tzinfo=UTC),
        changed_days=["2026-01-01", "2026-10-01", "2026-10-03", "2026-10-05", "2026-11-20", "2027-05-05"],
        depends_on_past=False,
    )
    assert [(str(span.start.date()), str(span.stop.date())) for span in spans] == [
        ("2026-09-28", "2026-10-12"),
        ("2026-11-16", "2026-11-23"),
    ]
    assert [piece.stop - piece.start for piece in pieces(Span(*spans[0]), DAY, 5 * DAY)] == [
        5 * DAY,
        5 * DAY,
        4 * DAY,
    ]


def test_a_run_that_is_killed_leaves_no_half_of_a_statistic(
    tmp_path: Path, daemon: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "slow.py").write_text(
        "import time\n"
        "from ingest.statistics import Statistic, hookimpl\n"
        "class Slow(Statistic):\n"
        "    def process(self, build):\n"
        "        print('computing', flush=True)\n"
        "        time.sleep(0.2)\n"
        "        yield 1\n"
        "@hookimpl\n"
        "def register_statistics():\n"
        "    return [Slow(name='slow', kind='total')]\n"
    )
    path = tmp_path / "killed.db"
    process = subprocess.Popen(
        [sys.executable, "-m", "ingest", "ingest", path, daemon, "--name", "r", "--plugins-dir", folder],
        stdout=subprocess.PIPE,
    )
    assert process.stdout and process.stdout.readline() == b"computing\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert is_sound(path)
    assert rows(path, "SELECT * FROM measurements") == rows(path, "SELECT * FROM builds") == []
    (folder / "slow.py").write_text((folder / "slow.py").read_text().replace("time.sleep(0.2)", ""))
    monkeypatch.undo()
    assert run("ingest", path, daemon, "--name", "r", "--plugins-dir", folder).exit_code == 0
    assert sum(value for _, value in values(path, "slow")) == one(
        path, "SELECT count(*) FROM builds WHERE copy_of IS NULL"
    )
