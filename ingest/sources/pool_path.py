"""The source package's name in the path of a Debian archive."""

from __future__ import annotations

import re

_POOL = re.compile(r"/pool/(?:[^/]+/)+(lib[^/]|[^/])/([^/]+)/[^/]+$")


def source_name(url: str | None) -> str | None:
    """``gcc-15`` of ``…/pool/main/g/gcc-15/libgcc-s1_15_amd64.deb``; None where there is no such path."""
    match = _POOL.search(url) if isinstance(url, str) else None
    if match is None or not match[2].startswith(match[1]):
        return None
    return match[2]
