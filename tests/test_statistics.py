"""The statistics that ship, against counting in Python what a real daemon's file says."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from computing import install, update, values
from helpers import DAEMON, LEGACY, MIGRATED, Row, add_build, change, copy, ingest, one, rows

from ingest.statistics import build_duration, build_property, end_time, queue_wait, start_time


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("statistics") / "reproducibility.db"
    ingest(path, DAEMON)
    return path


@pytest.fixture(scope="module")
def builds(database: Path) -> list[Row]:
    """Attempts as the daemon's own file has them, less the copies; times to the second."""
    copies = {id for (id,) in rows(database, "SELECT upstream_id FROM builds WHERE copy_of IS NOT NULL")}
    found = rows(
        DAEMON,
        """SELECT r.id, r.built_at, r.started_at, r.status, s.distribution, s.release, i.architecture, s.name
        FROM rebuilds AS r JOIN build_inputs AS i ON i.id = r.build_input_id
        JOIN source_packages AS s ON s.id = i.source_package_id""",
    )
    return [
        (id, built_at[:10], _seconds(started_at, built_at), status, f"{distribution}/{release}/{arch}", name)
        for id, built_at, started_at, status, distribution, release, arch, name in found
        if id not in copies
    ]


def _seconds(start: str, end: str) -> float:
    return (datetime.fromisoformat(end[:26]) - datetime.fromisoformat(start[:26])).total_seconds()


def _measured(database: Path, name: str, *dimensions: str) -> dict[tuple[str, ...], float]:
    """Values by day, origin and the other dimensions."""
    found = values(database, name, "substr(at, 1, 10), origin, dimensions, value")
    return {
        (day, origin, *(json.loads(others or "{}")[key] for key in dimensions)): value
        for day, origin, others, value in found
    }


def test_builds_are_counted_by_day_origin_and_status(database: Path, builds: list[Row]) -> None:
    expected = Counter((day, origin, status) for _, day, _, status, origin, _ in builds)
    assert len(expected) > 100
    assert _measured(database, "builds-per-day", "status") == dict(expected)


def test_the_share_of_successes_is_of_attempts_with_a_result(database: Path, builds: list[Row]) -> None:
    statuses = defaultdict(list)
    for _, day, _, status, origin, _ in builds:
        if status in ("GOOD", "BAD", "FAIL"):
            statuses[day, origin].append(status == "GOOD")
    expected = {key: round(100 * sum(good) / len(good), 2) for key, good in statuses.items()}
    assert _measured(database, "success-share") == expected


def test_quantiles_of_durations_are_those_of_the_nearest_rank(database: Path, builds: list[Row]) -> None:
    durations = defaultdict(list)
    for _, day, seconds, _, origin, _ in builds:
        durations[day, origin].append(seconds)
    expected = {
        (*key, name): sorted(seconds)[math.ceil(len(seconds) * share) - 1]
        for key, seconds in durations.items()
        for name, share in (("p50", 0.5), ("p95", 0.95))
    }
    assert _measured(database, "build-duration", "quantile") == pytest.approx(expected, abs=0.01)


def test_retries_are_counted_up_to_the_first_good_attempt(database: Path) -> None:
    attempts = defaultdict(list)
    for source, built_at, status, origin, copied in rows(
        database,
        """SELECT b.source_package_id, b.built_at, b.status, o.label, b.copy_of IS NOT NULL FROM builds AS b
        JOIN origins AS o ON o.id = b.origin_id ORDER BY rtrim(b.built_at, 'Z'), b.upstream_id""",
    ):
        attempts[source].append((built_at[:10], status, origin, copied))
    expected: Counter[tuple[str, str, int]] = Counter()
    for tries in attempts.values():
        failed = 0
        for day, status, origin, copied in tries:
            if status == "GOOD":
                expected[day, origin, failed] += not copied
                break
            failed += status in ("BAD", "FAIL") and not copied
    assert _measured(database, "retries-until-good", "retries") == {k: n for k, n in expected.items() if n}
    assert {retries for _, _, retries in expected} > {0}


def test_days_to_fix_are_those_of_the_fixes(database: Path) -> None:
    fixes = rows(database, "SELECT changed_at, origin_label, days FROM (SELECT changed_at, distribution || '/'"
        " || release || '/' || architecture AS origin_label, days_to_fix AS days FROM fixes) ORDER BY 1, 3")  # fmt: skip
    assert len(fixes) > 20
    assert values(database, "days-to-fix", "at, origin, value") == fixes


