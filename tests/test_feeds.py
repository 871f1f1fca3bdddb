"""Atom feeds, from a real Datasette, read by a feed reader."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import feedparser
import httpx
import pytest
from datasette.utils import tilde_encode
from helpers import DAEMON, add_build, change, copy, ingest, one, rows, text
from served import lay_out, serving

ATOM = "{http://www.w3.org/2005/Atom}"
FEEDS = ("feed_regressions", "feed_fixes", "feed_failures")
NAME = "a<b>+~:/&\"' ü"
EVIDENCE = "<script>alert('x')</script> & ]]> \x01"


def regress(daemon: Path, build_input: int, status: str, built_at: str) -> None:
    """One more attempt, of one artifact."""
    add_build(daemon, build_input, status, built_at, [("x.deb", status)] if status != "FAIL" else ())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site with packages that regressed and were fixed since, one of a hostile name."""
    folder = lay_out(tmp_path_factory.mktemp("feeds") / "site")
    daemon = copy(DAEMON, tmp_path_factory.mktemp("daemon"))
    database = folder / "reproducibility.db"
    ((good, name),) = rows(
        daemon,
        "SELECT i.id, s.name FROM build_inputs AS i JOIN source_packages AS s ON s.id = i.source_package_id"
        " JOIN rebuilds AS r ON r.build_input_id = i.id GROUP BY i.id HAVING min(r.status) = 'GOOD'"
        " AND max(r.status) = 'GOOD' ORDER BY i.id LIMIT 1",
    )
    change(daemon, f"UPDATE source_packages SET name = {text(NAME)} WHERE name = {text(name)}")
    for status, day in (("BAD", 1), ("GOOD", 2), ("FAIL", 3), ("FAIL", 4)):
        regress(daemon, good, status, f"2031-01-0{day} 10:00:00.000000000")
    ingest(database, daemon, name="tiny")
    change(
        database,
        f"UPDATE failures SET evidence = {text(EVIDENCE)} WHERE build_id IN (SELECT id FROM builds"
        " WHERE built_at > '2031')",
    )
    return folder


@pytest.fixture(scope="module")
def site(folder: Path) -> Iterator[str]:
    with serving(folder) as address:
        yield address


@pytest.fixture(scope="module")
def hostile_origin(folder: Path) -> str:
    """Where the package of the hostile name is."""
    return str(
        one(
            folder / "reproducibility.db",
            "SELECT o.label FROM builds AS b JOIN origins AS o ON o.id = b.origin_id"
            " WHERE b.built_at LIKE '2031-01-01%'",
        )
    )


def is_ours(entry: feedparser.FeedParserDict) -> bool:
    """Whether it tells of an attempt that was added here."""
    return bool(entry.updated.startswith("2031-01"))


def get(site: str, name: str, **parameters: str) -> str:
    reply = httpx.get(f"{site}/reproducibility/{name}.atom", params=parameters)
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/atom+xml; charset=utf-8"
    return reply.text


def entries(site: str, name: str, **parameters: str) -> list[feedparser.FeedParserDict]:
    feed = feedparser.parse(get(site, name, **parameters))
    assert not feed.bozo
    return list(feed.entries)


@pytest.mark.parametrize("name", FEEDS)
@pytest.mark.parametrize("parameters", [{}, {"package": NAME}, {"package": "of-nothing"}])
def test_a_feed_has_what_rfc_4287_asks_for(site: str, name: str, parameters: dict[str, str]) -> None:
    written = get(site, name, **parameters)
    feed = ET.fromstring(written)
    assert feed.tag == f"{ATOM}feed"
    for element in (feed, *feed.iter(f"{ATOM}entry")):
        for required in ("id", "title", "updated"):
            assert [child.text for child in element.findall(ATOM + required)] not in ([], [None])
        moment = element.findtext(f"{ATOM}updated") or ""
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", moment)
    for entry in feed.iter(f"{ATOM}entry"):
        assert entry.findtext(f"{ATOM}author/{ATOM}name") == "tiny"
        assert entry.find(f"{ATOM}link") is not None and entry.find(f"{ATOM}content") is not None
    ids = [id.text for id in feed.iter(f"{ATOM}id")]
    assert len(ids) == len(set(ids))
    parsed = feedparser.parse(written)
    assert parsed.version == "atom10" and not parsed.bozo


def test_each_feed_tells_of_its_kind_the_newest_first(site: str) -> None:
    regressions = [entry.title for entry in entries(site, "feed_regressions", package=NAME) if is_ours(entry)]
    assert [re.sub(r".* (is|no) ", r"\1 ", title).split(" in ")[0] for title in regressions] == [
        "no longer builds",
        "no longer reproducible",
    ]
    (fix,) = filter(is_ours, entries(site, "feed_fixes", package=NAME))
    assert "has become reproducible" in fix.title and fix.updated.startswith("2031-01-02")


def test_a_failure_is_new_unless_the_attempt_before_failed_for_that_reason(site: str) -> None:
    found = [entry.updated[:10] for entry in entries(site, "feed_failures", package=NAME) if is_ours(entry)]
    assert found == ["2031-01-03", "2031-01-01"]


