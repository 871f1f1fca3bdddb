"""Badges, from a real Datasette, drawn by a real browser."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from datasette.utils import tilde_encode
from helpers import DAEMON, change, ingest, one, rows, text
from playwright.sync_api import Browser
from served import lay_out, serving

pytest_plugins = ("site_fixtures",)

GOOD, BAD, FAIL, GREY = "#0072B2", "#E69F00", "#D55E00", "#999999"
HOSTILE = "</title><script>x</script>&\"' +~:/ü\x01"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = lay_out(tmp_path_factory.mktemp("badges") / "site")
    ingest(folder / "reproducibility.db", DAEMON, name="tiny")
    return folder


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[str]:
    with serving(folder) as address:
        yield address


@pytest.fixture
def package(folder: Path) -> Iterator[str]:
    """A source package of one origin, whose rows a test may change; they are as before afterwards."""
    database = folder / "reproducibility.db"
    ((id, status, build, name),) = rows(
        database,
        "SELECT id, status, latest_build_id, name FROM source_packages WHERE is_current AND status = 'FAIL'"
        " AND latest_build_id IS NOT NULL GROUP BY name HAVING count(*) = 1 LIMIT 1",
    )
    yield str(name)
    change(
        database,
        f"UPDATE source_packages SET name = {text(name)}, status = {text(status)}, latest_build_id = {build}"
        f" WHERE id = {id}",
    )


def message(site: str, path: str, **parameters: str) -> tuple[str, str]:
    """What a badge says, and its colour, which its JSON and its SVG have in common."""
    badge = httpx.get(f"{site}/badge/{path}.json", params=parameters).raise_for_status().json()
    assert badge["schemaVersion"] == 1 and set(badge) == {"schemaVersion", "label", "message", "color"}
    svg = httpx.get(f"{site}/badge/{path}.svg", params=parameters).raise_for_status().text
    assert ET.fromstring(svg).get("aria-label") == f"{badge['label']}: {badge['message']}"
    assert f'fill="{badge["color"]}"' in svg
    return badge["message"], badge["color"]


def test_an_origin_has_its_share_of_attempted_packages(site: str, folder: Path) -> None:
    totals = rows(
        folder / "reproducibility.db",
        "SELECT distribution, coalesce(release, '-'), architecture, good, attempted FROM current_totals",
    )
    assert totals
    for *origin, good, attempted in totals:
        said, colour = message(site, f"origin/{'/'.join(origin)}")
        percent = 100 * good / attempted
        assert said == f"{percent:.1f} % reproducible"
        assert colour == (GOOD if percent >= 90 else BAD)


@pytest.mark.parametrize(
    ("status", "reason", "is_built", "said"),
    [
        ("GOOD", "build", True, ("reproducible", GOOD)),
        ("BAD", "unreproducible", True, ("unreproducible", BAD)),
        ("BAD", "build", True, ("does not build", FAIL)),
        ("FAIL", "build", True, ("does not build", FAIL)),
        ("UNKWN", "build", True, ("unknown", GREY)),
        (None, "build", False, ("not built yet", GREY)),
    ],
)
def test_a_package_has_its_state_in_words(
    site: str,
    folder: Path,
    package: str,
    status: str | None,
    reason: str,
    is_built: bool,
    said: tuple[str, str],
) -> None:
    database = folder / "reproducibility.db"
    change(
        database,
        f"UPDATE categories SET class = {text(reason)}",
        f"UPDATE source_packages SET status = {text(status) if status else 'NULL'},"
        f" latest_build_id = {'latest_build_id' if is_built else 'NULL'} WHERE name = {text(package)}",
    )
    assert message(site, f"package/{tilde_encode(package)}") == said


@pytest.mark.parametrize("reason", ["infrastructure", "archive"])
def test_a_build_that_failed_through_others_is_no_fault_of_the_package(
    site: str, folder: Path, package: str, reason: str
) -> None:
    change(folder / "reproducibility.db", f"UPDATE categories SET class = {text(reason)}")
    assert message(site, f"package/{tilde_encode(package)}") == (f"{reason} fault", GREY)


def test_the_worst_of_the_origins_that_are_asked_for_counts(site: str, folder: Path) -> None:
    database = folder / "reproducibility.db"
    ((name, good, bad),) = rows(
        database,
        "SELECT g.name, x.architecture, y.architecture FROM source_packages AS g JOIN source_packages AS b"
        " ON b.name = g.name AND b.status = 'BAD' AND b.is_current JOIN origins AS x ON x.id = g.origin_id"
        " JOIN origins AS y ON y.id = b.origin_id WHERE g.status = 'GOOD' AND g.is_current"
        " AND x.architecture <> y.architecture AND g.name NOT IN (SELECT name FROM source_packages"
        " WHERE status = 'FAIL') LIMIT 1",
    )
    change(database, "UPDATE categories SET class = 'unreproducible'")
    path = f"package/{tilde_encode(name)}"
    assert message(site, path) == message(site, path, architecture=bad) == ("unreproducible", BAD)
    assert message(site, path, architecture=good, rebuilder="tiny", release="") == ("reproducible", GOOD)
    assert httpx.get(f"{site}/badge/{path}.svg", params={"rebuilder": "another"}).status_code == 404


def test_a_binary_package_has_its_own_state(site: str, folder: Path) -> None:
    name = one(
        folder / "reproducibility.db",
        "SELECT name FROM binary_packages WHERE is_current AND name NOT IN (SELECT name FROM source_packages)"
        " GROUP BY name HAVING min(status) = 'GOOD' AND max(status) = 'GOOD' AND count(status) = count(*) LIMIT 1",
    )
    assert message(site, f"package/{tilde_encode(name)}") == ("reproducible", GOOD)


@pytest.mark.parametrize("path", ["origin/debian/of-nothing/amd64", "package/of-nothing"])
def test_of_what_is_not_known_a_grey_badge_says_so(site: str, path: str) -> None:
    for format in ("svg", "json"):
        reply = httpx.get(f"{site}/badge/{path}.{format}")
        assert reply.status_code == 404 and "unknown" in reply.text and GREY in reply.text
    assert httpx.get(f"{site}/badge/{path}.png").status_code == 404


def rename(folder: Path, package: str, name: str) -> None:
    names = f"SET name = {text(name)} WHERE name = {text(package)}"
    change(folder / "reproducibility.db", f"UPDATE source_packages {names}")


def test_names_of_others_are_text(site: str, folder: Path, package: str) -> None:
    rename(folder, package, HOSTILE)
    address = f"{site}/badge/package/{tilde_encode(HOSTILE)}"
    assert httpx.get(f"{address}.json").json()["label"] == HOSTILE
    drawn = httpx.get(f"{address}.svg").raise_for_status()
    svg = ET.fromstring(drawn.text)
    elements = {element.tag.rpartition("}")[2] for element in svg.iter()}
    assert elements == {"svg", "title", "clipPath", "rect", "g", "text"}
    assert (svg[0].text or "").startswith(HOSTILE.removesuffix("\x01"))
    assert drawn.headers["x-content-type-options"] == "nosniff"
    assert drawn.headers["content-security-policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"


def test_a_long_name_is_cut(site: str) -> None:
    drawn = httpx.get(f"{site}/badge/package/{'n' * 5000}.svg")
    assert drawn.status_code == 404 and len(drawn.content) < 2000 and "n…" in drawn.text


def test_a_name_may_be_typed_as_it_is(site: str, folder: Path, package: str) -> None:
    rename(folder, package, "libc++1")
    assert message(site, "package/libc++1") == message(site, f"package/{tilde_encode('libc++1')}")


def test_badges_can_be_cached(site: str, package: str) -> None:
    for format, kind in (("svg", "image/svg+xml; charset=utf-8"), ("json", "application/json")):
        address = f"{site}/badge/package/{tilde_encode(package)}.{format}"
        first = httpx.get(address)
        assert first.headers["content-type"] == kind
        assert first.headers["cache-control"] == "public, max-age=3600"
        again = httpx.get(address, headers={"If-None-Match": f"W/{first.headers['etag']}"})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        assert httpx.get(address, headers={"If-None-Match": '"other"'}).content == first.content
        head = httpx.head(address)
        assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", first.headers["etag"])


def test_a_browser_draws_a_badge_in_which_the_words_fit(browser: Browser, site: str, package: str) -> None:
    page = browser.new_page()
    page.goto(f"{site}/badge/package/{tilde_encode(package)}.svg")
    boxes = page.evaluate(
        "[...document.querySelectorAll('rect:not(clipPath *), text')].map(e => { const b = e.getBBox();"
        " return [e.localName, b.x, b.x + b.width, e.getNumberOfChars ? e.getComputedTextLength() / e.textLength.baseVal.value : 1] })"
    )
    (_, *left), (_, *right), (_, *label), (_, *words) = boxes
    for (start, end, _), (first, last, fitted) in ((left, label), (right, words)):
        assert start < first < last < end
        assert 0.85 < fitted < 1.15
