"""Debian's own rebuilderd and its clients, run for tests without root, chroot or an effect on the system.

    with RealRebuilderd("0.28", Path("rebuilderd.db")) as daemon:
        httpx.get(f"{daemon.url}/api/v1/dashboard")

The packages and the libraries they need are downloaded once with apt, unpacked
in a cache folder, and started through their own dynamic linker. The daemon
works on a copy of the database, on a free port of 127.0.0.1.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import httpx

SUITES = {"0.28": "forky", "0.24": "trixie"}
"""Which Debian suite carries a version. 0.24 has the old schema and API v0 only."""

_PACKAGES = ("rebuilderd", "debian-repro-status", "libc6", "libgcc-s1", "libsqlite3-0", "libzstd1", "zlib1g")
_MORE_PACKAGES = {"0.28": ("rebuildctl", "liblzma5"), "0.24": ("libssl3t64",)}
_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_START_SECONDS = 60


class Unavailable(Exception):
    """The daemon cannot be had on this machine; the message says what is missing."""


def installation(version: str) -> Path:
    """The folder that a daemon and its clients are unpacked in, downloaded where it is not there yet."""
    packages = (*_PACKAGES, *_MORE_PACKAGES[version])
    return unpacked(f"rebuilderd-{version}-and-clients", SUITES[version], packages)


def unpacked(name: str, suite: str, packages: Sequence[str]) -> Path:
    """The folder in the cache that packages of a Debian suite are unpacked in. Raises Unavailable."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rebuilderd-datasette"
    folder = cache / name
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache, prefix="unfinished-") as unfinished:
            root = _download(suite, packages, Path(unfinished))
            try:
                root.rename(folder)
            except OSError:  # Another test run was faster.
                if not folder.exists():
                    raise
    return folder


def program(version: str, name: str) -> list[str]:
    """The command that starts a program of rebuilderd's packages."""
    return command(installation(version), f"usr/bin/{name}")


def command(root: Path, path: str) -> list[str]:
    """What starts an unpacked program of another Debian release, with the libraries unpacked beside it."""
    (linker,) = [file for file in root.glob("usr/lib*/ld-linux*.so.*") if file.is_file()]
    (libraries,) = root.glob("usr/lib/*-linux-gnu")
    return [str(linker), "--library-path", str(libraries), str(root / path)]


def _download(suite: str, packages: Sequence[str], work: Path) -> Path:
    for program in ("apt-get", "dpkg"):
        if not shutil.which(program):
            raise Unavailable(f"{program} is missing: the real servers are taken from Debian's packages")
    if not _KEYRING.exists():
        raise Unavailable(f"{_KEYRING} is missing: install debian-archive-keyring")
    for name in ("lists/partial", "cache/archives/partial", "debs", "root"):
        (work / name).mkdir(parents=True)
    (work / "sources.list").write_text(f"deb [signed-by={_KEYRING}] {_mirror()} {suite} main\n")
    apt = [
        "apt-get",
        "--quiet",
        f"--option=Dir::Etc::SourceList={work / 'sources.list'}",
        "--option=Dir::Etc::SourceParts=/dev/null",
        f"--option=Dir::State::Lists={work / 'lists'}",
        f"--option=Dir::Cache={work / 'cache'}",
        "--option=Dir::State::status=/dev/null",
        "--option=APT::Sandbox::User=root",
        "--option=Acquire::Retries=3",
    ]
    _run([*apt, "update"], work)
    _run([*apt, "download", *packages], work / "debs")
    for package in sorted((work / "debs").glob("*.deb")):
        _run(["dpkg", "-x", str(package), str(work / "root")], work)
    return work / "root"


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    # Without a network `apt-get update` warns and succeeds, and the download fails.
    if done.returncode:
        last = "\n".join(done.stdout.splitlines()[-5:])
        raise Unavailable(f"`{Path(command[0]).name} {command[-1]}` failed, is there a network?\n{last}")


def _mirror() -> str:
    """The Debian mirror that this machine is configured with."""
    lists = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    for path in lists:
        if path.suffix not in (".list", ".sources") or not path.is_file():
            continue
        for line in path.read_text().splitlines():
            if line.startswith(("deb", "URIs:")) and (
                found := re.search(r"https?://\S+/debian(?=/?\s|/?$)", line)
            ):
                return found[0]
    raise Unavailable("no Debian mirror is configured in /etc/apt: the real servers are Debian packages")


class RealRebuilderd:
    """A running daemon: ``url`` is where it answers, ``database`` the copy it works on."""

    def __init__(self, version: str, database: Path) -> None:
        self.version = version
        installation(version)
        self._folder = Path(tempfile.mkdtemp(prefix=f"rebuilderd-{version}-"))
        self.database = self._folder / "rebuilderd.db"
        shutil.copyfile(database, self.database)
        self.database.chmod(0o600)
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start(self) -> RealRebuilderd:
        """Returns when the daemon answers."""
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        config = self._folder / "rebuilderd.conf"
        config.write_text(
            f'[http]\nbind_addr = "127.0.0.1:{port}"\n[auth]\ncookie = "cookie"\n'
            '[worker]\nsignup_secret = "signup"\n'
        )
        cookie = self._folder / "auth-cookie"
        cookie.write_text("cookie\n")
        arguments = ["-v", "-c", str(config)]
        if self.version != "0.24":
            arguments += ["--signing-key", str(self._folder / "sign.key")]
        # setpriv: the daemon ends with the tests, even if those are killed.
        alive = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*alive, *program(self.version, "rebuilderd"), *arguments],
                cwd=self._folder,
                env={**os.environ, "HOME": str(self._folder), "REBUILDERD_COOKIE_PATH": str(cookie)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._wait()
        return self

    def stop(self) -> None:
        """Ends the daemon and removes its copy of the database."""
        if self._process:
            self._process.kill()  # Its database is thrown away: no need to wait for a clean end.
            self._process.wait()
            self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)

    __enter__ = start

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def processor_seconds(self) -> float:
        """What it has taken of a processor since it was started."""
        assert self._process
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def _log(self) -> Path:
        return self._folder / "output"

    def _wait(self) -> None:
        assert self._process
        path = "/api/v0/dashboard" if self.version == "0.24" else "/api/v1/dashboard"
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if httpx.get(self.url + path, timeout=_START_SECONDS).is_success:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        output = self._log.read_text(errors="replace")
        self.stop()
        raise RuntimeError(f"rebuilderd {self.version} did not start:\n{output[-2000:]}")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
