"""Sinks: measurements go to where operators want them, and nothing is lost while that is down."""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from conftest import unavailable
from fake_server import answer, serve
from helpers import DAEMON, change, ingest, one, rows, run, text
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_prometheus
from real_influxdb import RealInfluxDB
from real_influxdb import installation as influxdb_installation
from real_rebuilderd import Unavailable
from served import lay_out, serving

from ingest import store
from ingest.config import read_config
from ingest.errors import ConfigError
from ingest.sinks import Point, influxdb, openmetrics, reading
from ingest.sinks.sending import configured
from ingest.statistics import record

NASTY = 'a b,c=d "e" \\f\\,g ü'


@pytest.fixture(scope="session")
def influx() -> Iterator[RealInfluxDB]:
    try:
        influxdb_installation()
    except Unavailable as error:
        unavailable(str(error))
    with RealInfluxDB() as server:
        yield server


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "reproducibility.db"
    ingest(path, DAEMON, name="tiny")
    return path


def configure(folder: Path, *sinks: str) -> Path:
    path = folder / "rebuilders.toml"
    path.write_text("\n".join([f'[rebuilders.tiny]\nsource = "{DAEMON}"', *sinks]))
    return path


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def send(database: Path, config: Path) -> str:
    result = run("statistics", "send", database, "--config", config)
    assert result.exit_code == 0, result.output
    return result.output


def measurements(database: Path) -> list[int]:
    return [id for (id,) in rows(database, "SELECT id FROM measurements ORDER BY id")]


def free_port() -> int:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        return int(server.server_address[1])


JSON_LINES = '[sinks.archive]\nkind = "jsonlines"\npath = "measurements.jsonl"\n'


def test_an_ingest_with_a_configuration_sends_all_measurements(tmp_path: Path) -> None:
    database = tmp_path / "r.db"
    result = run("ingest", database, "--config", configure(tmp_path, JSON_LINES))
    assert result.exit_code == 0
    assert [each["id"] for each in lines(tmp_path / "measurements.jsonl")] == measurements(database)
    kind, error, sent = rows(database, "SELECT kind, last_error, last_sent_at IS NOT NULL FROM sinks")[0]
    assert (kind, error, sent) == ("jsonlines", None, 1)


def test_a_line_has_names_and_what_the_value_is_of(database: Path, tmp_path: Path) -> None:
    record(database, "power", 230.5, dimensions={"host": "node1", "origin": "debian/trixie/amd64"})
    send(database, configure(tmp_path, JSON_LINES))
    line = lines(tmp_path / "measurements.jsonl")[-1]
    assert line["statistic"] == "power" and line["value"] == 230.5
    assert line["dimensions"] == {"origin": "debian/trixie/amd64", "host": "node1"}
    assert line["at"].endswith("Z") and line["unit"] == ""


def test_a_second_run_sends_only_what_is_new_or_has_changed(database: Path, tmp_path: Path) -> None:
    config = configure(tmp_path, JSON_LINES)
    record(database, "power", 1)
    send(database, config)
    before = (tmp_path / "measurements.jsonl").read_bytes()
    assert send(database, config) == "archive: nothing new\n"
    assert (tmp_path / "measurements.jsonl").read_bytes() == before
    at = one(database, "SELECT last_at FROM statistics WHERE name = 'power'")
    run("statistics", "record", database, "power", "2", "--at", at)
    assert send(database, config) == "archive: 1 values sent\n"
    assert [each["value"] for each in lines(tmp_path / "measurements.jsonl") if each["at"] == at][-2:] == [
        1,
        2,
    ]


def test_a_value_that_is_computed_anew_is_sent_again(database: Path, tmp_path: Path) -> None:
    config = configure(tmp_path, JSON_LINES)
    send(database, config)
    change(database, "UPDATE measurements SET value = value + 1 WHERE id = 1")
    name = one(database, "SELECT statistic FROM statistic_values WHERE measurement_id = 1")
    assert run("statistics", "rebuild", database, name).exit_code == 0
    assert send(database, config) == "archive: 1 values sent\n"
    first, *_, last = lines(tmp_path / "measurements.jsonl")
    assert first | {"id": 0} == last | {"id": 0}


