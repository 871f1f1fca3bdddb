"""One scan over bytes for many literals."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import hyperscan

Seen = dict[int, int]
"""Which literals occur, by their number, and where the first occurrence ends."""


class Scanner:
    """Looks for all literals at once; may be used by several threads."""

    def __init__(self, literals: Sequence[bytes]) -> None:
        self._database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK) if literals else None
        self._threads = threading.local()
        if self._database is not None:
            self._database.compile(
                expressions=["".join(f"\\x{byte:02x}" for byte in literal).encode() for literal in literals],
                ids=list(range(len(literals))),
                elements=len(literals),
                flags=[hyperscan.HS_FLAG_SINGLEMATCH] * len(literals),
            )

    def scan(self, data: bytes) -> Seen:
        seen: Seen = {}
        if self._database is not None and data:
            self._database.scan(data, match_event_handler=_note, context=seen, scratch=self._scratch())
        return seen

    def _scratch(self) -> hyperscan.Scratch:
        # What a scan works in; threads must not share it.
        if not hasattr(self._threads, "scratch"):
            self._threads.scratch = hyperscan.Scratch(self._database)
        scratch: hyperscan.Scratch = self._threads.scratch
        return scratch


def _note(number: int, start: int, end: int, flags: int, seen: object) -> None:
    assert isinstance(seen, dict)
    seen[number] = end
