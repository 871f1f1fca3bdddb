"""The commands, recorded values, and plugins of installed packages and of folders."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from computing import values
from helpers import DAEMON, change, copy, ingest, one, rows, run

from ingest.errors import StatisticError
from ingest.statistics import record

PLUGIN = Path(__file__).parent / "plugin"


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("commands") / "reproducibility.db"
    ingest(path, DAEMON)
    return path


@pytest.fixture
def database(ingested: Path, tmp_path: Path) -> Path:
    copy(ingested.with_suffix(".logs"), tmp_path)
    return copy(ingested, tmp_path)


def wheel(folder: Path) -> Path:
    """The example of the docs as pip gets it, made of its own pyproject.toml."""
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text())["project"]
    name, version = project["name"].replace("-", "_"), project["version"]
    about = f"{name}-{version}.dist-info"
    points = [
        f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items())
        for group, entries in project["entry-points"].items()
    ]
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(PLUGIN / f"{name}.py", f"{name}.py")
        archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/entry_points.txt", "\n".join(points))
        archive.writestr(f"{about}/RECORD", "")
    return path


def test_the_example_of_the_docs_is_installed_and_computed(database: Path, tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-index"]
    subprocess.run([*pip, "--no-deps", "--target", installed, wheel(tmp_path)], check=True)
    said = subprocess.run(
        [sys.executable, "-m", "ingest", "statistics", "run", database],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(installed), *sys.path])},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "slow-builds: " in said and "builds-per-day: nothing new" in said
    assert rows(
        database,
        "SELECT name, plugin, plugin_version, unit FROM statistics WHERE plugin = 'slow-builds' ORDER BY 1",
    ) == [
        ("forky-minutes", "slow-builds", "1.0", "minutes"),
        ("hours-of-builds", "slow-builds", "1.0", "h"),
        ("slow-builds", "slow-builds", "1.0", "builds"),
    ]
    ((slow,),) = values(database, "slow-builds", "sum(value)")
    assert slow == one(database, "SELECT count(*) FROM builds WHERE duration > 3600 AND copy_of IS NULL")
    ((hours,),) = values(database, "hours-of-builds", "sum(value)")
    assert hours == pytest.approx(
        one(database, "SELECT sum(duration) / 3600 FROM builds WHERE copy_of IS NULL")
    )
    assert {origin for (origin,) in values(database, "forky-minutes", "origin")} == {"debian/forky/amd64"}


def test_a_folder_of_plugins_is_read_and_what_is_broken_in_it_is_said(database: Path, tmp_path: Path) -> None:
    folder = tmp_path / "statistics"
    folder.mkdir()
    copy(PLUGIN / "slow_builds.py", folder)
    (folder / "broken.py").write_text("import no_such_module\n")
    (folder / "twice.py").write_text(
        "from ingest.statistics import Statistic, hookimpl\n"
        "@hookimpl\ndef register_statistics():\n    return [Statistic(name='builds-per-day', query='SELECT 1')]\n"
    )
    result = run("statistics", "run", database, "--plugins-dir", folder)
    assert result.exit_code == 1
    assert (
        "plugin broken.py: cannot be loaded (ModuleNotFoundError: No module named 'no_such_module')."
        in result.output
    )
    assert "plugin twice.py: rebuilderd-datasette has a statistic builds-per-day too" in result.output
    assert values(database, "hours-of-builds")
    assert one(database, "SELECT plugin FROM statistics WHERE name = 'hours-of-builds'") == "slow_builds.py"


HEADER = "from __future__ import annotations\nfrom dataclasses import dataclass\nfrom ingest.statistics import Statistic, hookimpl\n"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def register_statistics(): return []", "brings nothing; write @hookimpl above register_statistics"),
        ("@hookimpl\ndef register_statistic(): return []", "there is no hook register_statistic; use"),
        ("import sys\nsys.exit('usage: …')", "cannot be loaded (SystemExit: usage: …)."),
        ("@hookimpl\ndef register_statistics(): return [Statistic]", "gave type, which is no Statistic"),
        ("@hookimpl\ndef register_statistics(): return [Statistic(name='A')]", "not a name; use lower case"),
    ],
)
def test_a_mistake_in_a_plugin_is_said_in_a_sentence_and_the_others_are_computed(
    database: Path, tmp_path: Path, code: str, said: str
) -> None:
    folder = tmp_path / "statistics"
    folder.mkdir()
    copy(PLUGIN / "slow_builds.py", folder)
    (folder / "mistaken.py").write_text(HEADER + code)
    result = run("statistics", "run", database, "--plugins-dir", folder)
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: plugin mistaken.py: ") and said in line
    assert values(database, "hours-of-builds")


def test_a_statistic_may_be_a_dataclass_with_fields_of_its_own(database: Path, tmp_path: Path) -> None:
    (tmp_path / "long_builds.py").write_text(
        HEADER + "@dataclass(frozen=True, kw_only=True)\n"
        "class Longer(Statistic):\n"
        "    seconds: int\n"
        "    def process(self, build):\n"
        "        yield int((build.duration or 0) > self.seconds)\n"
        "@hookimpl\ndef register_statistics(): return [Longer(name='longer', kind='total', seconds=3600)]\n"
    )
    assert run("statistics", "run", database, "--plugins-dir", tmp_path).exit_code == 0
    ((longer,),) = values(database, "longer", "sum(value)")
    assert longer == one(database, "SELECT count(*) FROM builds WHERE duration > 3600 AND copy_of IS NULL")


def test_the_configuration_names_the_folder_of_plugins(tmp_path: Path) -> None:
    folder = tmp_path / "statistics"
    folder.mkdir()
    copy(PLUGIN / "slow_builds.py", folder)
    config = tmp_path / "rebuilders.toml"
    config.write_text(f'plugins_dir = "statistics"\n[rebuilders.r]\nsource = "{DAEMON}"\n')
    database = tmp_path / "r.db"
    assert run("ingest", database, "--config", config).exit_code == 0
    assert values(database, "hours-of-builds")
    config.write_text(f'plugins_dir = "nowhere"\n[rebuilders.r]\nsource = "{DAEMON}"\n')
    result = run("ingest", database, "--config", config)
    assert result.exit_code == 1 and "plugins_dir must name a folder that is there" in result.output


def test_a_file_that_is_new_or_changed_is_computed_also_where_the_rebuilder_has_nothing_new(
    tmp_path: Path,
) -> None:
    folder, database = tmp_path / "statistics", tmp_path / "r.db"
    folder.mkdir()

    def ingest_again() -> list[tuple[int]]:
        # Each ingest is another process, which loads plugins anew.
        command = [sys.executable, "-m", "ingest", "ingest", database, DAEMON, "--plugins-dir", folder]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return values(database, "slow-builds", "sum(value)")

    def let_all_be_computed_an_hour_ago() -> None:
        change(
            database, "UPDATE statistics SET computed_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now', '-1 hour')"
        )

    assert ingest_again() == [(None,)]
    let_all_be_computed_an_hour_ago()
    copy(PLUGIN / "slow_builds.py", folder)
    assert ingest_again() == [
        (one(database, "SELECT count(*) FROM builds WHERE duration > 3600 AND copy_of IS NULL"),)
    ]
    let_all_be_computed_an_hour_ago()
    text = (
        (folder / "slow_builds.py")
        .read_text()
        .replace("> 3600", "> 600")
        .replace("unit=", "version=2, unit=")
    )
    (folder / "slow_builds.py").write_text(text)
    assert ingest_again() == [
        (one(database, "SELECT count(*) FROM builds WHERE duration > 600 AND copy_of IS NULL"),)
    ]


def test_computing_statistics_loads_no_http_client() -> None:
    code = "import sys; from ingest import plugins; plugins.load(); print('httpx' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert said == "False\n"


def test_a_plugin_that_cannot_be_loaded_is_noted_by_the_ingest(tmp_path: Path) -> None:
    folder = tmp_path / "statistics"
    folder.mkdir()
    (folder / "broken.py").write_text("1 / 0\n")
    result = run("ingest", tmp_path / "r.db", DAEMON, "--plugins-dir", folder)
    assert result.exit_code == 0
    assert "plugin broken.py: cannot be loaded (ZeroDivisionError: division by zero)." in result.output


def test_list_shows_what_there_is_and_what_went_wrong(database: Path) -> None:
    result = run("statistics", "list", database)
    assert result.exit_code == 0
    assert "builds-per-day: Builds per day\n" in result.output
    assert re.search(r"kind: +total in builds by rebuilder, origin, status\n", result.output)
    assert re.search(r"values: +2026-05-27T00:00:00Z to 2026-11-21T00:00:00Z\n", result.output)


def test_a_single_statistic_is_run_by_its_name_and_unknown_ones_are_refused(database: Path) -> None:
    result = run("statistics", "run", database, "builds-per-day")
    assert result.output == "builds-per-day: nothing new\n"
    refused = run("statistics", "run", database, "no-such")
    assert refused.exit_code == 1
    assert refused.output.startswith("Error: statistic no-such: no plugin brings it")


def test_values_are_recorded_with_time_and_dimensions(database: Path) -> None:
    at = "2026-11-01T12:00:00Z"
    for value in ("-3", "230.5"):
        result = run(
            "statistics", "record", database, "power", value, "--at", at,
            "--dimension", "origin=debian/forky/amd64", "--dimension", "room=b", "--dimension", "host=node1",
        )  # fmt: skip
        assert result.exit_code == 0, result.output
    assert values(database, "power", "at, value, origin, dimensions") == [
        (at, 230.5, "debian/forky/amd64", '{"host":"node1","room":"b"}')
    ]
    assert rows(database, "SELECT is_recorded, first_at, last_at FROM statistics WHERE name = 'power'") == [
        (1, at, at)
    ]


def test_values_are_recorded_from_python_at_any_zone(database: Path) -> None:
    record(database, "power", 1)
    record(database, "power", 2, at=datetime(2026, 11, 1, 12, tzinfo=timezone(timedelta(hours=2))))
    (first, latest) = values(database, "power")
    assert first == ("2026-11-01T10:00:00Z", 2)
    assert abs(datetime.now(UTC) - datetime.fromisoformat(latest[0])) < timedelta(minutes=1)
    run("statistics", "run", database)
    assert len(values(database, "power")) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("builds-per-day", "1"), "rebuilderd-datasette computes it; record under another name"),
        (("Power", "1"), "not a name"),
        (("power", "nan"), "give a finite number"),
        (("power", "much"), "not a valid float"),
        (("power", "1", "--at", "yesterday"), "not a time"),
        (("power", "1", "--at", "0001-01-01"), "give a time after the year 1000"),
        (("power", "1", "--at", "0001-01-01T00:00+14:00"), "give a time after the year 1000"),
        (("power", "1", "--dimension", "host"), "give KEY=VALUE"),
        (("power", "1", "--dimension", "host=a", "--dimension", "host=b"), "give each once"),
        (("power", "1", "--dimension", "origin=debian/sid/vax"), "there is no origin “debian/sid/vax”"),
    ],
)
def test_what_cannot_be_recorded_is_refused_and_nothing_is_written(
    database: Path, arguments: tuple[str, ...], said: str
) -> None:
    before = one(database, "SELECT count(*) FROM measurements")
    result = run("statistics", "record", database, *arguments)
    assert result.exit_code in (1, 2) and said in result.output
    assert one(database, "SELECT count(*) FROM measurements") == before
    assert rows(database, "SELECT 1 FROM statistics WHERE is_recorded") == []


def test_recording_into_a_database_that_is_not_there_makes_none(tmp_path: Path) -> None:
    with pytest.raises(StatisticError, match="is not there"):
        record(str(tmp_path / "typo.db"), "power", 1)
    assert list(tmp_path.iterdir()) == []


def test_numbers_of_any_size_are_recorded(database: Path) -> None:
    for number in ("1e300", "99999999999999999999", "-3.5", "12"):
        assert (
            run("statistics", "record", database, "numbers", number, "--dimension", f"of={number}").exit_code
            == 0
        )
    assert sorted(value for _, value in values(database, "numbers")) == [-3.5, 12, 1e20, 1e300]
    with pytest.raises(StatisticError, match="give a finite number"):
        record(database, "numbers", 10**20)


def test_a_plugin_may_declare_what_is_recorded(database: Path, tmp_path: Path) -> None:
    folder = tmp_path / "statistics"
    folder.mkdir()
    (folder / "power.py").write_text(
        "from ingest.statistics import hookimpl, recorded\n"
        "@hookimpl\ndef register_statistics():\n    return [recorded(name='power', unit='W', dimensions=('host',))]\n"
    )
    run("statistics", "run", database, "--plugins-dir", folder)
    record(database, "power", 3, dimensions={"host": "a"})
    with pytest.raises(StatisticError, match=r"power\.py declares no dimension “room”"):
        record(database, "power", 3, dimensions={"room": "b"})
    assert values(database, "power", "value, unit, dimensions") == [(3, "W", '{"host":"a"}')]
