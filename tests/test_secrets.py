"""Nothing that may be a password is published, however its address was written."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
import stamina
from fake_server import rebuilderd, serve
from helpers import DAEMON, copy, ingest, one, rows, run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.sources.location import default_name, flaw, published_location

HUSH = "h8sh"
"""Stands in every password."""

WORDS = st.lists(st.sampled_from([*"/?#@:[]\\%&=+ é\n\t'\"", "80", "%2F", "://", "x"]), max_size=5).map(
    "".join
)
USERS = st.sampled_from(["", "somebody:", "some/body:", "a@b:", f"{HUSH}#:", f"@{HUSH}/:"])
SCHEMES = st.sampled_from(["http://", "https://", "HTTP://", "ftp://", " http://", "x y://"])
ENDS = st.sampled_from(["", "/", "/amd64", "/amd64?token=" + HUSH, "#" + HUSH])


@st.composite
def addresses(draw: st.DrawFn) -> str:
    """Where nobody answers, with a password before the last “@”."""
    password = draw(WORDS) + HUSH + draw(WORDS)
    return draw(SCHEMES) + draw(USERS) + password + "@127.0.0.1:9" + draw(ENDS)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("secrets") / "reproducibility.db"
    ingest(path, DAEMON, name="tiny")
    return path


def everything(database: Path) -> str:
    """All that is in the file, as SQL."""
    with closing(sqlite3.connect(database)) as connection:
        return "\n".join(connection.iterdump())


@contextmanager
def at_once() -> Iterator[None]:
    with stamina.set_testing(True, attempts=1, cap=True):
        yield


@given(addresses())
def test_no_address_is_shown_with_what_may_be_its_password(address: str) -> None:
    assert HUSH not in published_location(address) + default_name(address)
    assert "127.0.0.1:9" in published_location(address)


@given(st.text(), st.text(), st.sampled_from(["", "/amd64", "/a/b?c=d#e"]))
def test_a_password_that_is_escaped_is_never_refused(user: str, password: str, path: str) -> None:
    user, password = (quote(text, safe="", errors="replace") for text in (user, password))
    assert flaw(f"https://{user}:{password}@rebuilder.example{path}") is None


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(addresses(), st.sampled_from([None, "r", "http://a:" + HUSH + "/@b"]))
def test_no_run_publishes_a_password_anywhere(tmp_path: Path, address: str, name: str | None) -> None:
    database = tmp_path / "r.db"
    with at_once():
        result = run("ingest", database, address, *(("--name", name) if name else ()))
    assert result.exit_code == 1 and result.stderr.startswith("Error: ")
    listed = run("rebuilders", database)
    assert HUSH not in result.output + listed.output + everything(database)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(addresses(), st.sampled_from(["influx", "http://a:" + HUSH + "@b"]))
def test_no_sink_publishes_a_password_anywhere(database: Path, address: str, name: str) -> None:
    config = database.with_suffix(".toml")
    table = {"kind": "influxdb", "url": address, "org": "x", "bucket": "y", "token": HUSH}
    config.write_text(
        f"[rebuilders.r]\nsource = {json.dumps(str(DAEMON))}\n[sinks.{json.dumps(name)}]\n"
        + "\n".join(f"{key} = {json.dumps(value)}" for key, value in table.items())
    )
    with at_once():
        result = run("statistics", "send", database, "--config", config)
    assert result.exit_code == 1 and "rror: " in result.stderr
    assert HUSH not in result.output + repr(rows(database, "SELECT * FROM sinks"))


PLUGIN = """
from ingest.sinks import Sink, SinkError, hookimpl


class Leaky(Sink):
    kind = "leaky"

    def __init__(self, settings):
        self.url = settings.text("url")
        self.password = settings.secret("password")

    def send(self, points):
        raise {raised}


@hookimpl
def register_sinks():
    return [Leaky]
"""


@pytest.mark.parametrize(
    "raised",
    [
        "SinkError(f'{self.url}/write: answered 500')",
        "OSError(f'no route to {self.url}')",
        "ValueError(f'Illegal header value {self.password!r}')",
        "SinkError(f'http://someone:{self.password}@sink.example: answered 500')",
    ],
)
@pytest.mark.parametrize("url", [f"http://a:{HUSH}@sink.example", f"x://a:{HUSH} /{HUSH}@sink.example"])
def test_a_sink_of_somebody_elses_cannot_publish_its_secrets(
    database: Path, tmp_path: Path, raised: str, url: str
) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "leaky.py").write_text(PLUGIN.format(raised=raised))
    config = tmp_path / "rebuilders.toml"
    config.write_text(
        f'plugins_dir = "plugins"\n[rebuilders.r]\nsource = "{DAEMON}"\n[sinks.l]\nkind = "leaky"\n'
        f'url = "{url}"\npassword = "{HUSH}-{HUSH}"\n'
    )
    result = run("statistics", "send", database, "--config", config)
    error = one(database, "SELECT last_error FROM sinks WHERE name = 'l'")
    assert result.exit_code == 1 and error in result.stderr
    assert HUSH not in result.output + error


@pytest.mark.parametrize("mark", "/?#@")
def test_a_password_that_breaks_its_url_is_refused_and_how_to_write_it_is_said(
    tmp_path: Path, mark: str
) -> None:
    password = f"80{mark}{HUSH}"
    database = tmp_path / "r.db"
    with serve(rebuilderd()) as server:
        url = server.url.replace("//", f"//somebody:{password}@")
        refused = run("ingest", database, url)
        assert refused.exit_code == 1 and server.asked == []
        assert refused.stderr == (
            f"Error: {server.url}: not a usable URL: a “/”, “?”, “#” or “@” comes before its last “@”;"
            " in a password write them as %2F, %3F, %23 and %40, elsewhere “@” as %40.\n"
        )
        assert run("ingest", database, url.replace(password, quote(password, safe=""))).exit_code == 0
    assert rows(database, "SELECT source, error IS NULL FROM ingest_runs") == [
        (server.url, False),
        (server.url, True),
    ]


def test_a_file_may_have_an_at_in_its_path_and_only_its_name_is_shown(tmp_path: Path) -> None:
    folder = tmp_path / "jane@builder#1"
    folder.mkdir()
    source, database = copy(DAEMON, folder), tmp_path / "r.db"
    assert run("ingest", database, source).exit_code == 0
    missing = run("ingest", database, folder / "gone@home.db")
    assert missing.exit_code == 1 and "gone@home.db: no such file" in missing.stderr
    published = everything(database)
    assert DAEMON.name in published and "gone@home" in published and "jane" not in published
