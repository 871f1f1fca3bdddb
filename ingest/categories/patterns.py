"""The regexes of rule files: those of Rust's fancy-regex, run by Python's ``regex`` module.

The two agree on most of the syntax and on what ``\\w``, ``\\d`` and ``\\s`` are. A
regex is read once, construct by construct, written anew for the module, and what
is not known to mean the same is refused. On the way the literals are collected
without which it cannot match, so that it need not run on most texts.

What ``.``, ``^`` and ``$`` mean is upstream's: ``.`` any character, ``^`` and ``$``
the very ends of the text (lines with ``(?m)``).
"""

from __future__ import annotations

import re
import string
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import regex

from ingest.categories import parts, sieve
from ingest.categories.parts import Clauses, Part

_ESCAPES = {
    **{letter: f"\\{letter}" for letter in "abBdDfnrsStvwWA"},
    "a": r"\x07",
    "v": r"\x0b",
    "e": r"\x1b",
    "z": r"\Z",
    "Z": r"(?=\n*\Z)",
    "G": r"\A",
    "K": "",
    "h": "[0-9A-Fa-f]",
    "H": "[^0-9A-Fa-f]",
    "N": r"[^\n]",
    "O": r"(?s:.)",
    "R": r"(?>\r\n|[\n\x0b\f\r\x85\u2028\u2029])",
}
_IN_CLASS = {letter: _ESCAPES[letter] for letter in "adDfnrsStvwWe"} | {"h": "0-9A-Fa-f"}
_POSIX = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`\{-~",
    "space": r"\t\n\x0b\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_SPECIAL = r"\.^$*+?{}[]()|&~#-"
_EXACT_ESCAPES = dict.fromkeys("AzZbBGK", ("",)) | {"n": ("\n",), "t": ("\t",), "e": ("\x1b",)}

_REPEAT = re.compile(r"([*+?])|\{(\d+)\}|\{(\d*),(\d*)\}")
_CODE = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|[xuU]\{([0-9A-Fa-f]{1,8})\}")
_PROPERTY = re.compile(r"[pP](?:[A-Za-z]|\{\^?[A-Za-z][\w= -]*\})")
_POSIX_CLASS = re.compile(r"\[:(\w+):\]")
_BACKREFERENCE = re.compile(r"([1-9]\d*)|k<(\w+)>|k'(\w+)'")
_OPENING = re.compile(
    r"\?(?:(?P<plain>:|=|!|<=|<!|>)|P?<(?P<name>[A-Za-z_]\w*)>|(?P<flags>[a-zA-Z-]+)(?P<end>[:)]))"
)
_NAMED_BACKREFERENCE = re.compile(r"\(\?P=(\w+)\)")


class PatternError(ValueError):
    """A regex that cannot be read, or that we cannot run as upstream does; the message is the reason."""


@dataclass(frozen=True)
class Pattern:
    """A regex in our dialect. A match needs ``required``, and ``sieve`` to match its bytes."""

    written: str
    required: Clauses
    sieve: str

    @cached_property
    def compiled(self) -> regex.Pattern[str]:
        """Searches a text. Compiled when it is needed: most regexes of a run never are."""
        return regex.compile(self.written, regex.V0 | regex.DOTALL)


@lru_cache(maxsize=4096)
def read_pattern(source: str) -> Pattern:
    """Read a regex of a rule file. Raises PatternError for what our dialect does not know."""
    parsed = _Parser(source).whole()
    return Pattern(parsed.written(), parsed.clauses(), parsed.sieve)


def compile_pattern(source: str) -> Pattern:
    """Read a regex and make sure that it can be run. Raises PatternError."""
    pattern = read_pattern(source)
    try:
        _ = pattern.compiled
    except regex.error as error:
        raise PatternError(str(error)) from error
    except (OverflowError, RecursionError) as error:
        raise PatternError("it is too large") from error
    return pattern


@dataclass(frozen=True, slots=True)
class _Flags:
    ignore_case: bool = False
    multi_line: bool = False
    dot_all: bool = True


class _Parser:
    """Reads a regex from left to right; flags change on the way, groups are counted as they open."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.position = 0
        self.flags = _Flags()
        self.groups = 0
        self.names: dict[str, int] = {}
        self.highest_reference = 0

    def whole(self) -> Part:
        try:
            part = self.alternatives()
        except RecursionError as error:
            raise PatternError("its groups are nested too deeply") from error
        if self.position < len(self.source):
            raise self.error("a closing parenthesis without an opening one")
        if self.highest_reference > self.groups:
            raise PatternError(f"it refers to group {self.highest_reference}, but has {self.groups}")
        return part

    def error(self, reason: str) -> PatternError:
        return PatternError(f"{reason} (character {self.position + 1})")

    def accept(self, token: str) -> bool:
        if self.source.startswith(token, self.position):
            self.position += len(token)
            return True
        return False

    def read(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        if match := pattern.match(self.source, self.position):
            self.position = match.end()
        return match

    def alternatives(self) -> Part:
        branches = [self.branch()]
        while self.accept("|"):
            branches.append(self.branch())
        return parts.alternatives(branches)

    def branch(self) -> Part:
        found = []
        while self.position < len(self.source) and self.source[self.position] not in "|)":
            found.append(self.repeated(self.atom()))
        return parts.sequence(found)

    def repeated(self, part: Part | None) -> Part:
        match = self.read(_REPEAT)
        if match is None:
            return part or parts.NOTHING
        if part is None:
            raise self.error("nothing to repeat")
        sign, exactly, least, most = match.groups()
        least, most = (exactly, exactly) if exactly else (least or "0", most)
        how_often = sign or f"{{{least},{most}}}"
        how = "?" if self.accept("?") else ""
        text = f"(?:{part.written()}){how_often}{how}"
        if self.accept("+"):
            text = f"(?>{text})"
        loose = sieve.of_repeated(part.unit or part.sieve, *_counts(sign, least, most, bool(part.unit)))
        if sign == "?" or (least, most) == ("0", "1"):
            return Part(text, loose, exact=tuple(dict.fromkeys(("", *part.exact))) if part.exact else None)
        if exactly and int(exactly) in range(1, 5):
            return replace(parts.sequence([part] * int(exactly)), text=text, sieve=loose, folded=False)
        needed = sign == "+" or (sign is None and int(least) > 0)
        return Part(text, loose, required=part.clauses() if needed else ())

    def atom(self) -> Part | None:
        """The next construct; None for what matches nothing by itself, such as a comment."""
        character = self.source[self.position]
        if character == "(":
            return self.parenthesis()
        if character == "[":
            return self.character_class()
        if character == "\\":
            return self.escape()
        if character in "*+?":
            raise self.error("nothing to repeat")
        self.position += 1
        if character == ".":
            return parts.character_class("." if self.flags.dot_all else r"[^\n]")
        if character in "^$":
            if self.flags.multi_line:
                return Part(f"(?m:{character})", exact=("",))
            return Part(r"\A" if character == "^" else r"\Z", exact=("",))
        return self.character(character)

    def character(self, character: str) -> Part:
        text = _escaped(character)
        loose = sieve.of_character(character, self.flags.ignore_case)
        if self.flags.ignore_case:
            return Part(text, loose, folded=True)
        return Part(text, loose, exact=(character,))

    def parenthesis(self) -> Part | None:
        if backreference := self.read(_NAMED_BACKREFERENCE):
            return self.reference(backreference[1])
        self.position += 1
        if self.accept("?#"):
            self.comment()
            return None
        opening = self.read(_OPENING)
        if opening is None and self.source.startswith("?", self.position):
            raise self.error("a kind of group that is not known here")
        before = self.flags
        if opening and opening["flags"]:
            self.flags = self.changed(opening["flags"])
            if opening["end"] == ")":
                return None
        kind = (opening["plain"] or ("(" if opening["name"] else ":")) if opening else "("
        if kind == "(":
            self.groups += 1
            if opening:
                self.names[opening["name"]] = self.groups
        inner = self.alternatives()
        if not self.accept(")"):
            raise self.error("a parenthesis is not closed")
        self.flags = before
        return parts.group(kind, inner)

    def comment(self) -> None:
        end = self.source.find(")", self.position)
        if end < 0:
            raise self.error("a comment is not closed")
        self.position = end + 1

    def changed(self, letters: str) -> _Flags:
        flags = self.flags
        on, _, off = letters.partition("-")
        names = {"i": "ignore_case", "m": "multi_line", "s": "dot_all"}
        for letter in on + off:
            if letter in names:
                flags = replace(flags, **{names[letter]: letter in on})
            elif letter != "u" or letter in off:
                raise self.error(f"a flag {letter} that is not known here")
        return flags

    def escape(self) -> Part:
        self.position += 1
        if code := self.read(_CODE):
            return self.character(self.code_point(code))
        if category := self.read(_PROPERTY):
            return parts.character_class(f"\\{category[0]}", self.flags.ignore_case)
        if reference := self.read(_BACKREFERENCE):
            return self.reference(reference[reference.lastindex or 0])
        letter = self.source[self.position : self.position + 1]
        if letter in string.punctuation + " \t\n" and letter not in ("", "<", ">"):
            self.position += 1
            return self.character(letter)
        if (letter == "b" and self.source.startswith("b{", self.position)) or letter not in _ESCAPES:
            raise self.error(f"an escape \\{letter} that is not known here")
        self.position += 1
        if letter == "R":
            return Part(_ESCAPES[letter], rf"[\n\x0b\x0c\r{sieve.HIGH}]+")
        if (exact := _EXACT_ESCAPES.get(letter)) == ("",):
            return Part(_ESCAPES[letter], exact=exact)
        return replace(parts.character_class(_ESCAPES[letter]), exact=exact)

    def code_point(self, code: re.Match[str]) -> str:
        number = int(code[code.lastindex or 0], 16)
        if number > 0x10FFFF or 0xD800 <= number < 0xE000:
            raise self.error("a number that is no character")
        return chr(number)

    def reference(self, name: str) -> Part:
        number = int(name) if name.isdecimal() else self.names.get(name)
        if not number:
            raise self.error(f"a reference to a group {name} that is not there")
        self.highest_reference = max(self.highest_reference, number)
        return Part(f"(?:\\{number})", f"{sieve.ANYTHING}*", folded=self.flags.ignore_case)

    def character_class(self) -> Part:
        start = self.position
        self.position += 1
        negated = self.accept("^")
        items: list[str] = []
        while not items or not self.source.startswith("]", self.position):
            if self.position >= len(self.source):
                self.position = start
                raise self.error("a character class is not closed")
            items.append(self.class_item())
        self.position += 1
        text = f"[{'^' if negated else ''}{''.join(_escaped(item) for item in items)}]"
        if self.flags.ignore_case:
            return parts.character_class(text, ignore_case=True)
        single = not negated and all(len(item) == 1 for item in items)
        # A range is three characters long; what is longer stands for characters that cannot be told here.
        only_ascii = (
            text.isascii() and not negated and all(len(item) == 1 or item[1] == "-" for item in items)
        )
        part = parts.character_class(text, only_ascii=only_ascii)
        return replace(part, exact=tuple(dict.fromkeys(items)) if single else None)

    def class_item(self) -> str:
        """A single character, or as the module writes it what stands for several."""
        if self.source.startswith("[", self.position):
            return self.posix_class()
        if self.source.startswith(("&&", "--", "~~"), self.position):
            raise self.error("set operations in a character class are not known here")
        low = self.class_character()
        if len(low) > 1:
            return low
        follows = self.source[self.position : self.position + 2]
        if not follows.startswith("-") or follows in ("-]", "--"):
            return low
        self.position += 1
        high = self.class_character()
        if len(high) > 1 or high < low:
            raise self.error("a range in a character class that has no end above its beginning")
        return f"{_escaped(low)}-{_escaped(high)}"

    def class_character(self) -> str:
        """One character, or more than one where it is an escape that stands for many."""
        self.position += 1
        character = self.source[self.position - 1 : self.position]
        if character != "\\":
            return character
        if code := self.read(_CODE):
            return self.code_point(code)
        if match := self.read(_PROPERTY):
            return f"\\{match[0]}"
        letter = self.source[self.position : self.position + 1]
        if letter in _IN_CLASS:
            self.position += 1
            return _IN_CLASS[letter]
        if not letter or letter not in string.punctuation + " \t\n":
            raise self.error(f"an escape \\{letter} that is not known here")
        self.position += 1
        return letter

    def posix_class(self) -> str:
        match = self.read(_POSIX_CLASS)
        if match is None or match[1] not in _POSIX:
            raise self.error(
                "a class within a character class that is not known here (write \\[ for a bracket)"
            )
        return _POSIX[match[1]]


def _counts(sign: str | None, least: str, most: str | None, many_bytes: bool) -> tuple[int, int | None]:
    """How often something is repeated; at most not known where a character has several bytes."""
    if sign:
        return (1, None) if sign == "+" else (0, 1 if sign == "?" and not many_bytes else None)
    return int(least), int(most) if most and not many_bytes else None


def _escaped(character: str) -> str:
    return f"\\{character}" if len(character) == 1 and character in _SPECIAL else character
