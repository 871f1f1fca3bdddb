"""nginx with the file that we ship, on free ports of the loopback, and readers who find it by the site's own name.

with nginx(upstream) as front, front.reader() as proxy:
    httpx.get(f"{PUBLIC}/", proxy=proxy, verify=front.trust)
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from ssl import SSLContext, create_default_context
from threading import Thread

import pytest
from conftest import unavailable
from real_rebuilderd import free_port
from served import ROOT

SHIPPED = ROOT / "contrib/nginx/rebuilderd-datasette.conf"
NAME = "reproducible.example"
PUBLIC = f"https://{NAME}"
NOBODY = 65534
_ADDRESSES = itertools.count(2)
_START_SECONDS = 20
_AROUND = """
{user}
daemon off;
pid {folder}/pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {site}
}}
"""


@dataclass(frozen=True)
class Front:
    """A running nginx: its folder, its ports, and the certificate that readers have to believe."""

    folder: Path
    https: int
    http: int

    @property
    def certificate(self) -> Path:
        return self.folder / "certificate.pem"

    @property
    def trust(self) -> SSLContext:
        return create_default_context(cafile=str(self.certificate))

    def forget(self) -> None:
        """Throws away what nginx keeps."""
        for path in self.folder.glob("cache/*"):
            path.unlink()

    @contextmanager
    def reader(self) -> Iterator[str]:
        """A proxy that leads from an address of its own to nginx, whatever the name service says, and nowhere else."""
        source = f"127.0.0.{next(_ADDRESSES)}"

        class Handler(StreamRequestHandler):
            def handle(handler) -> None:
                asked = handler.rfile.readline().split()
                while handler.rfile.readline().strip():
                    pass
                if asked[:2] != [b"CONNECT", f"{NAME}:443".encode()]:
                    handler.wfile.write(
                        b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
                    )
                    return
                with socket.create_connection(("127.0.0.1", self.https), source_address=(source, 0)) as there:
                    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
                    Thread(target=_pass_on, args=(there, handler.connection), daemon=True).start()
                    _pass_on(handler.connection, there)

        class Listener(ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 200

        with Listener(("127.0.0.1", 0), Handler) as listener:
            Thread(target=listener.serve_forever, args=(0.05,), daemon=True).start()
            yield f"http://127.0.0.1:{listener.server_address[1]}"
            listener.shutdown()


@contextmanager
def nginx(upstream: str, *, user: int | None = None, site: str | None = None) -> Iterator[Front]:
    """The shipped site, or another in its place, in front of ``upstream``; started by ``user`` where one is given."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if not program or not shutil.which("openssl"):
        unavailable("nginx or openssl is missing: apt install nginx openssl")
    # Where root starts it, its workers are somebody else, who may not enter pytest's folders.
    folder = Path(tempfile.mkdtemp(prefix="nginx-"))
    folder.chmod(0o755)
    front = Front(folder, free_port(), free_port())
    _make_certificate(folder)
    for_workers = "user nobody nogroup;" if os.getuid() == 0 and not user else ""
    site = placed(site or SHIPPED.read_text(), front, upstream)
    (folder / "conf").write_text(_AROUND.format(folder=folder, user=for_workers, site=site))
    if user:
        for path in (folder, *folder.iterdir()):
            os.chown(path, user, user)
    process = subprocess.Popen(
        [str(program), "-c", str(folder / "conf"), "-e", str(folder / "errors")],
        user=user,
        group=user,
        extra_groups=None if user is None else [],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(process, front)
        yield front
    finally:
        process.terminate()
        process.wait(timeout=20)
        shutil.rmtree(folder, ignore_errors=True)


def placed(site: str, front: Front, upstream: str) -> str:
    """The file with other paths, ports and certificates; nothing else is changed."""
    for what, instead in {
        "/var/cache/nginx/rebuilderd-datasette": f"{front.folder}/cache",
        f"/etc/ssl/{NAME}/fullchain.pem": str(front.certificate),
        f"/etc/ssl/{NAME}/key.pem": f"{front.folder}/key.pem",
        "http://127.0.0.1:8001": upstream,
        "listen 443": f"listen 127.0.0.1:{front.https}",
        "listen 80": f"listen 127.0.0.1:{front.http}",
        "listen [::]:443": f"listen [::1]:{front.https}",
        "listen [::]:80": f"listen [::1]:{front.http}",
    }.items():
        site = site.replace(what, instead)
    return site if _has_ipv6() else re.sub(r"listen \[::1\].*", "", site)


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as listener:
            listener.bind(("::1", 0))
    except OSError:
        return False
    return True


def _make_certificate(folder: Path) -> None:
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-days", "3650", "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}",
            "-addext", "basicConstraints=critical,CA:FALSE",
            "-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem"),
        ],
        check=True,
        capture_output=True,
    )  # fmt: skip


def _wait(process: subprocess.Popen[bytes], front: Front) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", front.https)).close()
            return
        time.sleep(0.02)
    pytest.fail(f"nginx did not start:\n{(front.folder / 'errors').read_text()}")


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass  # One side went away, and so does the other.
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
