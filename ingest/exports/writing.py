"""Writes a file so that its readers find the old one or the new one, never a part of it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from tempfile import NamedTemporaryFile

READABLE = 0o644


def write_atomically(path: Path, lines: Iterable[str]) -> None:
    """Replace the file, or leave it as it is if anything goes wrong on the way. Raises OSError.

    A new file is for everybody to read; a file that is replaced keeps its permissions. What is no file, such as
    ``/dev/null`` or a pipe, is written to.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        with path.open("w", encoding="utf-8") as other:
            other.writelines(lines)
        return
    permissions = target.stat().st_mode & 0o777 if target.exists() else READABLE
    with NamedTemporaryFile(
        "w", encoding="utf-8", dir=target.parent, prefix=f".{target.name}.", delete=False
    ) as file:
        try:
            file.writelines(lines)
            file.flush()
            os.fchmod(file.fileno(), permissions)
            os.fsync(file.fileno())
            Path(file.name).replace(target)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