def test_no_line_stands_twice_when_a_run_was_killed_before_it_could_remember(
    database: Path, tmp_path: Path
) -> None:
    config = configure(tmp_path, JSON_LINES)
    send(database, config)
    path = tmp_path / "measurements.jsonl"
    whole = path.read_bytes()
    change(database, "UPDATE sinks SET position = '{}'")
    path.write_bytes(whole[:-10])
    send(database, config)
    assert path.read_bytes() == whole


def test_more_than_a_batch_is_sent_in_batches(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BATCH", 7)
    send(database, configure(tmp_path, JSON_LINES))
    assert [each["id"] for each in lines(tmp_path / "measurements.jsonl")] == measurements(database)


def test_each_sink_has_its_own_choice_and_gets_what_is_chosen_later(database: Path, tmp_path: Path) -> None:
    one_of = JSON_LINES + 'statistics = ["builds-per-day"]\n'
    every = '[sinks.all]\nkind = "jsonlines"\npath = "all.jsonl"\n'
    send(database, configure(tmp_path, one_of, every))
    path = tmp_path / "measurements.jsonl"
    assert {each["statistic"] for each in lines(path)} == {"builds-per-day"}
    assert [each["id"] for each in lines(tmp_path / "all.jsonl")] == measurements(database)
    send(database, configure(tmp_path, JSON_LINES))
    assert sorted(each["id"] for each in lines(path)) == measurements(database)


def test_a_statistic_that_is_not_there_is_told_after_the_others_were_sent(
    database: Path, tmp_path: Path
) -> None:
    config = configure(tmp_path, JSON_LINES + 'statistics = ["builds-per-day", "bulids"]\n')
    result = run("statistics", "send", database, "--config", config)
    assert result.exit_code == 1
    assert result.stderr == "Error: sink archive: there is no statistic “bulids”; see “statistics list”.\n"
    assert lines(tmp_path / "measurements.jsonl")


def influx_sink(server_url: str, **settings: str) -> str:
    return '[sinks.influx]\nkind = "influxdb"\n' + "".join(
        f'{key} = "{value}"\n' for key, value in {"url": server_url, **settings}.items()
    )


def test_influxdb_answers_with_the_points_that_were_sent(
    database: Path, tmp_path: Path, influx: RealInfluxDB
) -> None:
    influx.query("CREATE DATABASE points")
    record(database, "power", 1.25, dimensions={"host": NASTY, "origin": "debian/trixie/amd64"})
    config = configure(tmp_path, influx_sink(influx.url, database="points"))
    send(database, config)
    counts = dict(rows(database, "SELECT statistic, count(*) FROM statistic_values GROUP BY 1"))
    series = influx.query("SELECT count(value) FROM /.*/", "points")
    assert {each["name"]: each["values"][0][1] for each in series} == counts
    (power,) = influx.query('SELECT value FROM "power" GROUP BY *', "points")
    assert power["tags"] == {"host": NASTY, "origin": "debian/trixie/amd64"}
    at = one(database, "SELECT at FROM statistic_values WHERE statistic = 'power'")
    assert power["values"] == [[influxdb.nanoseconds(at), 1.25]]


def test_what_is_removed_here_is_removed_from_influxdb_and_nothing_else(
    database: Path, tmp_path: Path, influx: RealInfluxDB
) -> None:
    influx.query("CREATE DATABASE removed")
    config = configure(tmp_path, influx_sink(influx.url, database="removed"), JSON_LINES)
    at = datetime(2026, 11, 1, tzinfo=UTC)
    for dimensions in ({}, {"host": NASTY}, {"host": "it's"}, {"host": "it's", "zone": "z"}):
        record(database, "power", 1, at=at, dimensions=dimensions)
    send(database, config)
    change(
        database,
        "DELETE FROM measurements WHERE dimensions IS NULL AND statistic_id IN (SELECT id FROM statistics WHERE name = 'power')",
    )
    change(database, """DELETE FROM measurements WHERE dimensions = '{"host":"it''s"}'""")
    change(database, "DELETE FROM measurements WHERE dimensions ->> 'host' LIKE 'a b%'")
    change(database, "DELETE FROM measurements WHERE id = 1")
    assert send(database, config).endswith("nothing new\n")
    (power,) = influx.query('SELECT value FROM "power" GROUP BY *', "removed")
    assert power["tags"] == {"host": "it's", "zone": "z"}
    series = influx.query("SELECT count(value) FROM /.*/", "removed")
    assert sum(each["values"][0][1] for each in series) == len(measurements(database))
    told = [each for each in lines(tmp_path / "measurements.jsonl") if each["value"] is None]
    assert [(each["statistic"], each["dimensions"]) for each in told[:3]] == [
        ("power", {}), ("power", {"host": "it's"}), ("power", {"host": NASTY}),
    ]  # fmt: skip
    assert rows(database, "SELECT * FROM removed_measurements") == []


def test_an_origin_that_goes_takes_its_points_along(
    database: Path, tmp_path: Path, influx: RealInfluxDB
) -> None:
    influx.query("CREATE DATABASE gone")
    config = configure(tmp_path, influx_sink(influx.url, database="gone"))
    change(database, "INSERT INTO origins (label, distribution, architecture) VALUES ('x/y', 'x', 'y')")
    record(database, "power", 1, dimensions={"origin": "x/y"})
    send(database, config)
    assert influx.query('SELECT * FROM "power"', "gone")
    change(database, "DELETE FROM origins WHERE label = 'x/y'")
    send(database, config)
    assert influx.query('SELECT * FROM "power"', "gone") == []


def test_what_is_computed_anew_is_not_removed(database: Path, tmp_path: Path) -> None:
    config = configure(tmp_path, JSON_LINES)
    record(database, "power", 1)
    send(database, config)
    at = one(database, "SELECT last_at FROM statistics WHERE name = 'power'")
    run("statistics", "record", database, "power", "2", "--at", at)
    assert run("statistics", "rebuild", database, "builds-per-day", "--drop").exit_code == 0
    assert rows(database, "SELECT * FROM removed_measurements") == []
    send(database, config)
    assert None not in {each["value"] for each in lines(tmp_path / "measurements.jsonl")}


def test_what_influxdb_keeps_no_longer_does_not_hold_up_the_rest(
    database: Path, tmp_path: Path, influx: RealInfluxDB
) -> None:
    influx.query("CREATE DATABASE brief WITH DURATION 2d")
    record(database, "power", 1)
    record(database, "power", 2, at=datetime(2020, 1, 1, tzinfo=UTC))
    send(database, configure(tmp_path, influx_sink(influx.url, database="brief")))
    (power,) = influx.query('SELECT value FROM "power"', "brief")
    assert [value for _, value in power["values"]] == [1]


def test_influxdb_stores_what_it_gets_twice_once(
    database: Path, tmp_path: Path, influx: RealInfluxDB
) -> None:
    influx.query("CREATE DATABASE twice")
    config = configure(tmp_path, influx_sink(influx.url, database="twice"))
    send(database, config)
    change(database, "UPDATE sinks SET position = '{}'")
    send(database, config)
    series = influx.query("SELECT count(value) FROM /.*/", "twice")
    assert sum(each["values"][0][1] for each in series) == len(measurements(database))


def test_what_a_sink_missed_while_it_was_down_is_sent_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, influx: RealInfluxDB
) -> None:
    monkeypatch.setattr(influxdb, "ATTEMPTS", 1)
    influx.query("CREATE DATABASE back")
    database = tmp_path / "r.db"
    config = configure(tmp_path, influx_sink(influx.url, database="back"), JSON_LINES)
    influx.stop()
    try:
        result = run("ingest", database, "--config", config, "--silent")
    finally:
        influx.start()
    assert result.exit_code == 0
    assert result.stderr.startswith(f"Warning: sink influx: {influx.url}/write: cannot be reached (")
    assert result.stderr.count("\n") == 1
    assert rows(database, "SELECT name, last_error IS NULL FROM sinks") == [("influx", 0), ("archive", 1)]
    assert run("ingest", database, "--config", config, "--silent").stderr == ""
    series = influx.query("SELECT count(value) FROM /.*/", "back")
    assert sum(each["values"][0][1] for each in series) == len(measurements(database))
    assert rows(database, "SELECT last_error, last_error_at FROM sinks") == [(None, None)] * 2


