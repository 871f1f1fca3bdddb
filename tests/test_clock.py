"""Runs while the clock is wrong, and what puts everything right again."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pytest
from computing import install, values
from conftest import SetClock
from helpers import DAEMON, Row, add_build, copy, ingest, is_sound, one, rows

from ingest import store
from ingest.logs import LogKey, LogStore
from ingest.sinks import reading
from ingest.statistics import Statistic

ROOT = Path(__file__).parent.parent

FIRST = "2026-11-22T12:00:00Z"
RIGHT = "2026-11-25T12:00:00Z"
AHEAD = "2027-01-02T12:00:00Z"
DECADES_AHEAD = "2066-11-23T12:00:00Z"
BEHIND = "2001-11-23T12:00:00Z"

LISTED = (
    "SELECT min(i.id) FROM build_inputs AS i JOIN source_packages AS s ON s.id = i.source_package_id"
    " WHERE s.seen_in_last_sync AND i.id IN (SELECT build_input_id FROM rebuilds)"
)
GOOD = "SELECT upstream_input_id FROM source_packages WHERE is_current AND status = 'GOOD' ORDER BY id"
PUBLISHED = {
    "totals": "SELECT origin, good, bad, fail, unknown, attempted, total FROM current_totals ORDER BY 1",
    "trend": "SELECT origin, day, kind, good, bad, fail, unknown FROM daily_totals WHERE day > '2002' ORDER BY 1, 2",
    "reasons": "SELECT origin, day, category_key, failures FROM daily_categories WHERE day > '2002' ORDER BY 1, 2, 3",
    "statistics": "SELECT statistic, at, value, origin, category, iif(dimensions ->> 'build', NULL, dimensions)"
    " FROM statistic_values WHERE at > '2002' AND statistic NOT IN ('queue-depth', 'oldest-result')"
    " ORDER BY 1, 2, 4, 5, 6, 3",
    "last": "SELECT name, last_at FROM statistics WHERE name NOT IN ('queue-depth', 'oldest-result') ORDER BY 1",
}


def read(folder: Path, clock: SetClock, *times: str, news: bool = True) -> Path:
    """A database that a daemon's file was read into at these times; the daemon builds two packages meanwhile."""
    folder.mkdir()
    file, database = copy(DAEMON, folder), folder / "r.db"
    builds = [("FAIL", "2026-11-23 01:00:00"), ("BAD", "2026-11-24 20:00:00")] if news else []
    for number, time in enumerate(times, 1):
        arriving = len(builds) if number == len(times) else min(number - 1, 1, len(builds))
        for _ in range(arriving):
            add_build(file, one(file, LISTED), *builds.pop(0))
        clock(time)
        ingest(database, file)
    return database


def published(database: Path) -> dict[str, list[Row]]:
    assert is_sound(database)
    return {name: rows(database, sql) for name, sql in PUBLISHED.items()}


@pytest.mark.parametrize(
    ("before", "wrong", "news"),
    [
        ([FIRST], [AHEAD], True),
        ([FIRST], [AHEAD, BEHIND], False),
        ([FIRST], [BEHIND, DECADES_AHEAD], True),
        ([], [AHEAD], False),
        ([], [BEHIND], False),
        ([], [BEHIND, AHEAD], True),
    ],
    ids=str,
)
def test_a_run_with_a_right_clock_restores_all_that_wrong_ones_hid(
    tmp_path: Path, clock: SetClock, before: list[str], wrong: list[str], news: bool
) -> None:
    expected = published(read(tmp_path / "right", clock, *before, RIGHT, news=news))
    found = published(read(tmp_path / "wrong", clock, *before, *wrong, RIGHT, news=news))
    for name in PUBLISHED:
        assert found[name] == expected[name], name


@pytest.mark.parametrize("wrong", [AHEAD, BEHIND])
def test_totals_are_those_of_the_latest_run_whatever_its_clock_says(
    tmp_path: Path, clock: SetClock, wrong: str
) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    good = []
    for time in (FIRST, wrong, FIRST):  # at last the clock comes to the very second of the first run again
        clock(time)
        ingest(database, file)
        good.append(one(database, "SELECT sum(good) FROM current_totals"))
        (package,) = rows(database, f"{GOOD} LIMIT 1")
        add_build(file, *package, "FAIL", "2026-11-22 01:00:00")
    assert good == [good[0], good[0] - 1, good[0] - 2]
    assert is_sound(database)


def test_two_runs_of_one_day_show_the_totals_of_the_later_one(tmp_path: Path, clock: SetClock) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    for time in ("2026-11-22T12:00:00Z", "2026-11-22T10:00:00Z"):
        clock(time)
        ingest(database, file)
        (package,) = rows(database, f"{GOOD} LIMIT 1")
        add_build(file, *package, "FAIL", "2026-11-22 01:00:00")
    day = "SELECT sum(good) FROM daily_totals WHERE day = '2026-11-22'"
    assert one(database, day) == one(database, f"SELECT count(*) FROM ({GOOD})")


