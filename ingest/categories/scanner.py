"""One scan over bytes for all that rules look for."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import hyperscan

Wanted = tuple[tuple[bytes, ...], ...]
"""Of every clause at least one literal."""


class Scanner:
    """Tells which of the numbered wants are met by bytes, and which of the numbered sieves match
    them; may be used by several threads.

    Hyperscan itself puts together which literals it saw: a call back into Python
    for each would cost more than the scan.
    """

    def __init__(self, wanted: Mapping[int, Wanted], sieves: Mapping[int, str] | None = None) -> None:
        """Raises hyperscan.error for a sieve that hyperscan cannot run, such as one for nothing."""
        self._threads = threading.local()
        self._database = _compiled(wanted, sieves or {}) if wanted or sieves else None

    def scan(self, data: bytes) -> list[int]:
        """The numbers of what is met, in order."""
        met: list[int] = []
        if self._database is not None and data:
            # Terminated means that everything was met before the end of the data.
            with suppress(hyperscan.ScanTerminated):
                self._database.scan(data, match_event_handler=_NOTE, context=met, scratch=self._scratch())
        return sorted(met)

    def _scratch(self) -> hyperscan.Scratch:
        # What a scan works in; threads must not share it.
        if not hasattr(self._threads, "scratch"):
            self._threads.scratch = hyperscan.Scratch(self._database)
        scratch: hyperscan.Scratch = self._threads.scratch
        return scratch


def can_scan(sieve: str) -> bool:
    """Whether hyperscan can run it: a sieve that also matches nothing at all it cannot."""
    try:
        Scanner({}, {0: sieve})
    except hyperscan.error:
        return False
    return True


def _compiled(wanted: Mapping[int, Wanted], sieves: Mapping[int, str]) -> hyperscan.Database:
    first = max([*wanted, *sieves]) + 1
    literals: dict[bytes, int] = {}
    for clauses in wanted.values():
        for clause in clauses:
            for literal in clause:
                literals.setdefault(literal, first + len(literals))
    expressions = [_expression(literal) for literal in literals]
    expressions += [
        "&".join(_any_of([literals[literal] for literal in clause]) for clause in clauses)
        for clauses in wanted.values()
    ]
    expressions += sieves.values()
    quiet = hyperscan.HS_FLAG_QUIET | hyperscan.HS_FLAG_SINGLEMATCH
    together = hyperscan.HS_FLAG_COMBINATION | hyperscan.HS_FLAG_SINGLEMATCH
    loose = hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_DOTALL
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[expression.encode() for expression in expressions],
        ids=[*literals.values(), *wanted, *sieves],
        elements=len(expressions),
        flags=[quiet] * len(literals) + [together] * len(wanted) + [loose] * len(sieves),
    )
    return database


def _any_of(numbers: list[int]) -> str:
    # A combination has to combine something, if need be a literal with itself.
    return f"({'|'.join(map(str, numbers if len(numbers) > 1 else numbers * 2))})"


def _expression(literal: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in literal)


def _note(number: int, start: int, end: int, flags: int, met: list[int]) -> None:
    met.append(number)


# hyperscan calls it with whatever the context is, which its types do not know.
_NOTE: Any = _note
