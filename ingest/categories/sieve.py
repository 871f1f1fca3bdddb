"""Regexes over bytes that match wherever another one might: a quick and certain no.

Hyperscan tells in microseconds that nothing like a regex occurs in a log, but
knows no backreferences, no look-around and no long counts. So these are left
out or made loose, and what remains has to be confirmed by the regex itself.
"""

from __future__ import annotations

from functools import lru_cache

import regex

ANYTHING = r"[\x00-\xff]"
HIGH = r"\x80-\xff"
"""The bytes of all characters beyond ASCII, and of what is no UTF-8 (a replacement character, decoded)."""

_LEAST_COUNTED = 8
_MOST_COUNTED = 2
"""How often a repetition is counted at least, and at most: beyond, hyperscan takes long to compile."""

_ASCII = [chr(code) for code in range(128)]


def of_character(character: str, ignore_case: bool) -> str:
    """The bytes of one character; where case is ignored, of all that may count as the same."""
    if character == "\N{REPLACEMENT CHARACTER}":
        return f"[{HIGH}]{{1,3}}"
    if ignore_case and not character.isascii():
        return f"{ANYTHING}{{1,4}}"
    if ignore_case and character.isalpha():
        return f"(?:[{character.lower()}{character.upper()}]|[{HIGH}]{{1,3}})"
    return "".join(f"\\x{byte:02x}" for byte in character.encode())


@lru_cache(maxsize=1024)
def of_class(text: str, ignore_case: bool, only_ascii: bool = False) -> str:
    """The bytes of one character of a class, as a class; more high ones may follow."""
    match = regex.compile(text, regex.V0 | regex.DOTALL | (regex.IGNORECASE if ignore_case else 0)).match
    members = "".join(f"\\x{ord(character):02x}" for character in _ASCII if match(character))
    return f"[{members}]" if only_ascii and members else f"[{members}{HIGH}]"


def of_repeated(expression: str, least: int, most: int | None) -> str:
    """At least as many; ``most`` is None for any number."""
    least = min(least, _LEAST_COUNTED)
    if most is None or most > _MOST_COUNTED:
        return f"(?:{expression}){{{least},}}"
    return f"(?:{expression}){{{least},{most}}}"