def test_failures_are_counted_by_category(database: Path) -> None:
    failures = rows(
        database,
        """SELECT substr(b.built_at, 1, 10), o.label, k.key FROM failures AS f
        JOIN builds AS b ON b.id = f.build_id JOIN origins AS o ON o.id = f.origin_id
        JOIN categories AS k ON k.id = f.category_id WHERE b.copy_of IS NULL""",
    )
    found = values(database, "failures-by-category", "substr(at, 1, 10), origin, category, value")
    assert Counter(failures) == {tuple(key): value for *key, value in found}


def test_attempts_are_counted_by_package_and_week_from_monday(database: Path, builds: list[Row]) -> None:
    def monday(day: str) -> str:
        date = datetime.fromisoformat(day)
        return str((date - timedelta(days=date.weekday())).date())

    expected = Counter((monday(day), origin, name) for _, day, _, _, origin, name in builds)
    assert _measured(database, "attempts-by-package", "package") == dict(expected)


def test_attempts_are_counted_by_the_machine_that_the_kept_logs_name(database: Path) -> None:
    found = values(database, "attempts-by-worker-node", "dimensions, value")
    nodes: Counter[str] = Counter()
    for dimensions, value in found:
        nodes[json.loads(dimensions)["worker_node"]] += value
    assert nodes["osuosl2-amd64"] == 14
    assert nodes["infom01-i386"] == 16
    assert nodes.total() == one(
        database, "SELECT count(*) FROM build_properties WHERE name = 'worker_node' AND value IS NOT NULL"
    )


def test_the_queue_is_counted_as_it_is_now(database: Path) -> None:
    jobs = rows(
        DAEMON,
        """SELECT s.distribution || '/' || s.release || '/' || i.architecture,
            CASE WHEN q.started_at IS NULL THEN 'waits' ELSE 'runs' END
        FROM queue AS q JOIN build_inputs AS i ON i.id = q.build_input_id
        JOIN source_packages AS s ON s.id = i.source_package_id""",
    )
    found = values(database, "queue-depth", "origin, dimensions ->> 'state', value")
    assert {(origin, state): value for origin, state, value in found} == Counter(jobs)


def test_a_queue_that_ran_empty_is_0_deep(tmp_path: Path) -> None:
    daemon = copy(DAEMON, tmp_path)
    database = tmp_path / "r.db"
    ingest(database, daemon)
    before = len(values(database, "queue-depth"))
    change(daemon, "DELETE FROM queue")
    ingest(database, daemon)
    later = datetime.fromisoformat(one(database, "SELECT last_at FROM statistics WHERE name = 'queue-depth'"))
    update(database, later + timedelta(hours=1))
    latest = values(database, "queue-depth")[-before:]
    assert [value for _, value in latest] == [0] * before


def test_the_oldest_result_is_that_of_a_package_that_is_listed(database: Path) -> None:
    oldest = dict(
        rows(
            database,
            """SELECT o.label, min(b.built_at) FROM source_packages AS s
            JOIN builds AS b ON b.id = s.latest_build_id JOIN origins AS o ON o.id = s.origin_id
            WHERE s.is_current GROUP BY 1""",
        )
    )
    computed = datetime.fromisoformat(
        one(database, "SELECT computed_at FROM statistics WHERE name = 'oldest-result'")
    )
    expected = {
        origin: (computed - datetime.fromisoformat(at[:26].rstrip("Z") + "+00:00")).total_seconds() / 86400
        for origin, at in oldest.items()
    }
    found = dict(values(database, "oldest-result", "origin, value"))
    assert found == pytest.approx(expected, abs=0.01)


def test_waiting_is_known_of_jobs_that_an_ingest_saw(tmp_path: Path) -> None:
    daemon = copy(DAEMON, tmp_path)
    build_input, queued_at = rows(daemon, "SELECT build_input_id, queued_at FROM queue ORDER BY id LIMIT 1")[
        0
    ]
    database = tmp_path / "r.db"
    ingest(database, daemon)
    assert values(database, "queue-wait") == []
    started = datetime.fromisoformat(queued_at[:19]) + timedelta(minutes=90)
    change(daemon, f"DELETE FROM queue WHERE build_input_id = {build_input}")
    build = add_build(daemon, build_input, "GOOD", str(started))
    other = one(
        daemon, "SELECT id FROM build_inputs WHERE id NOT IN (SELECT build_input_id FROM queue) LIMIT 1"
    )
    add_build(daemon, other, "GOOD", str(started))
    ingest(database, daemon)
    ((value, dimensions),) = values(database, "queue-wait", "value, dimensions")
    assert value == pytest.approx(90 * 60, abs=1)
    ours = one(database, "SELECT id FROM builds WHERE upstream_id = ?", build)
    assert json.loads(dimensions) == {"build": ours}


