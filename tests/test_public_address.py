"""Links that leave the site begin with its public address, whatever address was asked, and below whatever path."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from click import ClickException
from click.testing import CliRunner
from datasette.app import Datasette
from datasette.cli import cli
from datasette.plugins import pm
from helpers import DAEMON, ingest
from served import ROOT, lay_out

T = TypeVar("T")
ASKED = "http://stranger.example"
FEED = "/reproducibility/feed_failures.atom"
CHOSEN = [
    "/reproducibility/builds.json?_size=2",
    "/reproducibility/builds?_size=2&_facet=status",
    FEED,
    "/reproducibility.atom?sql=SELECT+1+AS+atom_id,+'a'+AS+atom_title,+'2026-01-01T00:00:00Z'+AS+atom_updated,"
    "+'c'+AS+atom_content",
    "/statistics/builds-per-day.json?limit=1",
    "/statistics.json",
    "/data",
]
"""Pages and answers that have links with a host in them."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = lay_out(tmp_path_factory.mktemp("public") / "site")
    ingest(folder / "reproducibility.db", DAEMON, name="tiny")
    return folder


@pytest.fixture(autouse=True)
def _no_address_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PUBLIC_URL", raising=False)


def alone(act: Callable[..., T], *arguments: Any) -> T:
    """Acts in a thread of its own, since a browser of another test may have a loop in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(act, *arguments).result()


def ask(folder: Path, *paths: str, metadata: dict[str, Any] | None = None, **settings: Any) -> list[str]:
    """What the site answers to requests under a stranger's name, headers too."""
    given = json.loads((folder / "settings.json").read_text()) | settings
    site = Datasette(config_dir=folder, metadata=metadata, settings=given)

    async def answers() -> list[httpx.Response]:
        await site.invoke_startup()
        transport = httpx.ASGITransport(app=site.app())
        async with httpx.AsyncClient(transport=transport, base_url=ASKED, timeout=60) as client:
            return [await client.get(path) for path in paths]

    found = alone(asyncio.run, answers())
    assert [answer.status_code for answer in found] == [200] * len(paths)
    return [f"{answer.headers}\n{answer.text}" for answer in found]


def hosts(text: str) -> set[str]:
    """The origins of links to the site itself, by what they are called in these tests."""
    return set(
        re.findall(r"https?://(?:stranger|rebuilds|other)\.example(?::\d+)?", text.replace("\\/", "/"))
    )


def test_without_a_public_address_links_have_the_one_that_was_asked(folder: Path) -> None:
    for path, text in zip(CHOSEN, ask(folder, *CHOSEN), strict=True):
        assert hosts(text) == {ASKED}, path


