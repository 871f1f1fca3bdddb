"""Failures: one row for each thing that failed, explained by rules, counted in every snapshot."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
import zstandard
from helpers import (
    DAEMON,
    LEGACY,
    MIGRATED,
    add_build,
    change,
    copy,
    dump,
    ingest,
    is_sound,
    one,
    published,
    rows,
    run,
    text,
)  # fmt: skip

from ingest import pipeline, values
from ingest.config import Instance
from ingest.failures import Options
from ingest.progress import Progress

OPERATORS_RULES = """
[backend.debian]
categories = [
  { name = "Cut for time", log_has = "TRUNCATED DUE TO TIMEOUT: " },
  { name = "Full {arch}", log_has_any = ["No space left on device", "Disk space is probably not {arch}"] },
  { name = "Both", log_has_all = ["dpkg-buildpackage", "error"] },
  { name = "Worker", log_has_re = 'unexpected error while rebuilding package:.{,200}Failed' },
  { name = "Build id", diff_has_re = '(?:NT_GNU_BUILD_ID|Build ID: )' },
  { name = "Listing", diff_has_any = ["file list", "data.tar"] },
  { name = "Not for all", log_has = "E: ", exclude_architectures = ["all"] },
]
[backend.all]
categories = [
  { name = "Differs", has_diff = true },
  { name = "Rest", catch_all = true },
]
"""
NAIVE = {
    "log_has": lambda log, diff, want: want in log,
    "log_has_any": lambda log, diff, want: any(text in log for text in want),
    "log_has_all": lambda log, diff, want: all(text in log for text in want),
    "log_has_re": lambda log, diff, want: re.search(want, log, re.DOTALL),
    "diff_has_re": lambda log, diff, want: re.search(want, diff, re.DOTALL),
    "diff_has_any": lambda log, diff, want: any(text in diff for text in want),
    "has_diff": lambda log, diff, want: diff,
    "catch_all": lambda log, diff, want: True,
}


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rebuilderd-stats.conf"
    path.write_text(OPERATORS_RULES)
    return path


def explained(database: Path, source: Path | str, full: bool = False, **options: object) -> pipeline.Result:
    """A run with options of the operator's."""
    return pipeline.ingest(
        database,
        Instance(str(source), "r"),
        full=full,
        progress=Progress(silent=True),
        options=Options(**options),  # type: ignore[arg-type]
    )


def add_failure(database: Path, build_input: int, built_at: str, log: str) -> int:
    """A worker that could not build, with a log."""
    build = add_build(database, build_input, "FAIL", built_at)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "UPDATE build_logs SET build_log = ? WHERE id = (SELECT build_log_id FROM rebuilds WHERE id = ?)",
            (zstandard.compress(log.encode()), build),
        )
    return build


DISK_FULL = "rebuilderd: unexpected error while rebuilding package: tar: No space left on device"
LISTED = """
    SELECT min(i.id) FROM build_inputs AS i JOIN source_packages AS s ON s.id = i.source_package_id
    WHERE s.seen_in_last_sync
"""
"""A build input that its daemon still lists."""


def plain(frame: bytes | None) -> str:
    if frame is None:
        return ""
    return zstandard.ZstdDecompressor().decompressobj().decompress(frame).decode(errors="replace")


def upstreams_counts(file: Path, rules: str) -> Counter[tuple[str, str]]:
    """Category counts per origin as upstream's proposed snapshot takes them, one rule after the other."""
    import tomllib

    backends = tomllib.loads(rules)["backend"]
    select = """
        SELECT s.distribution || '/' || s.release || '/' || i.architecture, s.distribution, i.architecture,
            l.build_log, d.diffoscope_log
        FROM source_packages AS s JOIN build_inputs AS i ON i.source_package_id = s.id
        JOIN rebuilds AS r ON r.id = (SELECT max(id) FROM rebuilds WHERE build_input_id = i.id)
        JOIN build_logs AS l ON l.id = r.build_log_id
        LEFT JOIN rebuild_artifacts AS a ON a.rebuild_id = r.id AND a.status = 'BAD'
        LEFT JOIN diffoscope_logs AS d ON d.id = a.diffoscope_log_id
        WHERE s.seen_in_last_sync AND (a.id IS NOT NULL OR r.status = 'FAIL')"""
    counts: Counter[tuple[str, str]] = Counter()
    for origin, distribution, architecture, log, diff in rows(file, select):
        for rule in backends[distribution]["categories"] + backends["all"]["categories"]:
            (matcher,) = set(rule) & set(NAIVE)
            if any(architecture.startswith(no) for no in rule.get("exclude_architectures", [])):
                continue
            want = rule[matcher]
            if isinstance(want, list):
                want = [item.replace("{arch}", architecture) for item in want]
            elif isinstance(want, str) and not matcher.endswith("_re"):
                want = want.replace("{arch}", architecture)
            else:
                want = re.sub(r"\{,", "{0,", want) if isinstance(want, str) else want
            if NAIVE[matcher](plain(log), plain(diff), want):
                counts[origin, rule["name"]] += 1
                break
    return counts