@pytest.mark.parametrize("source", [LEGACY, MIGRATED], ids=["0.24", "migrated"])
def test_older_schemas_give_statistics_without_errors(tmp_path: Path, source: Path) -> None:
    database = tmp_path / "r.db"
    assert not [note for note in ingest(database, source, release="sid").notes if "statistic" in note]
    total = sum(value for _, value in values(database, "builds-per-day"))
    assert (
        total
        == one(database, "SELECT count(*) FROM builds WHERE copy_of IS NULL AND built_at IS NOT NULL")
        > 0
    )


@pytest.mark.parametrize(("unit", "seconds"), [("seconds", 1), ("minutes", 60), ("hours", 3600)])
def test_durations_come_in_the_unit_of_choice(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unit: str, seconds: int
) -> None:
    path = _copy_of(database, tmp_path)
    install(monkeypatch, build_duration(unit))  # type: ignore[arg-type]
    update(path)
    durations = rows(path, "SELECT b.id, b.duration FROM builds AS b WHERE b.copy_of IS NULL ORDER BY b.id")
    found = {
        json.loads(dimensions)["build"]: value
        for dimensions, value in values(path, "build-durations", "dimensions, value")
    }
    assert found == pytest.approx({id: duration / seconds for id, duration in durations})
    assert one(path, "SELECT unit FROM statistics WHERE name = 'build-durations'") == unit


def test_captures_can_be_of_one_origin_and_be_transformed(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _copy_of(database, tmp_path)
    install(
        monkeypatch,
        start_time(name="start-hours", origins=["debian/forky/amd64"], callback=lambda at: at // 3600 % 24),
        end_time(origins=["debian/forky/amd64", "debian/forky/all"]),
        queue_wait(origins=["debian/forky/amd64"]),
    )
    assert update(path).problems == []
    hours = rows(
        path,
        """SELECT CAST(substr(started_at, 12, 2) AS INTEGER) FROM builds AS b JOIN origins AS o
        ON o.id = b.origin_id WHERE o.label = 'debian/forky/amd64' AND copy_of IS NULL ORDER BY built_at, 1""",
    )
    assert values(path, "start-hours", "value") == hours
    assert {origin for (origin,) in values(path, "build-ends", "origin")} == {
        "debian/forky/amd64",
        "debian/forky/all",
    }
    at, value = values(path, "build-ends")[0]
    assert value == int(datetime.fromisoformat(at[:19] + "+00:00").timestamp())


def test_properties_are_numbers_of_each_build_or_counts_of_texts(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _copy_of(database, tmp_path)
    install(
        monkeypatch,
        build_property("artifacts"),
        build_property("log_bytes"),
        build_property("backend"),
        build_property("cpu_seconds", pattern=r"rebuilderd-worker node: \w+?(\d+)-", numeric=True),
        build_property("letters", pattern=r"rebuilderd-worker node: ([a-z]+)", numeric=True),
        build_property("order", pattern=r"rebuilderd-worker node: (\w)"),
        build_property("node", pattern=r"rebuilderd-worker node: \S+"),
    )
    assert update(path).problems == []
    artifacts = rows(
        path,
        """SELECT count(a.id) FROM builds AS b LEFT JOIN build_artifacts AS a ON a.build_id = b.id
        WHERE b.copy_of IS NULL GROUP BY b.id""",
    )
    assert sorted(values(path, "build-artifacts", "value")) == sorted(artifacts)
    assert len(values(path, "build-log-bytes")) == one(
        path, "SELECT count(DISTINCT build_id) FROM failures AS f JOIN builds AS b ON b.id = build_id"
        " WHERE copy_of IS NULL AND log_bytes IS NOT NULL",
    )  # fmt: skip
    assert {backend for (backend,) in values(path, "build-backend", "dimensions ->> 'backend'")} == {"debian"}
    assert {value for (value,) in values(path, "build-cpu-seconds", "value")} == {1.0, 2.0}
    assert values(path, "build-letters") == []
    assert rows(path, "SELECT title FROM statistics WHERE name IN ('build-artifacts', 'build-backend') ORDER BY 1") == [
        ("Artifacts of each build",), ("Builds by backend",),
    ]  # fmt: skip
    assert ("o",) in values(path, "build-order", "dimensions ->> 'order'")
    assert ("rebuilderd-worker node: osuosl2-amd64",) in values(path, "build-node", "dimensions ->> 'node'")


def _copy_of(database: Path, folder: Path) -> Path:
    for path in (database, database.with_suffix(".logs")):
        copy(path, folder)
    return folder / database.name