def test_influxdb_with_users_is_given_the_password_of_the_environment(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, influx: RealInfluxDB
) -> None:
    settings = {"database": "closed", "user": "writer", "password_env": "INFLUX_PASSWORD"}
    with RealInfluxDB(auth=True) as server:
        server.query("CREATE USER writer WITH PASSWORD 'secret' WITH ALL PRIVILEGES")
        server.query("CREATE DATABASE closed", auth=("writer", "secret"))
        config = configure(tmp_path, influx_sink(server.url, **settings))
        monkeypatch.setenv("INFLUX_PASSWORD", "wrong")
        result = run("statistics", "send", database, "--config", config)
        assert result.exit_code == 1 and "answered 401 (authorization failed)" in result.stderr
        monkeypatch.setenv("INFLUX_PASSWORD", "secret")
        send(database, config)
        assert server.query("SHOW SERIES", "closed", ("writer", "secret"))


class _InfluxDB2(BaseHTTPRequestHandler):
    """What InfluxDB 2.x documents of writing and deleting; busy for the first time, and keeps nothing before 2021."""

    TAGS = re.compile(r",((?:\\[,= ]|[^,= ])+)=((?:\\[,= ]|[^,= ])+)")
    LINE = re.compile(rf"([a-z0-9-]+)((?:{TAGS.pattern})*) value=(-?[0-9.e+-]+) ([0-9]+)")
    PREDICATE = re.compile(r'_measurement="([^"]+)"((?: AND [a-z_]+="(?:\\.|[^"\\])*")*)')

    busy = True
    points: dict[tuple[str, tuple[tuple[str, str], ...], int], float]

    def do_POST(self) -> None:
        path, _, query = self.path.partition("?")
        content = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked = parse_qs(query, strict_parsing=True)
        if type(self).busy:
            type(self).busy = False
            self.answer(503, "busy", {"Retry-After": "0"})
        elif self.headers["Authorization"] != "Token t0k3n":
            self.answer(401, "unauthorized access")
        elif (asked.pop("org"), asked.pop("bucket")) != (["ours"], ["reproducibility"]):
            self.answer(404, "bucket not found")
        elif path == "/api/v2/write" and asked == {"precision": ["ns"]}:
            self.write(content)
        elif path == "/api/v2/delete" and asked == {} and self.headers["Content-Type"] == "application/json":
            self.delete(**json.loads(content))
        else:
            self.answer(400, f"unexpected {self.path}")

    def write(self, content: str) -> None:
        too_old = 0
        for line in content.split("\n"):
            found = self.LINE.fullmatch(line)
            assert found, line
            pairs = self.TAGS.findall(found[2])
            tags = tuple(sorted((key, re.sub(r"\\([,= ])", r"\1", value)) for key, value in pairs))
            at = int(found[found.re.groups])
            too_old += at < 1609459200 * 10**9
            if at >= 1609459200 * 10**9:
                self.points[found[1], tags, at] = float(found[found.re.groups - 1])
        dropped = f"failure writing points to database: partial write: points beyond retention policy dropped={too_old}"
        self.answer(422, dropped) if too_old else self.answer(204)

    def delete(self, start: str, stop: str, predicate: str) -> None:
        found = self.PREDICATE.fullmatch(predicate)
        assert found, predicate
        wanted = {
            (key, re.sub(r"\\(.)", r"\1", value))
            for key, value in re.findall(r' AND ([a-z_]+)="((?:\\.|[^"\\])*)"', found[2])
        }
        first, last = influxdb.nanoseconds(start), influxdb.nanoseconds(stop)
        for key in list(self.points):
            if key[0] == found[1] and wanted <= set(key[1]) and first <= key[2] <= last:
                del self.points[key]
        self.answer(204)

    def answer(self, status: int, message: str = "", headers: dict[str, str] | None = None) -> None:
        body = json.dumps({"code": "…", "message": message}).encode() if message else b""
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def test_influxdb_2_is_written_to_and_deleted_from_as_its_api_says(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = type("Handler", (_InfluxDB2,), {"points": {}})
    at = datetime(2026, 11, 1, tzinfo=UTC)
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        sink = influx_sink(url, org="ours", bucket="reproducibility", token_env="INFLUX_TOKEN")
        config = configure(tmp_path, sink)
        for host in (NASTY, 'b"', "c"):
            record(database, "power", 1.5, at=at, dimensions={"host": host})
        record(database, "power", 2, at=at)
        record(database, "power", 3, at=datetime(2020, 1, 1, tzinfo=UTC), dimensions={"host": "old"})
        monkeypatch.setenv("INFLUX_TOKEN", "wrong")
        result = run("statistics", "send", database, "--config", config)
        assert result.exit_code == 1 and "answered 401 (unauthorized access)" in result.stderr
        monkeypatch.setenv("INFLUX_TOKEN", "t0k3n")
        send(database, config)
        assert len(handler.points) == len(measurements(database)) - 1  # but the one that is too old
        change(database, "DELETE FROM measurements WHERE dimensions ->> 'host' <> 'c'")
        change(
            database,
            "DELETE FROM measurements WHERE dimensions IS NULL AND at = '2026-11-01T00:00:00Z' AND value = 2",
        )
        send(database, config)
        server.shutdown()
    # Which tags are absent cannot be said there: what has none stays.
    power = {tags: value for (name, tags, _), value in handler.points.items() if name == "power"}
    assert power == {(("host", "c"),): 1.5, (): 2.0}


def test_a_point_is_told_apart_to_the_nanosecond() -> None:
    point = Point(1, "power", "Power", "W", "2026-11-01T12:00:00.123456789Z", 3, {"host": "a b", "empty": ""})
    assert influxdb.line(point) == r"power,host=a\ b value=3.0 1793534400123456789"


@given(
    st.dictionaries(st.sampled_from(["host", "time", "zone"]), st.text()),
    st.floats(allow_nan=False, allow_infinity=False),
)
def test_a_point_is_one_line_whatever_its_dimensions_say(dimensions: dict[str, str], value: float) -> None:
    line = influxdb.line(Point(1, "power", "Power", "W", "2026-11-01T12:00:00Z", value, dimensions))
    assert line.isprintable()
    head, _, rest = line.rpartition(" value=")
    assert not head.endswith("\\") and float(rest.split()[0]) == value
    assert not head.startswith("power,time=") and ",time=" not in head


@given(st.text(), st.text(), st.floats(allow_nan=False, allow_infinity=False))
def test_openmetrics_holds_any_text(title: str, host: str, value: float) -> None:
    point = Point(1, "power", title, "W", "2026-11-01T12:00:00Z", value, {"host": host})
    family, *_ = parse_openmetrics(openmetrics.render([point]))
    (sample,) = family.samples
    assert sample.labels == {"host": host} and sample.value == value


METRICS = '[sinks.prometheus]\nkind = "openmetrics"\npath = "reproducibility.prom"\n'


def test_a_textfile_has_the_newest_value_of_each_series(database: Path, tmp_path: Path) -> None:
    send(database, configure(tmp_path, METRICS))
    content = (tmp_path / "reproducibility.prom").read_text()
    families = {family.name: family for family in parse_openmetrics(content)}
    builds = families["reproducibility_builds_per_day"]
    assert builds.type == "gauge" and builds.documentation == "Builds per day (builds)"
    expected = rows(
        database,
        "SELECT rebuilder, origin, dimensions ->> 'status', value FROM statistic_values"
        " WHERE statistic = 'builds-per-day'"
        " AND at = (SELECT last_at FROM statistics WHERE name = 'builds-per-day')",
    )
    found = [
        (sample.labels["rebuilder"], sample.labels["origin"], sample.labels["status"], sample.value)
        for sample in builds.samples
    ]
    assert found and sorted(found) == sorted(expected)
    (start,) = (
        sample.value
        for sample in families["reproducibility_period_start_timestamp_seconds"].samples
        if sample.labels["statistic"] == "builds-per-day"
    )
    last = one(database, "SELECT unixepoch(last_at) FROM statistics WHERE name = 'builds-per-day'")
    assert start == last


def test_a_textfile_leaves_out_events_and_single_packages_unless_those_are_named(
    database: Path, tmp_path: Path
) -> None:
    path = tmp_path / "reproducibility.prom"
    send(database, configure(tmp_path, METRICS))
    assert "package=" not in path.read_text() and "build=" not in path.read_text()
    send(database, configure(tmp_path, METRICS + 'statistics = ["attempts-by-package"]\n'))
    assert "package=" in path.read_text() and "builds_per_day" not in path.read_text()


def test_a_textfile_is_replaced_in_one_step_and_can_be_read_by_others(database: Path, tmp_path: Path) -> None:
    (tmp_path / "reproducibility.prom").write_text("old")
    with (tmp_path / "reproducibility.prom").open() as reader:
        before = os.umask(0o077)
        try:
            send(database, configure(tmp_path, METRICS))
        finally:
            os.umask(before)
        assert reader.read() == "old"
    assert sorted(path.name for path in tmp_path.glob("*prom*")) == ["reproducibility.prom"]
    assert (tmp_path / "reproducibility.prom").stat().st_mode & 0o777 == 0o644


def test_a_folder_that_is_not_there_is_told_without_its_place(database: Path, tmp_path: Path) -> None:
    config = configure(tmp_path, METRICS.replace("repro", "missing/repro"))
    result = run("statistics", "send", database, "--config", config)
    assert result.exit_code == 1
    assert one(database, "SELECT last_error FROM sinks") == (
        "reproducibility.prom: cannot be written (No such file or directory); check its folder and the disk."
    )


def test_the_site_gives_metrics_in_the_format_that_is_asked_for(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "site")
    ingest(folder / "reproducibility.db", DAEMON, name="tiny")
    record(folder / "reproducibility.db", "power", 7, dimensions={"host": NASTY})
    with serving(folder) as address:
        plain = httpx.get(f"{address}/metrics")
        new = httpx.get(
            f"{address}/metrics", headers={"Accept": "application/openmetrics-text;version=1.0.0"}
        )
    assert plain.headers["content-type"] == openmetrics.PLAIN_TYPE
    assert new.headers["content-type"] == openmetrics.CONTENT_TYPE
    for families in (parse_prometheus(plain.text), parse_openmetrics(new.text)):
        (power,) = (family for family in families if family.name == "reproducibility_power")
        assert [(sample.labels, sample.value) for sample in power.samples] == [({"host": NASTY}, 7)]


OWN = """
from ingest.sinks import Sink, SinkError, hookimpl

class Printed(Sink):
    kind = "printed"

    def __init__(self, settings):
        self.prefix = settings.text("prefix")

    def send(self, points):
        for point in points:
            print(self.prefix, point.statistic, point.value)

class Broken(Printed):
    kind = "broken"

    def send(self, points):
        raise ValueError("no paper")

@hookimpl
def register_sinks():
    return [Printed, Broken]
"""


def test_a_sink_of_ones_own_is_a_class_and_a_broken_one_harms_no_other(
    database: Path, tmp_path: Path
) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "printed.py").write_text(OWN)
    sinks = [f'[sinks.{kind}]\nkind = "{kind}"\nprefix = "{kind}:"\n' for kind in ("broken", "printed")]
    record(database, "power", 7)
    config = configure(tmp_path, *sinks)
    config.write_text('plugins_dir = "own"\n' + config.read_text())
    result = run("statistics", "send", database, "--config", config)
    assert result.exit_code == 1
    assert "printed: power 7\n" in result.stdout
    assert result.stderr == "Error: sink broken: ValueError: no paper\n"