def test_a_feed_is_of_an_origin_or_a_package_or_of_all(site: str, folder: Path, hostile_origin: str) -> None:
    database = folder / "reproducibility.db"
    everything = entries(site, "feed_failures")
    builds = "SELECT count(DISTINCT build_id) FROM failures"
    assert 0 < len(everything) <= one(database, builds)
    for label, *_ in rows(database, "SELECT label FROM origins"):
        found = {entry.id for entry in entries(site, "feed_failures", origin=label)}
        assert found == {entry.id for entry in everything if f" in {label}: " in entry.title}
    assert entries(site, "feed_failures", origin="debian/of/nothing") == []
    ours = entries(site, "feed_failures", origin=hostile_origin, package=NAME)
    assert len(list(filter(is_ours, ours))) == 2


def test_a_binary_package_has_the_feed_of_its_source(site: str, folder: Path) -> None:
    ((source, binary),) = rows(
        folder / "reproducibility.db",
        "SELECT s.name, b.name FROM failures AS f JOIN source_packages AS s ON s.id = f.source_package_id"
        " JOIN binary_packages AS b ON b.source_package_id = s.id WHERE b.name <> s.name"
        " AND b.name NOT IN (SELECT name FROM source_packages) LIMIT 1",
    )
    of_source = {entry.id for entry in entries(site, "feed_failures", package=source)}
    assert of_source and of_source <= {entry.id for entry in entries(site, "feed_failures", package=binary)}


def test_names_and_evidence_of_others_are_text(site: str) -> None:
    feed = feedparser.parse(get(site, "feed_regressions", package=NAME), sanitize_html=False)
    entry = feed.entries[0]
    assert feed.feed.title_detail.type == "text/plain" and NAME in feed.feed.title
    assert entry.title.startswith(NAME) and entry.title_detail.type == "text/plain"
    (content,) = entry.content
    assert content.type == "text/html" and "<script" not in content.value
    (pre,) = re.findall(r"<pre>(.*?)</pre>", content.value, re.DOTALL)
    assert unescape(pre) == EVIDENCE.replace("\x01", "\ufffd")


def test_the_links_of_an_entry_are_whole_addresses_that_lead_somewhere(site: str) -> None:
    entry = entries(site, "feed_regressions", package=NAME)[0]
    links = [entry.link, *map(unescape, re.findall(r'href="([^"]*)"', entry.content[0].value))]
    assert len(links) >= 3 and links[0].startswith(f"{site}/package/a~3Cb~3E")
    for link in links:
        reply = httpx.get(link)
        assert reply.status_code == 200 or (link.endswith(("/log", "/diffoscope")) and reply.text)


def test_ids_stay_whatever_else_stands_in_the_address(site: str) -> None:
    plain = feedparser.parse(get(site, "feed_regressions"))
    other = feedparser.parse(get(site, "feed_regressions", package="", _size="max", utm="x"))
    assert plain.feed.id == other.feed.id == f"{site}/reproducibility/feed_regressions.atom"
    assert [entry.id for entry in plain.entries] == [entry.id for entry in other.entries]
    assert all(re.fullmatch(r"tag:127\.0\.0\.1,2026:/regressions/\d+", entry.id) for entry in plain.entries)


def test_a_reader_that_has_the_feed_is_told_so(site: str) -> None:
    address = f"{site}/reproducibility/feed_fixes.atom"
    first = httpx.get(address)
    again = httpx.get(address, headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert httpx.get(address, headers={"If-None-Match": '"other"'}).status_code == 200
    assert "max-age" in first.headers["cache-control"]
    head = httpx.head(address)
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", first.headers["etag"])


def test_an_empty_database_has_feeds_without_entries(tmp_path: Path) -> None:
    folder = lay_out(tmp_path / "site")
    ingest(folder / "reproducibility.db", DAEMON)
    change(folder / "reproducibility.db", "DELETE FROM status_changes", "DELETE FROM ingest_runs")
    with serving(folder) as address:
        feed = feedparser.parse(get(address, "feed_regressions"))
    assert not feed.bozo and feed.entries == [] and feed.feed.updated.startswith("1970-01-01")


def test_any_sql_with_the_columns_of_a_feed_is_one(site: str) -> None:
    def asked(columns: str) -> httpx.Response:
        return httpx.get(
            f"{site}/reproducibility.atom", params={"sql": f"SELECT {columns}", "_feed_title": "Mine"}
        )

    row = "'urn:x:1' AS atom_id, '2026-01-01T00:00:00Z' AS atom_updated, '<b>' AS atom_title"
    feed = feedparser.parse(asked(f"{row}, 'words' AS atom_content").text)
    assert (feed.feed.title, feed.entries[0].id, feed.entries[0].title) == ("Mine", "urn:x:1", "<b>")
    script = feedparser.parse(
        asked(f"{row}, '<script>x</script>' AS atom_content_html").text, sanitize_html=False
    )
    assert "<script" not in script.entries[0].content[0].value
    for wrong in ("1", row, f"{row.replace('00Z', '00')}, '' AS atom_content"):
        assert asked(wrong).status_code == 400


@pytest.mark.parametrize("page", ["/", "/origin/{origin}", "/package/{name}"])
def test_pages_name_their_feeds(site: str, hostile_origin: str, page: str) -> None:
    html = httpx.get(site + page.format(origin=hostile_origin, name=tilde_encode(NAME))).text
    links = re.findall(r'<link rel="alternate" type="application/atom\+xml"[^>]* href="([^"]*)">', html)
    assert len(links) == 3
    for link in map(unescape, links):
        feed = feedparser.parse(httpx.get(site + link).text)
        assert feed.version == "atom10" and any(map(is_ours, feed.entries))
        assert ("origin=" in feed.feed.id, "package=" in feed.feed.id) == (
            "{origin}" in page,
            "{name}" in page,
        )
