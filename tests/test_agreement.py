"""Several rebuilders: what they agree on, and where each binary stands over all releases and rebuilders."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from helpers import DAEMON, LEGACY, change, copy, ingest, one, rows, run
from served import ROOT, lay_out, serving

from ingest.api import routes
from ingest.api import serving as serving_api
from ingest.api.body import decompressed

Key = tuple[str, ...]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three rebuilders: one, one with other results and with its releases' other names, and an old one."""
    folder = lay_out(tmp_path_factory.mktemp("agreement") / "site")
    other = copy(DAEMON, folder.parent)
    change(
        other,
        "UPDATE source_packages SET release = 'testing' WHERE release = 'forky'",
        "UPDATE rebuild_artifacts SET status = 'BAD' WHERE status = 'GOOD' AND id % 3 = 0",
        "UPDATE rebuilds SET status = 'BAD' WHERE id IN (SELECT rebuild_id FROM rebuild_artifacts WHERE status = 'BAD')",
        "UPDATE rebuilds SET built_at = '2027' || substr(built_at, 5)",
    )
    database = folder / "reproducibility.db"
    ingest(database, DAEMON, name="one")
    ingest(database, other, name="two")
    ingest(database, LEGACY, name="old", release="trixie")
    change(database, "INSERT INTO release_aliases VALUES ('debian', 'forky', 'testing')")
    return folder


@pytest.fixture(scope="module")
def database(folder: Path) -> Path:
    return folder / "reproducibility.db"


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[httpx.Client]:
    with serving(folder) as address, httpx.Client(base_url=address, timeout=30) as client:
        yield client


def answers(database: Path) -> dict[Key, dict[str, tuple[str, str | None]]]:
    """By distribution, architecture, name and version what each rebuilder says: of its results the one that counts."""
    said: dict[Key, dict[str, tuple[str, str | None]]] = defaultdict(dict)
    for *key, rebuilder, status, built_at in rows(
        database,
        "SELECT distribution, binary_architecture, binary, version, rebuilder, status, latest_built_at"
        " FROM package_status ORDER BY binary_package_id",
    ):
        answer = (built_at or "", status)
        before = said[tuple(key)].setdefault(rebuilder, answer)
        if rank(answer) > rank(before):
            said[tuple(key)][rebuilder] = answer
    return said


def rank(answer: tuple[str, str | None]) -> tuple[int, str]:
    """GOOD before any other result before none, the latest first."""
    built_at, status = answer
    return {"GOOD": 2, "BAD": 1, "FAIL": 1}.get(status or "", 0), built_at