@pytest.mark.parametrize("where", ["metadata", "environment"])
def test_the_public_address_is_in_every_link_that_has_a_host(
    folder: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    metadata = {
        "public_url": "https://rebuilds.example:8443" if where == "metadata" else "https://other.example"
    }
    if where == "environment":
        monkeypatch.setenv("PUBLIC_URL", "https://rebuilds.example:8443/")
    for path, text in zip(CHOSEN, ask(folder, *CHOSEN, metadata=metadata), strict=True):
        assert hosts(text) == {"https://rebuilds.example:8443"}, path
        assert "stranger" not in text, path


def test_ids_of_a_feed_stay_whoever_asks(folder: Path) -> None:
    (feed,) = ask(folder, FEED, metadata={"public_url": "https://rebuilds.example"})
    assert set(re.findall(r"<id>tag:([^,]+),", feed)) == {"rebuilds.example"}


def test_charts_ask_the_host_that_their_page_came_from(folder: Path) -> None:
    """A dashboard that is opened at another address than the public one, as through a tunnel, has charts too."""
    (page,) = ask(
        folder, "/-/dashboards/why?distribution=debian", metadata={"public_url": "https://rebuilds.example/x"}
    )
    drawn = re.findall(r'"site": "([^"]*)"', page)
    assert drawn and set(drawn) == {"/x/"}


@pytest.mark.parametrize(("how", "prefix"), [("public_url", "/below"), ("base_url", "")])
def test_the_path_that_the_site_stands_below_is_in_every_link_once(
    folder: Path, how: str, prefix: str
) -> None:
    """Whether the proxy in front keeps it or strips it."""
    paths = [prefix + path for path in CHOSEN]
    if how == "public_url":
        texts = ask(folder, *paths, metadata={"public_url": "https://rebuilds.example/below"})
    else:
        texts = ask(folder, *paths, base_url="/below/")
    for path, text in zip(paths, texts, strict=True):
        text = text.replace("\\/", "/")
        found = re.findall(
            r'(?:href|src|action)="(?:https?://(?:rebuilds|stranger)\.example)?(/[^"]*)"', text
        )
        found += re.findall(r"https?://(?:rebuilds|stranger)\.example(/?[^\"<>\s]*)", text)
        assert found, path
        assert [link for link in found if not re.match(r"/below\b(?!/below)", link)] == [], path


def test_what_a_page_links_to_is_there_below_a_path_too(folder: Path) -> None:
    (page,) = ask(folder, "/reproducibility/builds.json?_size=2", base_url="/below/")
    address = json.loads(page.partition("\n")[2])["next_url"]
    assert address.startswith(f"{ASKED}/below/reproducibility/builds.json?")
    (following,) = ask(folder, address, base_url="/below/")
    assert '"rows"' in following


@pytest.mark.parametrize(
    ("address", "settings", "sentence"),
    [
        ("rebuilds.example", {}, "public_url in metadata.yml is no address of a site."),
        ("ftp://rebuilds.example/", {}, "public_url in metadata.yml is no address of a site."),
        ("https://me:secret@rebuilds.example/", {}, "public_url in metadata.yml is no address of a site."),
        ("https://rebuilds.example/?a=b", {}, "public_url in metadata.yml is no address of a site."),
        ("https://rebuilds.example/a/", {"base_url": "/b/"}, "The setting base_url is /b/, and public_url"),
        ("https://rebuilds.example/package/", {}, "The site cannot stand below the path /package/."),
        ("https://rebuilds.example/v1.0/", {}, "The site cannot stand below the path /v1.0/."),
        (None, {"base_url": "/api/"}, "The site cannot stand below the path /api/."),
    ],
)
def test_an_address_that_cannot_be_is_refused_at_the_start(
    tmp_path: Path, folder: Path, address: str | None, settings: dict[str, str], sentence: str
) -> None:
    site = lay_out(tmp_path / "site")
    for name, content in (("metadata.yml", {"public_url": address}), ("settings.json", settings)):
        (site / name).unlink()
        (site / name).write_text(json.dumps(content))
    (site / "reproducibility.db").symlink_to(folder / "reproducibility.db")
    said = alone(CliRunner().invoke, cli, ["serve", str(site), "--get", "/"])
    assert said.exit_code == 1
    assert sentence in said.output and "secret" not in said.output and "Traceback" not in said.output


def test_no_path_of_the_site_can_be_taken_for_the_one_that_it_stands_below(folder: Path) -> None:
    site = Datasette(config_dir=folder)
    alone(asyncio.run, site.invoke_startup())
    paths = [getattr(pattern, "pattern", pattern) for pattern, _ in site._routes()]
    paths += [
        f"/{page.relative_to(ROOT / 'templates/pages')}" for page in ROOT.glob("templates/pages/**/*.html")
    ]
    first = {found[1] for path in paths if (found := re.match(r"\^?/([a-z-]+)(?=/|\\|\$|\.html)", path))}
    assert {"badge", "category", "data", "failures", "-"} <= first
    for name in {*first, "api", "r", "reproducibility", "static"}:
        site._settings["base_url"] = f"/{name}/"
        with pytest.raises(ClickException, match="cannot stand below"):
            pm.hook.asgi_wrapper(datasette=site)
