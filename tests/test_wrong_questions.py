"""What makes no sense is answered with 400, 404 or 405 and a sentence, and nothing of ours stands in it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from datasette.database import Database, QueryInterrupted
from inside import Inside, inside

pytest_plugins = ("site_fixtures",)

BUILDS = "/reproducibility/builds"
VIEW = "/reproducibility/package_status"
NONSENSE = [
    ("GET", f"{BUILDS}?_sort=nosuch", 400, "nosuch"),
    ("GET", f"{BUILDS}?_sort=id&_sort_desc=id", 400, "_sort"),
    ("GET", f"{BUILDS}?_through=x", 400, "_through=x"),
    ("GET", f'{BUILDS}?_through={{"table":"builds"}}', 400, "_through="),
    ("GET", f'{BUILDS}?_through={{"table":"origins","column":"id","value":"1"}}', 400, "_through"),
    ("GET", f"{BUILDS}?status__in=[", 400, "status__in=["),
    ("GET", f"{BUILDS}?status__notin=[1", 400, "status__notin=[1"),
    ("GET", f"{BUILDS}?_facet={{", 400, "_facet={"),
    ("GET", f"{BUILDS}?_facetted=status", 400, "_facetted"),
    ("GET", f"{BUILDS}?_timelimit=soon", 400, "_timelimit=soon"),
    ("GET", f"{BUILDS}?_ttl=²", 400, "_ttl=²"),
    ("GET", f"{BUILDS}.json?_json_infinity=perhaps", 400, "_json_infinity=perhaps"),
    ("GET", f"{BUILDS}?_facet=%00", 400, "null character"),
    ("GET", f"{BUILDS}?_sort=status&_next=x,y,z", 400, "_next=x,y,z"),
    ("GET", f"{VIEW}?_next=x", 400, "_next=x"),
    ("GET", '/reproducibility/package_names?_search="', 400, '_search="'),
    ("GET", '/reproducibility/package_names?_search="&_searchmode=raw', 400, '_search="'),
    ("GET", "/reproducibility.csv", 400, "CSV"),
    ("GET", "/reproducibility/build_properties/1", 404, "build_id,name"),
    ("GET", "/reproducibility/builds/999999999", 404, "not found"),
    ("GET", "/static/" + "a" * 300, 404, "name"),
    ("GET", "/of-no-page", 404, "no such page"),
    ("POST", BUILDS, 405, "GET"),
    ("POST", "/reproducibility/feed_failures", 405, "GET"),
    ("TRACE", "/reproducibility", 405, "GET"),
    ("BREW", "/.json", 405, "GET"),
]  # fmt: skip


@pytest.fixture(scope="module")
def site(site_folder: Path) -> Iterator[Inside]:
    with inside(site_folder) as site:
        yield site


@pytest.mark.filterwarnings("ignore:coroutine:RuntimeWarning")
@pytest.mark.parametrize(("method", "path", "status", "named"), NONSENSE, ids=lambda value: str(value)[:60])
def test_the_reader_is_told_what_is_wrong(
    site: Inside, capfd: pytest.CaptureFixture[str], method: str, path: str, status: int, named: str
) -> None:
    answer = site.request(method, path)
    assert answer.status_code == status
    assert (answer.headers.get("Allow") == "GET, HEAD") == (status == 405)
    stem, _, query = path.partition("?")
    if method == "GET" and not stem.endswith((".csv", ".json")):
        answer = site.get(f"{stem}.json?{query}")
    if answer.headers["content-type"].startswith("application/json"):
        assert named in answer.json()["error"] and " " in answer.json()["error"]
    assert "Traceback" not in capfd.readouterr().err


def test_a_wrong_parameter_stops_no_other_way_to_ask(site: Inside) -> None:
    """Nothing is checked before Datasette has failed."""
    for path in (
        f"{BUILDS}?_facet_date=built_at&_facet_size=3&_labels=on",
        f'{BUILDS}?status__in=["GOOD"]',
        f"{BUILDS}?_search=anything",
        f"{VIEW}?_next=2",
        '/reproducibility/package_names?_search="acl',
        f'{BUILDS}?_through={{"table":"build_artifacts","column":"id","value":"1"}}',
    ):
        assert site.get(path).status_code == 200, path


def test_a_fault_of_ours_tells_the_reader_nothing_and_the_operator_all(
    site: Inside, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*given: object, **options: object) -> None:
        raise ValueError("in /srv/secret: SELECT 1")

    monkeypatch.setattr(Database, "table_exists", broken)
    answer = site.get(f"{BUILDS}.json?status=GOOD")
    assert answer.status_code == 500 and answer.json()["error"].startswith("Something is broken here")
    assert "secret" not in answer.text and "/srv/secret" in capfd.readouterr().err


def test_a_page_whose_questions_take_too_long_is_not_to_be_had_just_now(
    site: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(*given: object, **options: object) -> None:
        raise QueryInterrupted(ValueError(), "SELECT 1", {})

    monkeypatch.setattr(site.site.get_database("reproducibility"), "execute", slow)
    answer = site.get("/package/acl")
    assert answer.status_code == 503 and answer.headers["Retry-After"] and "SELECT" not in answer.text


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"


@pytest.mark.parametrize("form", ["", ".json", ".csv"])
def test_sql_that_takes_too_long_is_said_to_and_stays_on_the_page(site: Inside, form: str) -> None:
    answer = site.get(f"/reproducibility{form}", params={"sql": ENDLESS, "_timelimit": "20"})
    assert answer.status_code == 400
    assert ("took too long" if form == ".csv" else "longer than 3 seconds") in answer.text
    assert "<script>" not in answer.text.partition("<main")[2].partition("</main")[0]
    assert (ENDLESS in answer.text) == (form == "")


@pytest.mark.parametrize("cookie", [b"a=\xff", b"(=b", b"ds_actor=x; [=", b'a="'])
def test_a_cookie_that_cannot_be_read_is_none(site: Inside, cookie: bytes) -> None:
    for path in ("/", "/api/v1/meta/distributions", "/static/site.css"):
        assert site.get(path, headers={b"Cookie": cookie}).status_code == 200


NAMES = [
    "_sort", "_sort_desc", "_through", "_next", "_search", "_search_name", "_where", "_facet", "_facet_array", "_facet_date", "_facet_x", "_size",
    "_col", "_nocol", "_shape", "_json", "_labels", "_label", "_ttl", "_trace", "_facet_size", "_nocount", "_nofacet", "_extra", "_stream", "_header",
    "_blob_column", "_blob_hash", "_json_infinity", "_fts_table", "_fts_pk", "_searchmode", "_timelimit", "sql", "p0", "name", "name__in", "__in",
    "id__in", "name__arraycontains", "name__date", "nosuch__exact", "duration__gt", "id__gt", "__", "_sort__", "q", "period", "by", "start", "name__not",
]  # fmt: skip
VALUES = [
    "", "x", "[", "[1", "{", "{}", '{"a":1}', "[null]", "null", '"', "'", "-1", "9" * 20, "9" * 5000, "1,2,3,4", "~", "~zz",
    "%", "\0", "²", "on", "1e999", "*", "NEAR(", "a:b", "col:", "^", "(", "$null", "$null,1", "max", "objects", "é" * 300,
]  # fmt: skip
PATHS = [
    "/reproducibility", "/reproducibility/builds", "/reproducibility/package_status", "/reproducibility/failures_fts",
    "/reproducibility/package_names", "/reproducibility/build_properties", "/reproducibility/builds/1",
    "/reproducibility/build_properties/1,x", "/reproducibility/feed_failures", "/reproducibility/package", "/search",
    "/statistics/build-duration", "/-/dashboards/why", "/package/acl", "/api/v1/builds", "/api/v0/pkgs/list", "/data",
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:coroutine:RuntimeWarning")  # what Datasette was about to do
def test_whatever_is_asked_nothing_breaks(site: Inside) -> None:
    some = random.Random(20261127)
    paths = [
        some.choice(PATHS)
        + some.choice(["", "", ".json", ".csv", ".atom", ".blob"])
        + "?"
        + urlencode([(some.choice(NAMES), some.choice(VALUES)) for _ in range(some.randint(1, 3))])
        for _ in range(200)
    ]
    broken = {}
    for start in range(0, len(paths), 20):
        for path, answer in zip(paths[start:], site.requests(paths[start : start + 20]), strict=False):
            if answer.status_code >= 500:
                broken[path] = answer.status_code
    assert not broken
