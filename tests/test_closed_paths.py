"""Of Datasette's own pages only those that ours lead to are answered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from inside import Inside, inside

pytest_plugins = ("site_fixtures",)

OWN = [
    "actor", "allow-debug", "auth-token", "config", "databases", "logout", "messages", "metadata", "patterns",
    "permissions", "plugins", "settings", "threads", "versions", "of-no-page", "dashboards.json", "staticx",
    "static-plugins/datasette-graphql/x.js",
]  # fmt: skip


@pytest.fixture(scope="module")
def site(site_folder: Path) -> Iterator[Inside]:
    with inside(site_folder) as site:
        yield site


@pytest.mark.parametrize("path", [*OWN, *(f"{path}.json" for path in OWN)])
def test_what_tells_of_the_machine_is_not_found(site: Inside, path: str) -> None:
    for method in ("GET", "HEAD", "POST", "OPTIONS"):
        assert site.request(method, f"/-/{path}").status_code == 404
    assert site.get(f"/-/{path}?all=1&_format=json").status_code == 404


@pytest.mark.parametrize(
    "path", ["/-/./threads.json", "//-/threads.json", "/%2D/threads.json", "/-%2Fthreads.json", "/-/threads.json/"]
)  # fmt: skip
def test_no_other_spelling_opens_it(site: Inside, path: str) -> None:
    assert site.get(path, follow_redirects=True).status_code == 404


def test_every_route_of_datasettes_is_either_named_or_closed(site: Inside) -> None:
    """A later Datasette has others."""
    routes = {
        pattern.pattern for pattern, _ in site.site._routes() if pattern.pattern.lstrip("^").startswith("/-/")
    }
    below = {
        route.lstrip("^").removeprefix("/-/").split("/")[0].split("$")[0].split("(")[0] for route in routes
    }
    assert {"dashboards", "static", "static-plugins", "threads", "metadata"} <= below
    closed = {f"{name}.json" for name in below - {"dashboards", "static", "static-plugins", ""}}
    assert all(site.get(f"/-/{name}").status_code == 404 for name in closed)


def test_what_pages_use_is_answered(site: Inside) -> None:
    """The crawl and the browser follow all else."""
    for path in (
        "static/app.css",
        "dashboards",
        "dashboards/why",
        "static-plugins/datasette_dashboards/dashboards.css",
    ):
        assert site.get(f"/-/{path}").status_code == 200