def question(database: Path, name: str, **given: str) -> list[dict[str, Any]]:
    """The rows of a canned query."""
    folder = ROOT / "canned_queries" / "reproducibility"
    import yaml

    parameters = dict.fromkeys(yaml.safe_load((folder / f"{name}.yml").read_text())["params"], "")
    with closing(sqlite3.connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        found = connection.execute((folder / f"{name}.sql").read_text(), {**parameters, **given}).fetchall()
    return [dict(row) for row in found]


# Agreement


def test_agreement_counts_and_names_the_rebuilders_of_each_binary(database: Path) -> None:
    expected = {}
    for key, said in answers(database).items():
        by = {s: {r for r, (_, status) in said.items() if (status or "UNKWN") == s} for s in ("GOOD", "BAD", "FAIL", "UNKWN")}  # fmt: skip
        expected[key] = (len(said), *by.values(), sum(bool(by[s]) for s in ("GOOD", "BAD", "FAIL")) > 1)
    found = {
        tuple(key): (count, *(set(names.split(", ")) if names else set() for names in who), bool(disputed))
        for *key, count, disputed, good, bad, fail, unknown, n_good, n_bad, n_fail, n_unknown in rows(
            database,
            "SELECT distribution, architecture, binary, version, rebuilders, is_disputed, good_by, bad_by, fail_by,"
            " unknown_by, good, bad, fail, unknown FROM agreement",
        )
        if (who := (good, bad, fail, unknown))
        and [n_good, n_bad, n_fail, n_unknown] == [len(n.split(", ")) if n else 0 for n in who]
    }
    assert found == expected
    assert sum(answer[-1] for answer in expected.values()) > 3


def test_each_binary_and_version_is_there_once(database: Path) -> None:
    for view in ("agreement", "unique_binaries"):
        keys = rows(database, f"SELECT distribution, architecture, binary, version FROM {view}")
        assert len(keys) == len(set(keys)) == len(answers(database))


def test_disagreements_come_first(database: Path) -> None:
    found = question(database, "disagreements")
    disputed = [row["is_disputed"] for row in found]
    assert disputed == sorted(disputed, reverse=True)
    assert sum(disputed) == min(100, one(database, "SELECT sum(is_disputed) FROM agreement"))


@pytest.mark.parametrize("rule", ["", "any", "all", "2", "3"])
def test_the_verdict_follows_the_stated_rule(database: Path, rule: str) -> None:
    verdicts = Counter()
    for row in question(database, "disagreements", rule=rule):
        results = row["good"] + row["bad"] + row["fail"]
        needed = results if rule == "all" else int(rule) if rule.isdigit() else 1
        expected = (
            "reproducible"
            if needed and row["good"] >= needed
            else "unreproducible"
            if needed and row["bad"] >= needed
            else "undecided"
        )
        words = {"all": "all that have a result", "2": "at least 2", "3": "at least 3"}.get(rule, "any")
        assert (row["verdict"], row["rule"]) == (expected, f"{words} of {row['rebuilders']}")
        verdicts[expected] += 1
    assert len(verdicts) > 1 or rule == "3"


@pytest.mark.parametrize("rule", ["most", "0", "-1", "2x"])
def test_what_is_no_rule_gives_no_verdict(database: Path, rule: str) -> None:
    found = question(database, "disagreements", rule=rule)
    assert found
    assert {(row["verdict"], row["rule"]) for row in found} == {
        ("undecided", "none: a rule is any, all or a number")
    }


def test_the_dashboard_counts_how_often_two_rebuilders_agree(site: httpx.Client, database: Path) -> None:
    listed: dict[str, dict[tuple[str | None, ...], list[str]]] = defaultdict(lambda: defaultdict(list))
    for rebuilder, release, status, *key in rows(
        database,
        "SELECT r.name, o.release, b.status, o.distribution, o.architecture, b.name, b.version, b.architecture"
        " FROM binary_packages AS b JOIN rebuilders AS r ON r.id = b.rebuilder_id"
        " JOIN origins AS o ON o.id = b.origin_id WHERE b.is_current = 1",
    ):
        listed[rebuilder]["testing" if release == "forky" else release, *key].append(status or "UNKWN")
    expected: Counter[tuple[str, str]] = Counter()
    for first, second in (("one", "two"), ("one", "old"), ("two", "old")):
        for package in listed[first].keys() & listed[second].keys():
            for own in listed[first][package]:
                for other in listed[second][package]:
                    answer = (
                        "not both have a result"
                        if "UNKWN" in (own, other)
                        else "results differ"
                        if own != other
                        else "both reproducible"
                        if own == "GOOD"
                        else "both not"
                    )
                    expected[f"{first} and {second}", answer] += 1
    chart = yaml.safe_load((ROOT / "dashboards" / "compare.yml").read_text())["charts"]["answers"]
    sql = re.sub(r"\[\[.*?\]\]", "", chart["query"])
    found = site.get("/reproducibility.json", params={"sql": sql, "_shape": "array"}).json()
    assert {(row["rebuilders"], row["answers"]): row["binaries"] for row in found} == expected
    assert set(chart["display"]["encoding"]["color"]["scale"]["domain"]) >= {name for _, name in expected}
    assert len(expected) > 3


def test_a_binary_package_shows_its_own_results_first_and_whose_they_are(site: httpx.Client) -> None:
    page = site.get("/package/libacl1").raise_for_status().text
    own, rest = page.split("Its source package now")
    assert "Results of this binary package" in own and "Failures of its source package" in rest
    results = re.findall(r'<span class="where">([^<]*)</span>', own)
    assert {text.split(", ")[1] for text in results} == {"one", "two"}
    assert len(set(results)) == len(results)


@pytest.mark.parametrize(
    ("dashboard", "chart", "place"),
    [
        ("compare", "releases", ("place", "architecture")),
        ("compare", "architectures", ("place", "release")),
        ("compare", "rebuilders", ("place",)),
        ("reproducibility", "current", ("place",)),
    ],
)
def test_source_and_binary_packages_are_never_one_bar(
    site: httpx.Client, dashboard: str, chart: str, place: tuple[str, ...]
) -> None:
    drawn = yaml.safe_load((ROOT / "dashboards" / f"{dashboard}.yml").read_text())["charts"][chart]
    encoding = drawn["display"]["encoding"]
    assert tuple(encoding[axis]["field"] for axis in ("y", "yOffset") if axis in encoding) == place
    sql = re.sub(r"\[\[.*?\]\]", "", drawn["query"])
    found = site.get("/reproducibility.json", params={"sql": sql, "_shape": "array"}).json()
    assert {row["counted"] for row in found} == {"source packages", "binary packages"}
    assert len({tuple(row[name] for name in place) for row in found}) == len(found)


def test_disagreements_are_found_by_package_architecture_and_any_name_of_a_release(database: Path) -> None:
    name = one(database, "SELECT binary FROM agreement WHERE architecture = 'amd64' AND is_disputed LIMIT 1")
    found = question(database, "disagreements", package=name, architecture="amd64")
    assert {(row["binary"], row["architecture"]) for row in found} == {(name, "amd64")}
    by_name = [question(database, "disagreements", release=release) for release in ("forky", "testing")]
    assert by_name[0] == by_name[1] != question(database, "disagreements", release="trixie")
    assert question(database, "disagreements", release="sid") == []


# The migration question


def test_states_tell_apart_why_a_binary_is_not_reproducible(database: Path) -> None:
    for status, reason, compared, attempted, state in rows(
        database,
        "SELECT s.status, s.class, a.has_diffoscope, s.build_id IS NOT NULL, s.state FROM binary_states AS s"
        " JOIN binary_packages AS b ON b.id = s.binary_package_id"
        " LEFT JOIN build_artifacts AS a ON a.id = b.latest_artifact_id",
    ):
        if status == "GOOD":
            assert state == "reproducible"
        elif status in (None, "UNKWN"):
            assert state == ("no-result" if attempted else "never-attempted")
        elif reason in (None, "unknown"):
            assert state == ("unreproducible" if compared else "unexplained")
        else:
            assert (
                state
                == {
                    "unreproducible": "unreproducible",
                    "build": "did-not-build",
                    "infrastructure": "failed-by-infrastructure",
                    "archive": "failed-by-archive",
                }[reason]
            )
    found = {state for (state,) in rows(database, "SELECT DISTINCT state FROM binary_states")}
    assert found >= {"reproducible", "unreproducible", "never-attempted", "failed-by-infrastructure"}


def test_a_good_of_any_rebuilder_decides_else_the_latest_result(database: Path) -> None:
    found = rows(
        database,
        "SELECT u.distribution, u.architecture, u.binary, u.version, u.state, b.status, u.built_at"
        " FROM unique_binaries AS u JOIN binary_packages AS b ON b.id = u.binary_package_id",
    )
    for *key, state, status, built_at in found:
        said = answers_of(database)[tuple(key)]
        good = [time for time, status in said.values() if status == "GOOD"]
        results = [(time, status) for time, status in said.values() if status not in (None, "UNKWN")]
        assert (state == "reproducible") == bool(good)
        if good:
            assert built_at == max(good)
        elif results:
            assert (built_at, status) == max(results)


def answers_of(database: Path, known: dict[Path, Any] = {}) -> dict[Key, Any]:  # noqa: B006
    if database not in known:
        known[database] = answers(database)
    return dict(known[database])


def test_releases_and_their_aliases_do_not_double_rows(database: Path) -> None:
    single, both, mixed = (
        question(database, "binaries", releases=releases)
        for releases in ("forky", "forky,testing", "testing, forky,forky")
    )
    assert single == both == mixed
    keys = [(row["distribution"], row["architecture"], row["binary"], row["version"]) for row in single]
    assert (
        len(keys)
        == len(set(keys))
        == one(
            database,
            "SELECT count(*) FROM (SELECT DISTINCT distribution, architecture, binary, version FROM binary_states"
            " WHERE canonical_release = 'testing')",
        )
    )


def test_the_query_and_the_view_give_the_same_states(database: Path) -> None:
    columns = ("distribution", "architecture", "binary", "version", "state", "binary_package_id")
    order = "ORDER BY binary, version, architecture, distribution LIMIT 100"
    for state in ("", "unreproducible", "never-attempted"):
        asked = [tuple(row[name] for name in columns) for row in question(database, "binaries", state=state)]
        where = f"WHERE state = '{state}'" if state else ""
        assert asked == rows(database, f"SELECT {', '.join(columns)} FROM unique_binaries {where} {order}")


def test_udebs_and_other_components_are_included_and_can_be_filtered(database: Path) -> None:
    assert {("main",), ("main/debian-installer",)} <= set(
        rows(database, "SELECT component FROM unique_binaries")
    )
    udebs = question(database, "binaries", component="main/debian-installer")
    assert udebs and {row["component"] for row in udebs} == {"main/debian-installer"}
    states = question(database, "binaries", state="unreproducible")
    assert states and {row["state"] for row in states} == {"unreproducible"}


def test_a_source_package_is_answered_with_all_its_binaries(database: Path) -> None:
    source, version = rows(
        database,
        "SELECT source, source_version FROM binary_states GROUP BY 1, 2 ORDER BY count(*) DESC LIMIT 1",
    )[0]
    found = question(database, "binaries", source=source, version=version)
    assert {(row["binary"], row["architecture"]) for row in found} == set(
        rows(
            database,
            "SELECT binary, architecture FROM binary_states WHERE source = ? AND source_version = ?",
            source,
            version,
        )
    )


# Over HTTP


def test_the_api_gives_each_binary_of_some_releases_once(site: httpx.Client, database: Path) -> None:
    found = site.get("/api/v1/packages/binary?releases=forky,testing&unique=true").raise_for_status().json()
    columns = ("distribution", "architecture", "name", "version", "state", "component", "rebuilders")
    asked = rows(
        database,
        "SELECT distribution, architecture, binary, version, state, component, rebuilders FROM unique_binaries"
        " WHERE (distribution, architecture, binary, version) IN (SELECT distribution, architecture, binary, version"
        " FROM binary_states WHERE canonical_release = 'testing') ORDER BY 1, 3, 4, 2",
    )
    assert [tuple(record[name] for name in columns) for record in found["records"]] == asked
    assert found["total"] == len(found["records"]) == len(asked)
    assert all("testing" in record["releases"] for record in found["records"])
    all_releases = site.get("/api/v1/packages/binary?unique=true").json()
    assert all_releases["total"] == one(database, "SELECT count(*) FROM unique_binaries")


@pytest.mark.parametrize("filter", ["architecture=arm64", "component=main/debian-installer", "state=unreproducible", "distribution=debian"])  # fmt: skip
def test_the_api_filters_the_unique_binaries(site: httpx.Client, filter: str) -> None:
    name, _, value = filter.partition("=")
    everything = site.get("/api/v1/packages/binary?unique=true").json()["records"]
    found = site.get(f"/api/v1/packages/binary?unique=true&{filter}").json()["records"]
    assert found == [record for record in everything if record[name] == value] != []


def test_the_api_tells_the_state_of_a_sources_binaries(site: httpx.Client, database: Path) -> None:
    source, version = rows(
        database,
        "SELECT source, source_version FROM binary_states GROUP BY 1, 2 ORDER BY count(*) DESC LIMIT 1",
    )[0]
    found = site.get("/api/v1/packages/status", params={"source": source, "version": version}).json()
    asked = question(database, "binaries", source=source, version=version)
    assert [(r["name"], r["architecture"], r["state"]) for r in found["records"]] == [
        (row["binary"], row["architecture"], row["state"]) for row in asked
    ]
    released = site.get("/api/v1/packages/status", params={"source": source, "release": "trixie"}).json()
    assert all("trixie" in record["releases"] for record in released["records"])


def test_of_one_rebuilder_only_its_own_answers_count(site: httpx.Client, database: Path) -> None:
    found = site.get("/r/two/api/v1/packages/binary?unique=true").json()
    said = {key: answer["two"] for key, answer in answers(database).items() if "two" in answer}
    assert found["total"] == len(said) and {record["rebuilder"] for record in found["records"]} == {"two"}
    builds = dict(
        rows(DAEMON, "SELECT r.id, p.name FROM rebuilds AS r JOIN build_inputs AS i ON i.id = r.build_input_id"
             " JOIN source_packages AS p ON p.id = i.source_package_id")
    )  # fmt: skip
    built = [record for record in found["records"] if record["build_id"]]
    assert built and all(builds[record["build_id"]] == record["source"] for record in built)


def test_of_one_rebuilder_only_its_own_releases_are_told(tmp_path: Path) -> None:
    other, database = copy(DAEMON, tmp_path), tmp_path / "r.db"
    change(other, "UPDATE source_packages SET release = 'unstable' WHERE release = 'forky'")
    ingest(database, DAEMON, name="one")
    ingest(database, other, name="two")
    route, words = routes.find("GET", "v1/packages/binary")

    def releases(rebuilder: str | None) -> set[str]:
        asked = serving_api.request(route, words, rebuilder, {"unique": "true", "releases": "forky,unstable"})
        with closing(sqlite3.connect(database)) as connection:
            made = b"".join(decompressed(serving_api.answer(connection, asked).content))
        return {name for record in json.loads(made)["records"] for name in record["releases"]} - {"trixie"}

    assert (releases("one"), releases("two")) == ({"forky"}, {"unstable"})
    assert releases(None) == {"forky", "unstable"}


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("binary?releases=forky", 400, "unique=true"),
        ("binary?unique=maybe", 400, "must be true or false"),
        ("binary?unique=true&state=fine", 400, "must be one of"),
        ("status", 400, "Name a source package"),
        ("status?source=no-such-package", 404, "no-such-package"),
        ("status?source=acl&version=0", 404, "acl 0"),
    ],
)
def test_a_wrong_question_is_answered_with_a_sentence(
    site: httpx.Client, path: str, status: int, said: str
) -> None:
    found = site.get(f"/api/v1/packages/{path}")
    assert found.status_code == status and said in found.json()["error"]