def test_a_sink_that_cannot_be_made_or_closed_harms_no_other(database: Path, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    own = OWN.replace('self.prefix = settings.text("prefix")', 'self.prefix = settings.text("prefix") + 1', 1)
    own += "\nclass Stuck(Printed):\n    kind = 'stuck'\n    def __init__(self, settings): self.prefix = ''\n"
    own += "    def close(self): raise OSError('stuck')\n"
    (tmp_path / "own" / "printed.py").write_text(own.replace("[Printed, Broken]", "[Printed, Stuck]"))
    record(database, "power", 7)
    config = configure(
        tmp_path, '[sinks.a]\nkind = "printed"\nprefix = "x"\n', '[sinks.b]\nkind = "stuck"\n', JSON_LINES
    )
    config.write_text('plugins_dir = "own"\n' + config.read_text())
    result = run("statistics", "send", database, "--config", config)
    assert result.exit_code == 1 and " power 7\n" in result.stdout
    assert result.stderr.startswith("Error: sink a: TypeError: ") and result.stderr.count("\n") == 1
    assert [each["id"] for each in lines(tmp_path / "measurements.jsonl")] == measurements(database)


@pytest.mark.parametrize(
    "content", [b'{"error":"' + b"x" * 5_000_000, b"[" * 2_000_000, b"9" * 5_000, b'{"results":9}', b"\xff"]
)
def test_an_answer_of_influxdb_that_is_nonsense_is_looked_at_as_far_as_needed(
    database: Path, tmp_path: Path, content: bytes
) -> None:
    with serve({"/write": answer(content, 400)}) as server:
        result = run(
            "statistics",
            "send",
            database,
            "--config",
            configure(tmp_path, influx_sink(server.url, database="x")),
        )
    assert result.exit_code == 1 and result.stderr.count("\n") == 1
    assert "answered 400 (Bad Request); check the sink's settings" in result.stderr


def test_measurements_are_not_sent_where_a_server_redirects_to(database: Path, tmp_path: Path) -> None:
    with serve({"/write": answer(b"", 204)}) as other, serve({}) as server:
        server.answers["/write"] = answer(b"", 307, Location=f"{other.url}/write")
        result = run(
            "statistics",
            "send",
            database,
            "--config",
            configure(tmp_path, influx_sink(server.url, database="x")),
        )
    assert result.exit_code == 1 and "answered 307" in result.stderr and other.asked == []


def _example(language: str) -> str:
    page = (Path(__file__).parent.parent / "docs" / "sinks.md").read_text()
    (example,) = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    return str(example)


def test_the_configuration_in_the_docs_is_one(tmp_path: Path) -> None:
    path = tmp_path / "rebuilders.toml"
    path.write_text(_example("toml"))
    with configured(read_config(path).sinks, None) as sinks:
        assert [each.sink.kind for each in sinks] == ["influxdb", "openmetrics", "jsonlines"]
        assert [each.statistics for each in sinks] == [None, None, ("builds-per-day", "success-share")]


def test_the_sink_in_the_docs_is_one(database: Path, tmp_path: Path) -> None:
    (tmp_path / "graphite.py").write_text(_example("python"))
    config = configure(tmp_path, '[sinks.graphite]\nkind = "graphite"\nhost = "graphite.example"\n')
    result = run("statistics", "send", database, "--config", config, "--plugins-dir", tmp_path)
    assert result.output == f"graphite: {len(measurements(database)):,} values sent\n"


def test_a_kind_that_is_missing_because_its_plugin_is_broken_says_so(tmp_path: Path) -> None:
    (tmp_path / "graphite.py").write_text(OWN.replace("return [", "raise LookupError('gone') or ["))
    config = configure(tmp_path, '[sinks.paper]\nkind = "printed"\n')
    result = run("ingest", tmp_path / "r.db", "--config", config, "--plugins-dir", tmp_path)
    assert result.exit_code == 1
    assert "“printed” is no kind; use influxdb, jsonlines, openmetrics." in result.stderr
    assert "plugin graphite.py: LookupError: gone." in result.stderr


@pytest.mark.parametrize(
    ("sink", "problem"),
    [
        ('[sinks.a]\npath = "x"', 'needs kind = "influxdb" or another'),
        ('[sinks.a]\nkind = "paper"', "“paper” is no kind; use influxdb, jsonlines, openmetrics"),
        ('[sinks.a]\nkind = "jsonlines"', "path is missing"),
        (
            '[sinks.a]\nkind = "jsonlines"\npath = "x"\ncolour = "red"',
            "colour is no key of this kind; only path",
        ),
        ('[sinks.a]\nkind = "jsonlines"\npath = 3', "path must be a text"),
        ('[sinks.a]\nkind = "jsonlines"\npath = "x"\nstatistics = "y"', "statistics must be a list of names"),
        ('[sinks.a]\nkind = "influxdb"\nurl = "http://x.example"', "needs either database"),
        ('[sinks.a]\nkind = "influxdb"\nurl = "x.example"\ndatabase = "x"', "url must begin with http"),
        (
            '[sinks.a]\nkind = "influxdb"\nurl = "http://x.example"\ndatabase = "x"\nuser = "y"',
            "needs both user and password",
        ),
        (
            '[sinks.a]\nkind = "influxdb"\nurl = "http://x.example"\norg = "x"\nbucket = "y"\ntoken_env = "UNSET"',
            "the environment variable UNSET, which is not set",
        ),
        (
            '[sinks.a]\nkind = "influxdb"\nurl = "http://x.example"\norg = "x"\nbucket = "y"\ntoken = "t0k3n\\n"',
            "token must be printable ASCII",
        ),
    ],
)
def test_a_mistake_in_a_sink_is_told_before_anything_is_read(tmp_path: Path, sink: str, problem: str) -> None:
    config = configure(tmp_path, sink)
    result = run("ingest", tmp_path / "r.db", "--config", config)
    assert result.exit_code == 1 and problem in result.stderr
    assert not (tmp_path / "r.db").exists()
    with pytest.raises(ConfigError), configured(read_config(config).sinks, None):
        pass


def test_secrets_and_addresses_with_passwords_are_not_published(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(influxdb, "ATTEMPTS", 1)
    url = f"http://someone:hunter2@127.0.0.1:{free_port()}"
    config = configure(tmp_path, influx_sink(url, org="x", bucket="y", token="t0k3n"))
    assert run("statistics", "send", database, "--config", config).exit_code == 1
    with store.open_database(database) as connection:
        dumped = "\n".join(connection.iterdump())
    assert "cannot be reached" in dumped and "hunter2" not in dumped and "t0k3n" not in dumped


def test_another_kind_under_the_same_name_begins_anew(database: Path, tmp_path: Path) -> None:
    send(database, configure(tmp_path, METRICS.replace("prometheus", "archive")))
    send(database, configure(tmp_path, JSON_LINES))
    assert [each["id"] for each in lines(tmp_path / "measurements.jsonl")] == measurements(database)
    assert one(database, f"SELECT count(*) FROM sinks WHERE kind = {text('jsonlines')}") == 1
