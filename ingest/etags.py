"""Entity tags: what lets readers ask for a document only if it has changed."""

from __future__ import annotations

import hashlib


def etag(body: bytes) -> str:
    """The tag of a body, in its quotes, as the header ETag has it."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def is_known(tag: str, if_none_match: str | None) -> bool:
    """Whether a reader that sent this If-None-Match (None: it sent none) has the body of this tag."""
    known = [each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")]
    return tag in known or known == ["*"]