def test_every_bad_artifact_and_every_failed_build_is_one_failure(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    ingest(database, DAEMON)
    bad = one(DAEMON, "SELECT count(*) FROM rebuild_artifacts WHERE status = 'BAD'")
    failed = one(DAEMON, "SELECT count(*) FROM rebuilds WHERE status = 'FAIL'")
    assert (bad > 50, failed > 5) == (True, True)
    found = "SELECT count(build_artifact_id), count(*) - count(build_artifact_id) FROM failures"
    assert rows(database, found) == [(bad, failed)]
    assert one(database, "SELECT count(*) FROM failures WHERE rule_set IS NULL") == 0
    assert is_sound(database)


def test_a_failed_build_that_left_artifacts_behind_is_explained_beside_them(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    change(file, "UPDATE rebuilds SET status = 'FAIL' WHERE id = (SELECT rebuild_id FROM rebuild_artifacts"
                 " WHERE status = 'BAD' ORDER BY id LIMIT 1)")  # fmt: skip
    ingest(database, file)
    both = "SELECT build_id FROM failures GROUP BY build_id HAVING count(build_artifact_id) BETWEEN 1 AND count(*) - 1"
    assert one(database, f"SELECT count(*) FROM ({both})") == 1
    assert one(database, "SELECT count(*) FROM failures WHERE rule_set IS NULL") == 0


def test_current_failures_are_those_of_the_latest_builds_of_current_packages(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    ingest(database, DAEMON)
    latest = {}
    for build_input, build in rows(
        DAEMON,
        "SELECT r.build_input_id, r.id FROM rebuilds AS r JOIN build_inputs AS i ON i.id = r.build_input_id"
        " JOIN source_packages AS s ON s.id = i.source_package_id"
        " WHERE s.seen_in_last_sync ORDER BY r.built_at, r.id",
    ):
        latest[build_input] = build
    marked = rows(
        database,
        "SELECT DISTINCT b.upstream_id FROM failures AS f JOIN builds AS b ON b.id = f.build_id"
        " WHERE f.is_current",
    )
    failing = rows(
        DAEMON,
        "SELECT id FROM rebuilds AS r WHERE status = 'FAIL' OR EXISTS"
        " (SELECT 1 FROM rebuild_artifacts AS a WHERE a.rebuild_id = r.id AND a.status = 'BAD')",
    )
    assert {build for (build,) in marked} == set(latest.values()) & {build for (build,) in failing}


def test_an_operators_rules_give_upstreams_counts_per_origin_and_category(
    tmp_path: Path, rules: Path
) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    # Where the highest id is not the latest build, we follow the time and upstream the id.
    change(
        file,
        "DELETE FROM rebuilds WHERE EXISTS (SELECT 1 FROM rebuilds AS r"
        " WHERE r.build_input_id = rebuilds.build_input_id AND r.id > rebuilds.id"
        " AND r.built_at < rebuilds.built_at)",
        "DELETE FROM rebuild_artifacts WHERE rebuild_id NOT IN (SELECT id FROM rebuilds)",
    )
    explained(database, file, rules=(rules,))
    counts = rows(
        database,
        "SELECT x.scope, k.name, c.failures FROM snapshot_categories AS c"
        " JOIN snapshots AS x ON x.id = c.snapshot_id JOIN categories AS k ON k.id = c.category_id"
        " WHERE x.kind = 'taken'",
    )
    expected = upstreams_counts(file, OPERATORS_RULES)
    assert len(expected) > 10
    assert {(scope, name): count for scope, name, count in counts} == expected


def test_a_copy_of_a_build_is_explained_as_the_build_it_repeats(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    ingest(database, DAEMON)
    pairs = rows(
        database,
        "SELECT f.category_id, f.evidence, o.category_id, o.evidence FROM failures AS f"
        " JOIN builds AS b ON b.id = f.build_id LEFT JOIN build_artifacts AS a ON a.id = f.build_artifact_id"
        " JOIN failures AS o ON o.build_id = b.copy_of"
        " LEFT JOIN build_artifacts AS x ON x.id = o.build_artifact_id WHERE x.name IS a.name",
    )
    assert pairs
    assert all(row[:2] == row[2:] for row in pairs)
    kept = one(tmp_path / "r.logs", "SELECT count(*) FROM logs WHERE kind = 'build'")
    assert kept == one(
        database, "SELECT count(DISTINCT coalesce(copy_of, id)) FROM builds WHERE id IN"
        " (SELECT build_id FROM failures)",
    )  # fmt: skip


def test_a_second_run_without_news_explains_nothing(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    ingest(database, file)
    before = dump(database)
    change(file, "UPDATE workers SET last_ping = '2026-11-22 10:00:00'")
    result = ingest(database, file)
    assert not result.unchanged
    assert result.failures == 0
    after = dump(database)
    assert {table for table in before if before[table] != after[table]} <= {"workers", "rebuilders"}


def test_only_new_failures_are_explained(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    ingest(database, file)
    known = rows(database, "SELECT id, build_id, category_id FROM failures ORDER BY id")
    build = add_failure(file, one(file, LISTED), "2026-11-22 08:00:00", f"fine\n{DISK_FULL}\n")
    assert ingest(database, file).failures == 1
    assert rows(database, "SELECT id, build_id, category_id FROM failures ORDER BY id")[:-1] == known
    last = rows(
        database,
        "SELECT b.upstream_id, f.is_current, f.evidence, f.evidence_from, f.log_bytes FROM failures AS f"
        " JOIN builds AS b ON b.id = f.build_id ORDER BY f.id DESC LIMIT 1",
    )
    assert last == [(build, 1, DISK_FULL, "log", len(DISK_FULL) + 6)]


def test_a_build_that_succeeds_ends_the_failures_of_its_package(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    add_failure(file, one(file, LISTED), "2026-11-22 08:00:00", "broken")
    ingest(database, file)
    current = "SELECT count(*) FROM failures AS f JOIN source_packages AS s ON s.id = f.source_package_id" \
        " WHERE f.is_current AND s.upstream_input_id = ?"  # fmt: skip
    assert one(database, current, one(file, LISTED)) == 1
    add_build(file, one(file, LISTED), "GOOD", "2026-11-22 10:00:00")
    ingest(database, file)
    assert one(database, current, one(file, LISTED)) == 0


def test_a_package_that_left_the_archive_fails_no_more(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    ingest(database, file)
    (name,) = rows(database, "SELECT source FROM current_failures LIMIT 1")[0]
    change(file, f"UPDATE source_packages SET seen_in_last_sync = 0 WHERE name = {text(name)}")
    ingest(database, file)
    assert one(database, "SELECT count(*) FROM current_failures WHERE source = ?", name) == 0
    assert one(database, "SELECT count(*) FROM failures") == one(
        DAEMON, "SELECT (SELECT count(*) FROM rebuild_artifacts WHERE status = 'BAD')"
        " + (SELECT count(*) FROM rebuilds WHERE status = 'FAIL')",
    )  # fmt: skip


def test_reading_everything_anew_keeps_rows_and_ids(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    ingest(database, DAEMON)
    before = dump(database, without=["ingest_runs", "rebuilders"])
    (tmp_path / "r.logs").unlink()
    ingest(database, DAEMON, full=True)
    assert dump(database, without=["ingest_runs", "rebuilders"]) == before


@pytest.mark.parametrize("source", [LEGACY, MIGRATED], ids=["old schema", "migrated"])
def test_failures_of_the_old_schema_are_explained_too(tmp_path: Path, source: Path) -> None:
    database = tmp_path / "r.db"
    ingest(database, source, release="trixie")
    assert one(database, "SELECT count(*) FROM failures") == one(
        database, "SELECT count(*) FROM build_artifacts WHERE status = 'BAD'"
    )
    assert one(database, "SELECT count(*) FROM failures WHERE rule_set IS NOT NULL AND is_current") > 0
    assert one(database, "SELECT count(*) FROM failures WHERE rule_set IS NULL") == 0


def test_logs_need_not_be_kept(tmp_path: Path) -> None:
    kept, not_kept = tmp_path / "kept.db", tmp_path / "not.db"
    explained(kept, DAEMON)
    explained(not_kept, DAEMON, keep_logs="none")
    assert (tmp_path / "kept.logs").exists()
    assert not (tmp_path / "not.logs").exists()
    assert published(not_kept)["failures"] == published(kept)["failures"]


def test_the_logs_of_good_builds_are_kept_when_asked_for(tmp_path: Path) -> None:
    explained(tmp_path / "r.db", DAEMON, keep_logs="all")
    assert one(tmp_path / "r.logs", "SELECT count(*) FROM logs WHERE kind = 'build'") == one(
        tmp_path / "r.db", "SELECT count(*) FROM builds WHERE copy_of IS NULL"
    )


def test_kept_logs_are_dropped_after_their_days(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    explained(database, file)
    logs = tmp_path / "r.logs"
    count = one(logs, "SELECT count(*) FROM logs")
    change(logs, "UPDATE logs SET stored_at = '2026-01-01T00:00:00Z' WHERE upstream_id % 2")
    change(database, "UPDATE ingest_runs SET started_at = '2026-01-01T00:00:00Z'")
    add_build(file, one(file, LISTED), "GOOD", "2026-11-22 10:00:00")
    explained(database, file, log_days=30)
    assert 0 < one(logs, "SELECT count(*) FROM logs") < count


def test_a_restart_of_the_ids_leaves_no_current_failure_behind(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    ingest(database, file)
    count = one(database, "SELECT count(*) FROM failures")
    change(
        file,
        "UPDATE rebuilds SET built_at = strftime('%Y-%m-%d %H:%M:%S', built_at, '+1 day', '-' || id || ' seconds')",
    )
    ingest(database, file)
    generation = "SELECT count(*), sum(f.is_current) > 0 FROM failures AS f" \
        " JOIN builds AS b ON b.id = f.build_id GROUP BY b.generation"  # fmt: skip
    assert rows(database, generation) == [(count, 0), (count, 1)]


def test_categories_of_reconstructed_days_are_those_of_the_builds_latest_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(values, "now", lambda: "2026-11-22T12:00:00Z")
    database = tmp_path / "r.db"
    ingest(database, DAEMON)
    counted = {
        (scope, day, key): (failures, packages)
        for scope, day, key, failures, packages in rows(
            database,
            "SELECT x.scope, substr(x.captured_at, 1, 10), k.key, c.failures, c.packages"
            " FROM snapshot_categories AS c JOIN snapshots AS x ON x.id = c.snapshot_id"
            " JOIN categories AS k ON k.id = c.category_id WHERE x.kind = 'reconstructed'",
        )
    }
    expected: Counter[tuple[str, str, str]] = Counter()
    packages: dict[tuple[str, str, str], set[str]] = {}
    days = rows(
        database, "SELECT scope, substr(captured_at, 1, 10) FROM snapshots WHERE kind = 'reconstructed'"
    )
    builds = rows(
        database,
        "SELECT o.label, s.name, b.id, substr(b.built_at, 1, 10),"
        " CASE WHEN s.is_current THEN '9999' ELSE substr(s.last_seen, 1, 10) END"
        " FROM builds AS b JOIN source_packages AS s ON s.id = b.source_package_id"
        " JOIN origins AS o ON o.id = b.origin_id ORDER BY rtrim(b.built_at, 'Z'), b.upstream_id",
    )
    reasons: dict[int, list[str]] = {}
    for build, key in rows(
        database, "SELECT f.build_id, k.key FROM failures AS f JOIN categories AS k ON k.id = f.category_id"
    ):
        reasons.setdefault(build, []).append(key)
    for scope, day in days:
        latest = {
            name: build
            for label, name, build, built, last in builds
            if label == scope and built <= day <= last
        }
        for name, build in latest.items():
            for key in reasons.get(build, []):
                expected[scope, day, key] += 1
                packages.setdefault((scope, day, key), set()).add(name)
    assert len(expected) > 100
    assert counted == {key: (count, len(packages[key])) for key, count in expected.items()}


def test_a_changed_reason_is_worth_a_snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    add_failure(file, one(file, LISTED), "2026-11-22 08:00:00", DISK_FULL)
    monkeypatch.setattr(values, "now", lambda: "2026-11-22T12:00:00Z")
    ingest(database, file)
    taken = one(database, "SELECT count(*) FROM snapshots WHERE kind = 'taken'")
    monkeypatch.setattr(values, "now", lambda: "2026-11-22T13:00:00Z")
    add_failure(file, one(file, LISTED), "2026-11-22 09:00:00", "all is well, and then nothing")
    ingest(database, file)
    assert one(database, "SELECT count(*) FROM snapshots WHERE kind = 'taken'") == taken + 1


def test_evidence_can_be_searched(tmp_path: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    add_failure(file, one(file, LISTED), "2026-11-22 08:00:00", DISK_FULL.replace("tar", "xyzzy"))
    ingest(database, file)
    search = "SELECT count(*) FROM failures_fts WHERE failures_fts MATCH ?"
    assert one(database, search, '"xyzzy: No space"') == 1
    change(database, "DELETE FROM failures WHERE evidence LIKE '%xyzzy%'")
    assert one(database, search, "xyzzy") == 0


def test_rules_that_changed_are_applied_to_kept_logs(tmp_path: Path, rules: Path) -> None:
    file, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    ingest(database, file)
    file.unlink()
    result = run("categorise", database, "--rules", rules)
    assert result.exit_code == 0
    assert "stay as they were" not in result.output
    direct = tmp_path / "direct.db"
    explained(direct, DAEMON, rules=(rules,))
    assert published(database)["failures"] == published(direct)["failures"]
    series = (
        "SELECT x.scope, x.kind, substr(x.captured_at, 1, 10), k.key, c.failures, c.packages"
        " FROM snapshot_categories AS c JOIN snapshots AS x ON x.id = c.snapshot_id"
        " JOIN categories AS k ON k.id = c.category_id ORDER BY 1, 2, 3, 4"
    )
    assert rows(database, series) == rows(direct, series)
    assert {name for (name,) in rows(database, "SELECT name FROM categories WHERE key LIKE 'full%'")} == {
        "Full {arch}"
    }


def test_failures_without_a_kept_log_stay_as_they_were(tmp_path: Path, rules: Path) -> None:
    database = tmp_path / "r.db"
    explained(database, DAEMON, keep_logs="none")
    before = published(database)["failures"]
    result = run("categorise", database, "--rules", rules)
    assert result.exit_code == 0
    assert f"{len(before):,} stay as they were, since their logs are not kept" in result.output
    assert published(database)["failures"] == before


def test_a_renamed_category_goes_on_under_its_new_name(tmp_path: Path, rules: Path) -> None:
    database = tmp_path / "r.db"
    explained(database, DAEMON, rules=(rules,))
    id, series = rows(
        database, "SELECT id, (SELECT count(*) FROM snapshot_categories WHERE category_id = k.id)"
        " FROM categories AS k WHERE key = 'rest'",
    )[0]  # fmt: skip
    assert series > 10
    rules.write_text(
        OPERATORS_RULES.replace('name = "Rest",', 'name = "Everything else", formerly = ["rest"],')
    )
    assert run("categorise", database, "--rules", rules).exit_code == 0
    assert rows(
        database, "SELECT id, name, (SELECT count(*) FROM snapshot_categories WHERE category_id = k.id)"
        " FROM categories AS k WHERE key IN ('rest', 'everything-else')",
    ) == [(id, "Everything else", series)]  # fmt: skip


def test_broken_rules_are_reported_before_anything_is_written(tmp_path: Path) -> None:
    rules, database = tmp_path / "rules.toml", tmp_path / "r.db"
    rules.write_text('[backend.all]\ncategories = [{ name = "No matcher" }]\n')
    result = run("ingest", database, DAEMON, "--rules", rules)
    assert result.exit_code == 1
    assert "rules.toml" in result.stderr
    assert "No matcher" in result.stderr
    assert not database.exists()
    ingest(database, DAEMON)
    before = dump(database)
    assert run("categorise", database, "--rules", rules).exit_code == 1
    assert dump(database) == before


def test_a_damaged_log_store_is_told_without_its_folder(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    ingest(database, DAEMON)
    before = published(database)
    (tmp_path / "r.logs").write_bytes(b"no database at all" * 500)
    for old in tmp_path.glob("r.logs-*"):
        old.unlink()
    result = run("ingest", database, DAEMON, "--name", "r", "--full")
    assert result.exit_code == 1
    assert "r.logs: the log store is damaged; delete it, logs are fetched anew." in result.stderr
    assert published(database) == before
    assert str(tmp_path) not in one(database, "SELECT error FROM ingest_runs ORDER BY id DESC LIMIT 1")
