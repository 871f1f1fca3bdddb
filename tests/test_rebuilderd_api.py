"""Our API against the real daemon that serves the very database that we ingested."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest
from conftest import StartRebuilderd
from helpers import DAEMON, LEGACY, ingest
from served import lay_out, serving

EVERYTHING = 100_000
LISTS = {
    "packages/source": "id name version distribution release status last_seen seen_in_last_sync",
    "packages/binary": "id name version distribution release architecture component status last_seen seen_in_last_sync",
    "builds": "id name version distribution release architecture backend retries started_at built_at status",
    "queue": "id name version distribution release architecture backend url next_retry priority queued_at started_at",
}
ORIGINS = (
    {},
    {"distribution": "debian"},
    {"distribution": "archlinux"},
    {"release": "trixie"},
    {"release": "forky", "architecture": "all"},
    {"distribution": "debian", "release": "trixie", "architecture": "amd64"},
    {"architecture": "arm64"},
    {"release": ""},
    {"release": "sid"},
)


class Both(NamedTuple):
    """The daemon, and we under its name."""

    daemon: httpx.Client
    ours: httpx.Client

    def ask(self, path: str, **query: Any) -> tuple[Any, Any]:
        answers = [client.get(f"api/{path}", params=query) for client in self]
        assert [answer.status_code for answer in answers] == [200, 200], answers[1].text
        daemons, ours = (answer.json() for answer in answers)
        return daemons, ours


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = lay_out(tmp_path_factory.mktemp("api") / "site")
    ingest(folder / "reproducibility.db", DAEMON, name="tiny+0.28")
    ingest(folder / "reproducibility.db", LEGACY, name="old", release="trixie")
    with serving(folder) as address:
        yield address


@pytest.fixture(scope="module")
def both(rebuilderd_028: StartRebuilderd, site: str) -> Iterator[Both]:
    with (
        httpx.Client(base_url=rebuilderd_028(DAEMON).url, timeout=30) as daemon,
        httpx.Client(base_url=f"{site}/r/tiny~2B0~2E28", timeout=30) as ours,
    ):
        yield Both(daemon, ours)


@pytest.fixture(scope="module")
def legacy(rebuilderd_024: StartRebuilderd, site: str) -> Iterator[Both]:
    with (
        httpx.Client(base_url=rebuilderd_024(LEGACY).url, timeout=30) as daemon,
        httpx.Client(base_url=f"{site}/r/old", timeout=30) as ours,
    ):
        yield Both(daemon, ours)


def comparable(record: dict[str, Any]) -> dict[str, Any]:
    """A record without what we know to be otherwise: log ids, of which ours only tell that there is a log."""
    told = dict(record)
    for name in ("diffoscope_log_id", "attestation_log_id"):
        if name in told:
            told[name] = told[name] is not None
    return told


def comparable_list(answer: dict[str, Any]) -> dict[str, Any]:
    """Rows that share an id have no order among themselves."""
    records = [comparable(record) for record in answer["records"]]
    groups = [
        sorted(group, key=lambda record: (str(record.get("status")), str(record.get("build_id"))))
        for _, group in itertools.groupby(records, key=lambda record: record["id"])
    ]
    return {"total": answer["total"], "records": list(itertools.chain(*groups))}


@pytest.mark.parametrize("origin", ORIGINS, ids=str)
@pytest.mark.parametrize("path", LISTS)
def test_a_list_holds_the_daemons_records_in_its_order(both: Both, path: str, origin: dict[str, str]) -> None:
    daemons, ours = both.ask(f"v1/{path}", limit=EVERYTHING, **origin)
    assert comparable_list(ours) == comparable_list(daemons)


FILTERS = (
    {"component": "main"},
    {"component": "main/debian-installer", "release": "forky"},
    {"seen_only": "true"},
    {"seen_only": "false"},
    {"name": "xdelta"},
    {"name": "xdelta", "release": "trixie"},
    {"name": "XDELTA"},
    {"name": "xdelta%"},
    {"version": "1.1.3-10.7"},
    {"name": "zopfli", "version": "1.0.3-3+b1", "architecture": "amd64"},
    {"source_name": "xdelta"},
    {"status": "BAD"},
    {"nosuch": "x"},
)


@pytest.mark.parametrize("filters", FILTERS, ids=str)
@pytest.mark.parametrize("path", LISTS)
def test_a_list_is_filtered_as_the_daemon_does(both: Both, path: str, filters: dict[str, str]) -> None:
    daemons, ours = both.ask(f"v1/{path}", limit=EVERYTHING, **filters)
    assert comparable_list(ours) == comparable_list(daemons)


@pytest.mark.parametrize("direction", ["Ascending", "Descending"])
@pytest.mark.parametrize(("path", "column"), [(path, name) for path in LISTS for name in LISTS[path].split()])
def test_a_list_is_sorted_as_the_daemon_does(both: Both, path: str, column: str, direction: str) -> None:
    order = {"sort": column, "direction": direction}
    daemons, ours = both.ask(f"v1/{path}", limit=EVERYTHING, **order)
    assert comparable_list(ours) == comparable_list(daemons)
    if any(record[column] is None for record in daemons["records"]):
        return  # Behind a null the daemon finds nothing.
    ids = [record["id"] for record in daemons["records"]]
    for bound in ("after", "before"):
        daemons, ours = both.ask(f"v1/{path}", limit=EVERYTHING, **order, **{bound: ids[len(ids) // 3]})
        assert comparable_list(ours) == comparable_list(daemons)


@pytest.mark.parametrize("path", ["packages/binary", "builds", "queue"])
@pytest.mark.parametrize("query", [{}, {"release": "forky"}, {"sort": "name"}], ids=str)
def test_a_page_is_the_daemons_page(both: Both, path: str, query: dict[str, str]) -> None:
    after: dict[str, int] = {}
    for _ in range(3):
        daemons, ours = both.ask(f"v1/{path}", limit=3, **query, **after)
        assert comparable_list(ours) == comparable_list(daemons)
        after = {"after": ours["records"][-1]["id"]}


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("limit", [1, 2, 7, 1000])
def test_no_row_is_lost_between_pages(both: Both, path: str, limit: int) -> None:
    everything, _ = both.ask(f"v1/{path}", limit=EVERYTHING)
    pages: list[dict[str, Any]] = []
    while answer := ours(both, path, limit=limit, after=pages[-1]["id"] if pages else -1)["records"]:
        pages += answer
    walked = comparable_list({"total": everything["total"], "records": pages})
    assert walked == comparable_list(everything)


def ours(both: Both, path: str, **query: Any) -> dict[str, Any]:
    answer: dict[str, Any] = both.ours.get(f"api/v1/{path}", params=query).json()
    return answer


@pytest.mark.parametrize("path", ["packages/binary", "builds", "workers"])
def test_each_record_is_found_by_its_id(both: Both, path: str) -> None:
    for record in ours(both, path)["records"][::7]:
        daemons, found = both.ask(f"v1/{path}/{record['id']}")
        assert comparable(found) == comparable(daemons | {"address": ""} if "address" in daemons else daemons)
        assert found == record


@pytest.mark.parametrize("path", ["packages/source", "queue"])
def test_a_source_or_a_job_is_found_by_the_id_that_lists_give(both: Both, path: str) -> None:
    everything, _ = both.ask(f"v1/{path}", limit=EVERYTHING)
    for record in everything["records"][::7]:
        found = both.ours.get(f"api/v1/{path}/{record['id']}").json()
        assert found in [other for other in everything["records"] if other["id"] == record["id"]]


def test_workers_are_the_daemons_without_their_addresses(both: Both) -> None:
    daemons, found = both.ask("v1/workers")
    assert found == {"total": 2, "records": [{**worker, "address": ""} for worker in daemons["records"]]}


@pytest.mark.parametrize("query", [*ORIGINS, {"component": "main", "release": "trixie"}], ids=str)
def test_the_dashboard_counts_what_the_daemon_counts(both: Both, query: dict[str, str]) -> None:
    daemons, found = both.ask("v1/dashboard", **query)
    assert found == daemons


@pytest.mark.parametrize(
    "path",
    [
        "distributions",
        "distributions/debian/releases",
        "distributions/debian/architectures",
        "distributions/debian/releases/trixie/architectures",
        "distributions/debian/releases/nosuch/architectures",
        "distributions/nosuch/releases",
    ],
)
def test_what_there_is_is_told_as_by_the_daemon(both: Both, path: str) -> None:
    daemons, found = both.ask(f"v1/meta/{path}")
    assert found == daemons


def test_artifacts_of_every_build_are_the_daemons(both: Both) -> None:
    for build in ours(both, "builds", limit=EVERYTHING)["records"]:
        daemons, found = both.ask(f"v1/builds/{build['id']}/artifacts")
        assert found == daemons
        for artifact in found[:1]:
            assert both.ours.get(f"api/v1/builds/{build['id']}/artifacts/{artifact['id']}").json() == artifact
    assert both.ask("v1/builds/99999999/artifacts") == ([], [])


@pytest.mark.parametrize("encoding", ["identity", "gzip", "zstd"])
def test_logs_of_failures_are_the_daemons(both: Both, encoding: str) -> None:
    failing = [
        build
        for build in ours(both, "builds", limit=EVERYTHING)["records"]
        if build["status"] in ("BAD", "FAIL")
    ]
    assert len(failing) > 30
    for build in failing[::3]:
        path = f"api/v1/builds/{build['id']}"
        found = both.ours.get(f"{path}/log", headers={"Accept-Encoding": encoding})
        assert found.headers.get("Content-Encoding", "identity") == encoding
        assert found.content == both.daemon.get(f"{path}/log").content
        for artifact in both.ours.get(f"{path}/artifacts").json():
            if artifact["has_diffoscope"]:
                output = f"{path}/artifacts/{artifact['id']}/diffoscope"
                found = both.ours.get(output, headers={"Accept-Encoding": encoding})
                assert found.content == both.daemon.get(output).content


def test_a_log_that_is_not_kept_is_said_to_be_so_in_json(both: Both) -> None:
    (build, *_) = [b for b in ours(both, "builds")["records"] if b["status"] == "GOOD"]
    answer = both.ours.get(f"api/v1/builds/{build['id']}/log")
    assert answer.status_code == 404
    assert answer.json()["error"].startswith("This log is not kept here")


def packages(client: httpx.Client, **query: str) -> list[dict[str, Any]]:
    answer: list[dict[str, Any]] = client.get("api/v0/pkgs/list", params=query).json()
    return answer


def package(record: dict[str, Any]) -> tuple[str, str, str, str]:
    return record["distro"], record["name"], record["version"], record["architecture"]


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"name": "xdelta"},
        {"suite": "main/debian-installer"},
        {"suite": "contrib"},
        {"distro": "debian"},
        {"distro": "archlinux"},
        {"architecture": "all"},
    ],
    ids=str,
)
def test_the_old_list_has_each_package_once_and_its_best_record(both: Both, query: dict[str, str]) -> None:
    daemons, found = packages(both.daemon, **query), packages(both.ours, **query)
    best = {}
    for status in ("UNKWN", "BAD", "GOOD"):
        best |= {package(record): status for record in daemons if record["status"] == status}
    assert [record for record in found if record not in daemons] == []
    assert {package(record): record["status"] for record in found} == best
    assert len(found) == len(best)


def test_the_old_list_can_be_asked_for_a_status(both: Both) -> None:
    whole = packages(both.ours)
    for status in ("GOOD", "BAD", "UNKWN"):
        assert packages(both.ours, status=status) == [r for r in whole if r["status"] == status]
    assert {record["status"] for record in whole} == {"GOOD", "BAD", "UNKWN"}


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"architecture": "all"},
        {"status": "BAD"},
        {"status": "GOOD"},
        {"status": "UNKWN"},
        {"name": "abook"},
    ],
    ids=str,
)
def test_the_list_of_the_old_schema_is_the_daemons(legacy: Both, query: dict[str, str]) -> None:
    daemons, found = (packages(client, **query) for client in legacy)
    assert sorted(found, key=package) == sorted(daemons, key=package)


def test_logs_are_found_by_the_build_ids_of_the_old_schema(legacy: Both) -> None:
    bad = packages(legacy.ours, status="BAD")
    assert any(record["has_diffoscope"] for record in bad)
    for record in bad:
        for log in ("log", *(["diffoscope"] if record["has_diffoscope"] else [])):
            path = f"api/v0/builds/{record['build_id']}/{log}"
            assert legacy.ours.get(path).content == legacy.daemon.get(path).content


def test_logs_are_found_by_the_build_ids_of_the_old_list(both: Both) -> None:
    for record in packages(both.ours, status="BAD"):
        old = both.ours.get(f"api/v0/builds/{record['build_id']}/log")
        assert old.content == both.daemon.get(f"api/v1/builds/{record['build_id']}/log").content


@pytest.mark.parametrize("daemons", ["both", "legacy"])
def test_the_old_dashboard_counts_what_the_daemon_counts(
    daemons: str, request: pytest.FixtureRequest
) -> None:
    theirs, found = request.getfixturevalue(daemons).ask("v0/dashboard")
    assert found["suites"] == theirs["suites"]
    assert found.keys() == theirs.keys()


@pytest.mark.parametrize("daemons", ["both", "legacy"])
@pytest.mark.parametrize("limit", [None, 3])
def test_the_old_queue_is_the_daemons(
    daemons: str, limit: int | None, request: pytest.FixtureRequest
) -> None:
    clients: Both = request.getfixturevalue(daemons)
    theirs, found = (
        client.post("api/v0/queue/list", json={"limit": limit}).json()["queue"] for client in clients
    )

    def told(job: dict[str, Any]) -> dict[str, Any]:
        """A daemon forgets at its start who builds what; since 0.25 it does not tell the component."""
        unknown = dict.fromkeys(("worker_id", "started_at", "last_ping"))
        return {**job, **unknown, "pkgbase": {**job["pkgbase"], "suite": ""}}

    assert [told(job) for job in found] == [told(job) for job in theirs]
    assert len(found) > 2
