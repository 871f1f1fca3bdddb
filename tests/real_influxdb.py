"""Debian's own InfluxDB (1.x), run for tests without root or an effect on the system.

    with RealInfluxDB() as server:
        httpx.get(f"{server.url}/ping")

Downloaded and unpacked once, as ``real_rebuilderd`` does; it answers on free ports of 127.0.0.1 only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
from real_rebuilderd import command, free_port, unpacked

_PACKAGES = ("influxdb", "libc6")
_START_SECONDS = 60
_CONFIG = """
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
[http]
bind-address = "127.0.0.1:{http}"
auth-enabled = {auth}
[monitor]
store-enabled = false
[continuous_queries]
enabled = false
"""


def installation() -> Path:
    """The folder that InfluxDB is unpacked in. Raises Unavailable."""
    return unpacked("influxdb-1.6", "trixie", _PACKAGES)


class RealInfluxDB:
    """A running server: ``url`` is where it answers. Stopped and started again it keeps its data."""

    def __init__(self, *, auth: bool = False) -> None:
        installation()
        self._folder = Path(tempfile.mkdtemp(prefix="influxdb-"))
        http, rpc = free_port(), free_port()
        self.url = f"http://127.0.0.1:{http}"
        self._config = self._folder / "influxdb.conf"
        self._config.write_text(
            _CONFIG.format(folder=self._folder, http=http, rpc=rpc, auth="true" if auth else "false")
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> RealInfluxDB:
        """Returns when the server answers."""
        # setpriv: the server ends with the tests, even if those are killed.
        alive = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        program = command(installation(), "usr/bin/influxd")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*alive, *program, "run", "-config", str(self._config)],
                cwd=self._folder,
                env={**os.environ, "HOME": str(self._folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if httpx.get(f"{self.url}/ping", timeout=_START_SECONDS).is_success:
                    return self
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise RuntimeError(f"InfluxDB did not start:\n{self._log.read_text(errors='replace')[-2000:]}")

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(timeout=30)
            self._process = None

    def __enter__(self) -> RealInfluxDB:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def query(
        self, query: str, database: str | None = None, auth: tuple[str, str] | None = None
    ) -> list[dict[str, Any]]:
        """The series that a question in InfluxQL gives; times are nanoseconds since 1970."""
        asked = {"q": query, "epoch": "ns"} | ({"db": database} if database else {})
        answer = httpx.post(f"{self.url}/query", data=asked, auth=auth).raise_for_status().json()
        (result,) = answer["results"]
        assert "error" not in result, result
        return list(result.get("series", []))

    @property
    def _log(self) -> Path:
        return self._folder / "output"