def test_a_release_that_nobody_has_gives_nothing(site: httpx.Client) -> None:
    assert site.get("/api/v1/packages/binary?releases=sid&unique=true").json() == {"records": [], "total": 0}


# Aliases


def test_aliases_of_the_configuration_are_kept_in_the_database(tmp_path: Path) -> None:
    config, database = tmp_path / "rebuilders.toml", tmp_path / "r.db"
    rebuilder = f'[rebuilders.tiny]\nsource = "{DAEMON}"\n'
    aliases = "SELECT distribution, alias, release FROM release_aliases ORDER BY 2"
    config.write_text('aliases.debian = { sid = "unstable", forky = "testing" }\n' + rebuilder)
    assert run("ingest", database, "--config", config, "--silent").exit_code == 0
    assert rows(database, aliases) == [("debian", "forky", "testing"), ("debian", "sid", "unstable")]
    config.write_text(rebuilder)
    assert run("ingest", database, "--config", config, "--silent").exit_code == 0
    assert len(rows(database, aliases)) == 2
    config.write_text("aliases = {}\n" + rebuilder)
    assert run("ingest", database, "--config", config, "--silent").exit_code == 0
    assert rows(database, aliases) == []


@pytest.mark.parametrize("name", ["binaries", "disagreements"])
def test_a_question_that_shows_the_first_rows_says_whether_there_are_more(database: Path, name: str) -> None:
    found = question(database, name)
    assert len(found) == 100 and {row["is_cut"] for row in found} == {1}
    assert {row["is_cut"] for row in question(database, name, package=found[0]["binary"])} == {0}


def test_counts_lead_to_the_answers_that_were_counted(site: httpx.Client, database: Path) -> None:
    for path in ("/reproducibility/disagreements", "/reproducibility/agreement?is_disputed=1"):
        page = site.get(path).raise_for_status().text
        links = re.findall(r'<a href="(/reproducibility/rebuilder_answers\?[^"]*)">(\d+)</a>', page)
        assert len(links) > 9
        for address, count in links[:9]:
            address, _, parameters = unescape(address).partition("?")
            found = site.get(f"{address}.json?{parameters}&_shape=array").json()
            assert len(found) == int(count)


def test_a_state_has_the_colour_of_its_status(site: httpx.Client) -> None:
    page = site.get("/reproducibility/binaries").text
    assert '<span class="status good">reproducible</span>' in page