def test_a_run_says_where_its_clock_may_be_wrong(tmp_path: Path, clock: SetClock) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    said = []
    for time in (BEHIND, RIGHT, RIGHT, AHEAD, FIRST):
        clock(time)
        said.append("; ".join(note for note in ingest(database, file).notes if "clock" in note))
    assert said == [
        "the clock says 2001-11-23T12:00:00Z, but the newest build is of 2026-11-21T20:48:15.896063Z; either"
        " this machine's clock is wrong or that of the machine that built",
        "the clock says 2026-11-25T12:00:00Z, 9,133 days after the run before; if that is wrong, set the clock",
        "",
        "the clock says 2027-01-02T12:00:00Z, 38 days after the run before; if that is wrong, set the clock",
        "the clock says 2026-11-22T12:00:00Z, but an earlier run ended at 2027-01-02T12:00:00Z; one of them was"
        " wrong, and what is dated after the newest run is left out of trends",
    ]
    assert "2001-11-23" in one(database, "SELECT notes FROM ingest_runs ORDER BY id LIMIT 1")


def test_builds_dated_decades_ago_and_ahead_make_few_snapshots_and_values(
    tmp_path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = copy(DAEMON, tmp_path)
    install(monkeypatch, Statistic(name="daily", query="SELECT count(*) AS value FROM builds"))
    clock(FIRST)
    counts = "SELECT (SELECT count(*) FROM snapshots), (SELECT count(*) FROM measurements)"
    ingest(tmp_path / "usual.db", file)
    for build_time in ("2000-01-02 01:00:00", "2050-01-02 01:00:00"):
        add_build(file, one(file, LISTED), "BAD", build_time)
    ingest(tmp_path / "odd.db", file)
    usual, odd = (rows(tmp_path / name, counts)[0] for name in ("usual.db", "odd.db"))
    assert all(many < few + 200 for few, many in zip(usual, odd, strict=True))
    clock(RIGHT)
    add_build(file, one(file, LISTED), "BAD", "2026-11-24 01:00:00")
    snapshots = one(tmp_path / "odd.db", "SELECT max(id) FROM snapshots")
    ingest(tmp_path / "odd.db", file)
    assert (
        one(tmp_path / "odd.db", "SELECT min(captured_at) FROM snapshots WHERE id > ?", snapshots) > "2026-11"
    )


def test_a_clock_that_is_ahead_makes_no_kept_log_old(tmp_path: Path, clock: SetClock) -> None:
    file, database, logs = copy(DAEMON, tmp_path), tmp_path / "r.db", tmp_path / "r.logs"
    clock(FIRST)
    ingest(database, file)
    young = "SELECT count(*) FROM logs WHERE built_at > '2026-10-22T20'"
    expected = one(logs, young)
    for time in (AHEAD, "2027-01-03T12:00:00Z", RIGHT):
        clock(time)
        ingest(database, file, log_days=30)
        assert one(logs, "SELECT count(*) FROM logs") == one(logs, young) == expected > 0, time


def test_a_log_that_was_stored_while_the_clock_was_ahead_is_dropped_as_others_are(
    tmp_path: Path, clock: SetClock
) -> None:
    with LogStore(tmp_path / "r.logs") as kept:
        clock(DECADES_AHEAD)
        kept.put(LogKey("r", 1, "build", 1), FIRST, b"log")
        kept.flush()
        clock(RIGHT)
        assert kept.prune([]) == 1


def test_every_period_has_its_value_after_wrong_clocks_and_none_to_come_is_shown(
    tmp_path: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, Statistic(name="daily", query="SELECT count(*) AS value FROM builds"))
    database = read(tmp_path / "r", clock, FIRST, AHEAD, BEHIND, DECADES_AHEAD, RIGHT)
    found = [at[:10] for at, _ in values(database, "daily") if at > "2002"]
    begin = date.fromisoformat(one(database, "SELECT substr(min(built_at), 1, 10) FROM builds"))
    assert found == [
        str(begin + timedelta(number)) for number in range((date(2026, 11, 25) - begin).days + 1)
    ]
    assert one(database, "SELECT last_at FROM statistics") == "2026-11-25T00:00:00Z"
    assert one(database, "SELECT max(at) FROM measurements") > "2066"
    with store.open_database(database) as connection:
        assert {point.at for point in reading.newest(connection)} == {"2026-11-25T00:00:00Z"}


@pytest.mark.parametrize(
    "question", ["builds_per_day", "duration_by_day", "slowest_builds", "fixed_since", "regressions_since"]
)
def test_a_build_of_a_time_to_come_hides_no_days_before_now(
    tmp_path: Path, clock: SetClock, question: str
) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    clock(FIRST)
    select = (ROOT / f"canned_queries/reproducibility/{question}.sql").read_text()
    nothing = dict.fromkeys(re.findall(r":(\w+)", select), "")
    ingest(database, file)
    before = ask(database, select, nothing)
    add_build(file, one(file, LISTED), "UNKWN", "2050-01-02 01:00:00")
    ingest(database, file)
    assert ask(database, select, nothing) >= before > 1


def ask(database: Path, select: str, parameters: dict[str, str]) -> int:
    """How many rows answer a question."""
    with closing(sqlite3.connect(database)) as connection:
        return len(connection.execute(select, parameters).fetchall())
