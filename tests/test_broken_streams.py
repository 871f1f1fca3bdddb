"""A stream that fails is seen to have failed, also through a web server in front."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from conftest import unavailable
from datasette.database import QueryInterrupted
from helpers import DAEMON, change, ingest
from inside import inside
from served import lay_out, serving

from ingest.statistics import asking

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
ROWS_BEFORE = 40
# A view whose rows cannot be made any more from the fifth page on.
BROKEN = f"""CREATE VIEW broken AS SELECT id, CASE WHEN id > {ROWS_BEFORE + 1} THEN json_extract('[', '$') ELSE id END AS part
FROM build_artifacts ORDER BY id"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a site in which a view breaks in the middle, and its folder."""
    folder = lay_out(tmp_path_factory.mktemp("broken") / "site", max_returned_rows=10, default_page_size=10)
    ingest(folder / "reproducibility.db", DAEMON, name="tiny")
    change(folder / "reproducibility.db", BROKEN)
    with serving(folder) as address:
        yield address, folder


CONFIGURATION = """
daemon off; master_process off; pid {folder}/pid; error_log {folder}/errors;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    proxy_cache_path {folder}/cache keys_zone=answers:1m;
    server {{
        listen 127.0.0.1:{port};
        gzip on; gzip_proxied any; gzip_min_length 1; gzip_types text/plain text/csv;
        location / {{
            proxy_pass {site}; proxy_http_version 1.1; proxy_cache answers; proxy_cache_valid 200 60s; proxy_ignore_headers Vary;
        }}
    }}
}}
"""


@contextmanager
def nginx(site: str, folder: Path) -> Iterator[str]:
    """A nginx in front of a site, that compresses and keeps answers."""
    if not NGINX:
        unavailable("nginx is missing: apt install nginx")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (folder / "nginx.conf").write_text(CONFIGURATION.format(folder=folder, port=port, site=site))
    server = subprocess.Popen([NGINX, "-p", folder, "-c", folder / "nginx.conf"], stderr=subprocess.PIPE)
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=10)


def received(address: str, path: str, encoding: str = "identity") -> str:
    """What came before the connection broke; fails where it did not."""
    parts = []
    with httpx.stream("GET", f"{address}{path}", headers={"Accept-Encoding": encoding}) as answer:
        assert answer.status_code == 200
        with pytest.raises(httpx.RemoteProtocolError, match="incomplete chunked read"):
            parts.extend(answer.iter_text())
    return "".join(parts)


def test_a_csv_that_breaks_off_is_not_ended_and_holds_no_sql(site: tuple[str, Path]) -> None:
    lines = received(site[0], "/reproducibility/broken.csv?_stream=on").splitlines()
    assert lines[0] == "id,part" and len(lines) == ROWS_BEFORE + 1
    assert lines[-1] == f"{ROWS_BEFORE},{ROWS_BEFORE}"


def test_a_statistic_that_breaks_off_is_not_ended_either(
    site: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("MOST", "USUAL"):
        monkeypatch.setattr(asking, name, 3)
    with inside(site[1]) as inner:
        database = inner.site.get_database("reproducibility")
        execute, pages = database.execute, []

        async def interrupted(sql: str, *given: object, **options: object) -> object:
            if "measurements" in sql and pages.append(sql) is None and len(pages) > 3:
                raise QueryInterrupted(ValueError("interrupted"), sql, {})
            return await execute(sql, *given, **options)

        monkeypatch.setattr(database, "execute", interrupted)
        with pytest.raises(AssertionError):  # the client misses the end
            inner.get("/statistics/build-duration.csv")
    assert "/statistics/build-duration.csv broke off" in capfd.readouterr().err


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_behind_nginx_it_is_not_ended_either_and_not_kept(
    site: tuple[str, Path], tmp_path: Path, encoding: str
) -> None:
    with nginx(site[0], tmp_path) as address:
        for _ in range(2):
            text = received(address, "/reproducibility/broken.csv?_stream=on", encoding)
            assert "json" not in text.lower() and len(text.splitlines()) <= ROWS_BEFORE + 1
        whole = httpx.get(f"{address}/reproducibility/builds.csv?_stream=on")
        assert len(whole.text.splitlines()) > 100


def test_what_fails_before_anything_is_sent_is_an_error(site: tuple[str, Path]) -> None:
    answer = httpx.get(f"{site[0]}/reproducibility/broken.csv?_stream=on&part__gt=99999")
    assert answer.status_code == 400 and "malformed JSON" in answer.text
