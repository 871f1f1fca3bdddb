"""A site below a path of its host, crawled through a nginx that keeps that path and one that strips it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from crawling import crawl, shape
from real_nginx import NAME, PUBLIC, nginx
from served import ROOT, serving

pytest_plugins = ("site_fixtures",)

SITE = f"{PUBLIC}/rebuilds"
SERVER = f"""
server {{
    listen 443 ssl;
    server_name {NAME};
    ssl_certificate /etc/ssl/{NAME}/fullchain.pem;
    ssl_certificate_key /etc/ssl/{NAME}/key.pem;
    proxy_set_header Host $host;
    %s
}}
"""
DOCUMENTED = re.findall(
    r"^```nginx\n(.*?)```", (ROOT / "docs/deploy.md").read_text(), re.MULTILINE | re.DOTALL
)
STARTS = (
    "/",
    "/reproducibility/builds?_size=3&_facet=status&_where=id+>+0",
    "/reproducibility/builds.json?_size=3&_facet=status&_facet_size=1",
    "/reproducibility?sql=select+x'00'+as+bytes",
    "/statistics/builds-per-day.json?limit=1",
    "/data/",
    "/package/bzip%32",
)
"""Pages whose links are of kinds that pages linked from the front page do not have."""


@pytest.fixture(scope="module")
def upstream(site_folder: Path) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PUBLIC_URL", SITE)
        with serving(site_folder) as address:
            yield address


@pytest.mark.parametrize("location", DOCUMENTED, ids=["kept", "stripped"])
def test_every_link_leads_to_a_page_and_has_the_path_once(upstream: str, location: str) -> None:
    with (
        nginx(upstream, site=SERVER % location) as front,
        front.reader() as proxy,
        httpx.Client(proxy=proxy, verify=front.trust, follow_redirects=True, timeout=60) as client,
    ):
        found = crawl(client, SITE, 1, shape, STARTS)
    strays = [link for link in found.links if not re.match(rf"{SITE}/(?!rebuilds)", link)]
    assert strays == []
    assert found.broken == []
    assert found.followed.total() > 100 and len(found.links) > 700
