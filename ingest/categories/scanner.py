"""Scans bytes for all that rules look for at once, or for what one regex may match."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import hyperscan

Wanted = tuple[tuple[bytes, ...], ...]
"""Of every clause at least one literal."""


class Scanner:
    """Tells which numbered expressions match bytes; may be used by several threads."""

    def __init__(self, database: hyperscan.Database | None) -> None:
        """None matches nothing."""
        self._database = database
        self._threads = threading.local()

    def scan(self, data: bytes) -> list[int]:
        """The numbers of what matches, in order."""
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


def of_sieve(sieve: str) -> Scanner | None:
    """Matches where the sieve does, as number 0; None for one that hyperscan cannot run, such as one
    that also matches nothing at all."""
    try:
        return Scanner(_compiled([sieve], [0], [hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_DOTALL]))
    except hyperscan.error:
        return None


def of_literals(wanted: Mapping[int, Wanted]) -> Scanner:
    """Matches those of the numbered wants that are met.

    Hyperscan itself puts together which literals it saw: a call back into Python
    for each would cost more than the scan.
    """
    if not wanted:
        return Scanner(None)
    first = max(wanted) + 1
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
    quiet = hyperscan.HS_FLAG_QUIET | hyperscan.HS_FLAG_SINGLEMATCH
    together = hyperscan.HS_FLAG_COMBINATION | hyperscan.HS_FLAG_SINGLEMATCH
    return Scanner(
        _compiled(
            expressions, [*literals.values(), *wanted], [quiet] * len(literals) + [together] * len(wanted)
        )
    )


def _compiled(expressions: list[str], ids: list[int], flags: list[int]) -> hyperscan.Database:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[expression.encode() for expression in expressions],
        ids=ids,
        elements=len(expressions),
        flags=flags,
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
