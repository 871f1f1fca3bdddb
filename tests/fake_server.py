"""A server that misbehaves on purpose: what no real rebuilderd can be made to do."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import httpx

Answer = Callable[[BaseHTTPRequestHandler], None]


def answer(body: Any, status: int = 200, **headers: str) -> Answer:
    """An ordinary response; what is no bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()

    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content)

    return send


def page(*records: Any, total: int | None = None) -> Answer:
    """A page of API v1."""
    return answer({"total": len(records) if total is None else total, "records": list(records)})


@dataclass
class FakeServer:
    """Answers by path; ``asked`` is what it was asked for, in order."""

    url: str
    answers: dict[str, Answer]
    asked: list[str] = field(default_factory=list)


@contextmanager
def serve(answers: dict[str, Answer]) -> Iterator[FakeServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            server.asked.append(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            self.rfile.read(length)
            try:
                server.answers.get(path, answer(b"", 404))(self)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        do_POST = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            """Keeps the tests' output clean."""

    class Listener(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

    listener = Listener(("127.0.0.1", 0), Handler)
    server = FakeServer(f"http://127.0.0.1:{listener.server_address[1]}", answers)
    thread = threading.Thread(target=listener.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown()
        listener.server_close()


def only_v0(daemon: str) -> dict[str, Answer]:
    """What a rebuilderd at a URL answers by API v0, for a server without API v1."""
    queue = httpx.post(f"{daemon}/api/v0/queue/list", json={"limit": None})
    lists = {path: httpx.get(daemon + path).content for path in ("/api/v0/dashboard", "/api/v0/pkgs/list")}
    return {path: answer(body) for path, body in lists.items()} | {
        "/api/v0/queue/list": answer(queue.content)
    }


ORIGIN = {"distribution": "debian", "release": "trixie"}
SEEN = {"last_seen": "2026-11-20T10:00:00.5", "seen_in_last_sync": True}


def source_package(id: int, name: str, /, **changed: Any) -> dict[str, Any]:
    record = {"id": id, "name": name, "version": "1-1", "status": "GOOD", "build_id": id}
    return {**record, **ORIGIN, **SEEN, **changed}


def binary_package(id: int, name: str, /, **changed: Any) -> dict[str, Any]:
    record = {
        "id": id,
        "name": name,
        "version": "1-1",
        "component": "main",
        "architecture": "amd64",
        "url": f"http://mirror.example/debian/pool/main/{name[0]}/{name}/{name}_1-1_amd64.deb",
        "status": "GOOD",
        "build_id": id,
        "artifact_id": id,
        "diffoscope_log_id": None,
        "attestation_log_id": None,
    }
    return {**record, **ORIGIN, **SEEN, **changed}


def build(id: int, name: str, /, **changed: Any) -> dict[str, Any]:
    record = {
        "id": id,
        "name": name,
        "version": "1-1",
        "architecture": "amd64",
        "backend": "debian",
        "retries": 0,
        "started_at": "2026-11-19T10:00:00",
        "built_at": "2026-11-19T10:05:00",
        "status": "GOOD",
    }
    return {**record, **ORIGIN, **changed}


def rebuilderd(names: tuple[str, ...] = ("acl", "bzip2", "curl"), **changed: Answer) -> dict[str, Answer]:
    """The answers of a small healthy rebuilderd with API v1; ``changed`` by the last part of the path."""
    numbered = list(enumerate(names, 1))
    meta = "/api/v1/meta/distributions"
    answers = {
        meta: answer(["debian"]),
        f"{meta}/debian/releases": answer(["trixie"]),
        f"{meta}/debian/releases/trixie/architectures": answer(["amd64"]),
        "/api/v1/packages/source": page(*(source_package(id, name) for id, name in numbered)),
        "/api/v1/packages/binary": page(*(binary_package(id, name) for id, name in numbered)),
        "/api/v1/builds": page(*(build(id, name) for id, name in numbered)),
        "/api/v1/queue": page(),
        "/api/v1/workers": page(),
    }
    for key, value in changed.items():
        (path,) = [path for path in answers if path.rpartition("/")[2] == key]
        answers[path] = value
    return answers
