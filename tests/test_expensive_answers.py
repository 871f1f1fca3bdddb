"""However many ask for whole lists, two are made at a time, and pages do not wait for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from inside import Inside, inside

from ingest.api import places, routes, serving
from ingest.api.body import Body, kept
from ingest.api.question import parsed
from ingest.watching import Watch

pytest_plugins = ("site_fixtures",)

WHOLE = [f"/api/v1/packages/binary?limit=-1&after={number}" for number in range(6)] + [
    "/api/v1/builds?limit=1001",
    "/api/v1/packages/source?sort=name",
    "/api/v1/packages/binary?unique=true",
    "/api/v0/pkgs/list?architecture=all",
    "/r/tiny/api/v0/pkgs/list",
    "/r/tiny/api/v1/queue?limit=-1",
]
PAGE = "/api/v1/builds?limit=5"


class Kitchen:
    """Makes answers slowly, and counts how many at a time."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.at_a_time: list[int] = []
        self._now = 0
        self._lock = threading.Lock()

    def __call__(self, connection: object, asked: serving.Request) -> Body:
        with self._lock:
            self._now += 1
            self.at_a_time.append(self._now)
        time.sleep(self.seconds)
        with self._lock:
            self._now -= 1
        return kept(["[]"], None)


@pytest.fixture
def site(site_folder: Path) -> Iterator[Inside]:
    with inside(site_folder) as site:
        yield site


def request(path: str) -> serving.Request:
    path, _, query = path.partition("/api/")[2].partition("?")
    method = "POST" if path == "v0/queue/list" else "GET"
    route, words = routes.find(method, path)
    return serving.request(route, words, None, parsed(query, route.parameters))


@pytest.mark.parametrize("path", [*WHOLE, "/api/v0/queue/list", "/api/v1/builds?limit=99999999999999999999"])
def test_what_may_be_about_all_packages_is_expensive(path: str) -> None:
    assert request(path).is_expensive


@pytest.mark.parametrize(
    "path",
    [
        PAGE,
        "/api/v1/builds",
        "/api/v1/builds?after=7&limit=1000",
        "/api/v1/packages/binary?name=acl&limit=-1",
        "/api/v1/packages/binary?name=acl&unique=true",
        "/api/v1/packages/binary/7",
        "/api/v0/pkgs/list?name=acl",
        "/api/v1/dashboard",
        "/api/v1/packages/status?source=acl",
    ],
)
def test_a_page_and_what_has_one_name_are_not(path: str) -> None:
    assert not request(path).is_expensive


def test_two_whole_lists_are_made_at_a_time_whatever_is_asked_and_though_the_database_changes(
    site: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    kitchen = Kitchen(0.05)
    monkeypatch.setattr(serving, "answer", kitchen)
    monkeypatch.setattr(Watch, "state", lambda self: object())  # a commit before each request
    assert {answer.status_code for answer in site.requests(WHOLE)} == {200}
    assert len(kitchen.at_a_time) == len(WHOLE) and max(kitchen.at_a_time) == 2


def test_who_waits_too_long_is_told_when_to_ask_again(site: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "answer", Kitchen(0.6))
    monkeypatch.setattr(places.Places.__init__, "__defaults__", (2, 0.3))
    with inside(site.site.config_dir) as hurried:
        answers = hurried.requests(WHOLE[:6])
        assert sorted(answer.status_code for answer in answers) == [200, 200, 503, 503, 503, 503]
        (refused, *_) = [answer for answer in answers if answer.status_code == 503]
        assert int(refused.headers["Retry-After"]) > 0
        assert refused.json()["status"] == 503 and refused.json()["error"].endswith(".")
        assert refused.headers["Access-Control-Allow-Origin"] == "*"
        assert hurried.get(WHOLE[0]).status_code == 200, "the places are free again"


def test_pages_wait_for_no_whole_list(site: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    finished: list[str] = []
    slow, quick = Kitchen(0.3), serving.answer

    def answer(connection: Any, asked: serving.Request) -> Body:
        body = slow(connection, asked) if asked.is_expensive else quick(connection, asked)
        finished.append("whole" if asked.is_expensive else "page")
        return body

    monkeypatch.setattr(serving, "answer", answer)
    site.requests([*WHOLE[:6], PAGE, f"{PAGE}&after=3"])
    assert set(finished[:4]) >= {"page"} and finished.index("page") <= 2
    assert finished.count("page") == 2 and finished[-1] == "whole"


def test_a_whole_list_is_what_its_pages_are_together(site: Inside) -> None:
    whole = site.get("/api/v1/packages/binary?limit=-1").json()
    found, after = [], 0
    while page := site.get(f"/api/v1/packages/binary?limit=40&after={after}").json()["records"]:
        found += page
        after = page[-1]["id"]
    assert found == whole["records"] and len(found) == whole["total"] > 100
