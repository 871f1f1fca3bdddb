"""Our API against the real daemon that serves the very database that we ingested."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
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
