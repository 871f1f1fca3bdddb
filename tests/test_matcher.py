"""Which category a failure gets, and the lines that say so."""

from __future__ import annotations

import re
import time

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.categories import matcher as matcher_module
from ingest.categories import plan, scanner
from ingest.categories.evidence import LONGEST
from ingest.categories.matcher import LITTLE_PATIENCE, PATIENCE, TIMEOUTS_FORGIVEN, Matcher
from ingest.categories.patterns import compile_pattern
from ingest.categories.rules import Category, Rule, RuleSet
from ingest.categories.verdicts import FailedArtifact, FailedBuild, Verdict

MEBIBYTE = 1 << 20


def rule(
    key: str, matcher: str, *needles: str, without: tuple[str, ...] = (), backend: str = "debian"
) -> Rule:
    return Rule(Category(key, key), matcher, needles, without, backend, "rules.toml", 1)


def matching(*rules: Rule) -> Matcher:
    return Matcher(RuleSet(rules))


def frame(content: bytes) -> bytes:
    """As upstream stores logs: without a content size."""
    stream = zstandard.ZstdCompressor(level=1).compressobj()
    return stream.compress(content) + stream.flush()


def failed(log: bytes | None, *diffoscope: bytes | None, architecture: str = "amd64") -> FailedBuild:
    artifacts = tuple(
        FailedArtifact(f"a{number}.deb", None if output is None else frame(output))
        for number, output in enumerate(diffoscope)
    )
    return FailedBuild(7, "debian", architecture, None if log is None else frame(log), artifacts)


def only(found: list[Verdict]) -> Verdict:
    assert len(found) == 1
    return found[0]


def category(found: Matcher, build: FailedBuild) -> str:
    return only(found.match(build)).category


# --- which rule wins ---------------------------------------------------------------------------


def test_the_first_rule_that_holds_wins_and_names_its_line():
    found = matching(rule("second", "log_has", "b"), rule("first", "log_has", "a"))
    assert found.match(failed(b"x\nan a, then b!\ny")) == [
        Verdict(7, None, "second", "an a, then b!", "log", 17, None)
    ]


def test_rules_for_all_come_after_those_of_the_distribution():
    found = matching(rule("for-all", "log_has", "a", backend="all"), rule("own", "log_has", "a"))
    assert category(found, failed(b"a")) == "own"
    other = FailedBuild(1, "archlinux", "x86_64", frame(b"a"))
    assert only(found.match(other)).category == "for-all"


def test_what_no_rule_explains_is_uncategorised_without_evidence():
    assert only(matching(rule("a", "log_has", "a")).match(failed(b"b"))) == Verdict(
        7, None, "uncategorised", None, None, 1, None
    )


def test_each_artifact_is_explained_by_the_log_and_its_own_diffoscope_output():
    found = matching(
        rule("gzip", "diff_has", "gzip"), rule("log", "log_has", "died"), rule("diff", "has_diff")
    )
    assert [each.category for each in found.match(failed(b"fine", b"gzip", b"other", None))] == [
        "gzip", "diff", "uncategorised",
    ]  # fmt: skip
    assert [each.category for each in found.match(failed(b"it died", b"gzip", b"other", None))] == [
        "gzip", "log", "log",
    ]  # fmt: skip


def test_an_empty_diffoscope_output_is_no_difference():
    assert category(matching(rule("diff", "has_diff")), failed(b"", b"")) == "uncategorised"


def test_a_build_without_log_is_a_build_with_an_empty_one():
    found = matching(rule("something", "log_has_re", "(?s)."), rule("empty", "log_has_re", "^$"))
    assert only(found.match(failed(None))) == Verdict(7, None, "empty", None, None, None, None)
    assert category(found, failed(b"")) == "empty"
    assert category(found, failed(b"\0")) == "something"


def test_the_architecture_is_put_into_texts_but_not_into_regexes():
    found = matching(rule("text", "log_has", "for {arch}!"), rule("regex", "log_has_re", r"in \{arch}"))
    assert category(found, failed(b"for arm64!", architecture="arm64")) == "text"
    assert category(found, failed(b"for arm64!", architecture="amd64")) == "uncategorised"
    assert category(found, failed(b"in {arch}")) == "regex"


def test_a_rule_is_skipped_for_architectures_that_start_with_an_excluded_one():
    found = matching(rule("not-arm", "log_has", "a", without=("arm", "all")), rule("rest", "catch_all"))
    assert [category(found, failed(b"a", architecture=each)) for each in ("amd64", "armhf", "all")] == [
        "not-arm", "rest", "rest",
    ]  # fmt: skip


def test_invalid_utf8_counts_as_replacement_characters():
    found = matching(rule("damaged", "log_has", "caf\N{REPLACEMENT CHARACTER}!"))
    assert category(found, failed(b"caf\xe9!")) == "damaged"
    assert category(found, failed("caf\N{REPLACEMENT CHARACTER}!".encode())) == "damaged"
    assert category(found, failed("café!".encode())) == "uncategorised"


# --- evidence ----------------------------------------------------------------------------------


def evidence(log: bytes, matcher: str, *needles: str) -> str | None:
    return only(matching(rule("key", matcher, *needles)).match(failed(log))).evidence


def test_evidence_of_any_is_the_first_of_its_texts_and_of_all_a_line_for_each():
    log = b"one\ntwo\nthree and four\n"
    assert evidence(log, "log_has_any", "two", "one") == "two"
    assert evidence(log, "log_has_all", "four", "one", "three") == "three and four\none"


def test_evidence_of_a_match_over_several_lines_is_the_first_and_the_last():
    assert evidence(b"0\n<a 1\n2\n3 b>\n4", "log_has_re", "a.*b") == "<a 1\n3 b>"


def test_evidence_shows_nothing_that_does_not_print():
    log = "\x1b[31mred\x1b[0m \x1b]0;title\x07a\0b\u202ec\x9bd\te\u2028f\r".encode() + b"\xff"
    assert evidence(b"before\r\n" + log + b"\nafter", "log_has", "red") == "red abcd e f"


def test_evidence_of_a_long_line_is_cut_around_the_match():
    found = evidence(b"a" * 3000 + b"NEEDLE" + b"b" * 3000, "log_has", "NEEDLE")
    assert found is not None
    assert len(found) == LONGEST
    assert re.fullmatch("…a{240,}NEEDLEb{240,}…", found)


def test_evidence_of_a_difference_is_the_first_line_that_changed():
    output = "--- a.deb\n+++ b.deb\n├── file list\n│ @@ -1 +1 @@\n│  same\n│ -old\n│ +new\n".encode()
    found = only(matching(rule("diff", "has_diff")).match(failed(b"", output)))
    assert (found.evidence, found.evidence_from) == ("-old\n+new", "diffoscope")
    assert found.diffoscope_bytes == len(output)


def test_evidence_of_a_difference_without_lines_is_what_was_compared():
    found = only(matching(rule("diff", "has_diff")).match(failed(b"", b"--- a.deb\n+++ b.deb\n")))
    assert found.evidence == "--- a.deb\n+++ b.deb"


@given(st.binary(max_size=300), st.binary(min_size=1, max_size=40), st.binary(max_size=300))
def test_evidence_is_printable_and_short_for_any_log(before: bytes, middle: bytes, after: bytes):
    found = evidence(before * 5 + b"needle" + middle * 20 + b"end" + after, "log_has_re", "needle.*end")
    assert found is not None
    assert "needle" in found
    assert len(found) <= LONGEST
    assert found.replace("\n", "").isprintable()


# --- limits ------------------------------------------------------------------------------------


def test_a_log_of_200_megabytes_is_too_large_to_read():
    compressor = zstandard.ZstdCompressor(level=1).compressobj()
    line = b"".join(b"%d of a log that goes on and on\n" % number for number in range(30_000))
    log = b"".join(compressor.compress(line) for _ in range(200 * MEBIBYTE // len(line))) + compressor.flush()
    start = time.monotonic()
    found = only(matching(rule("a", "log_has", "on")).match(FailedBuild(1, "debian", "all", log)))
    assert time.monotonic() - start < 20
    assert (found.category, found.log_bytes) == ("log-too-large-to-read", None)
    assert found.evidence == "Not searched: decompressed it is larger than 32 MiB."


@pytest.mark.parametrize("claims_its_size", [False, True])
def test_a_decompression_bomb_is_too_large_to_read(claims_its_size: bool):
    zeros = bytes(MEBIBYTE)
    if claims_its_size:
        stream = zstandard.ZstdCompressor().compressobj(size=2000 * MEBIBYTE)
    else:
        stream = zstandard.ZstdCompressor().compressobj()
    bomb = b"".join(stream.compress(zeros) for _ in range(2000)) + stream.flush()
    assert len(bomb) < MEBIBYTE
    start = time.monotonic()
    build = FailedBuild(1, "debian", "all", frame(b"fine"), (FailedArtifact("a.deb", bomb),))
    found = only(matching(rule("a", "log_has", "a"), rule("d", "has_diff")).match(build))
    assert time.monotonic() - start < 20
    assert (found.category, found.evidence_from) == ("log-too-large-to-read", "diffoscope")


def test_a_log_of_20_megabytes_without_newlines_is_searched():
    log = b"x" * (20 * MEBIBYTE) + b"NEEDLE 17" + b"\xff" * 10
    found = matching(rule("regex", "log_has_re", r"NEEDLE \d+$"), rule("text", "log_has_re", r"NEEDLE \d+"))
    start = time.monotonic()
    verdict = only(found.match(failed(log)))
    assert time.monotonic() - start < 20
    assert (verdict.category, verdict.log_bytes) == ("text", len(log))
    assert verdict.evidence is not None
    assert verdict.evidence.startswith("…xxx")
    assert len(verdict.evidence) <= LONGEST


def test_a_large_log_of_wide_characters_is_not_decoded():
    log = b"NEEDLE " + bytes("🦊", "utf-8") * (5 * MEBIBYTE)
    found = matching(rule("text", "log_has", "absent"), rule("regex", "log_has_re", r"NEEDLE (?=🦊)"))
    assert category(found, failed(log)) == "log-too-large-to-read"
    assert category(matching(rule("text", "log_has", "NEEDLE")), failed(log)) == "text"


HOSTILE = rule("hostile", "log_has_re", "(a+)+(?=c)")


def test_catastrophic_backtracking_ends_and_names_the_rule():
    start = time.monotonic()
    found = only(matching(HOSTILE, rule("rest", "catch_all")).match(failed(b"a" * 5000)))
    assert time.monotonic() - start < PATIENCE + 10
    assert found.category == "rule-timed-out"
    assert found.evidence == "The rule “hostile” of debian took longer than 1 s."


def test_a_rule_that_timed_out_often_is_given_little_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(matcher_module, "PATIENCE", 0.06)
    found = matching(HOSTILE, rule("rest", "catch_all"))
    verdicts_found = [only(found.match(failed(b"a" * 5000))) for _ in range(TIMEOUTS_FORGIVEN + 1)]
    assert {verdict.category for verdict in verdicts_found} == {"rule-timed-out"}
    assert "0.06 s" in (verdicts_found[TIMEOUTS_FORGIVEN - 1].evidence or "")
    assert f"{LITTLE_PATIENCE} s" in (verdicts_found[TIMEOUTS_FORGIVEN].evidence or "")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no zstd at all", "it is no zstd frame, or a damaged one"),
        (frame(b"a" * 5000 + bytes(range(256)) * 30)[:-20], "its zstd frame ends too early"),
        (zstandard.ZstdCompressor(write_checksum=True).compress(b"a" * 99)[:-1] + b"?", "checksum"),
    ],
)
def test_a_damaged_log_is_unreadable(content: bytes, reason: str):
    found = only(matching(rule("a", "log_has", "a")).match(FailedBuild(1, "debian", "all", content)))
    assert (found.category, found.log_bytes) == ("log-unreadable", None)
    assert reason in (found.evidence or "")


def test_a_damaged_diffoscope_output_only_matters_to_rules_that_read_it():
    artifact = FailedArtifact("a.deb", b"damaged")
    found = matching(
        rule("log", "log_has", "died"), rule("diff", "has_diff"), rule("late", "log_has", "late")
    )
    assert category(found, FailedBuild(1, "debian", "all", frame(b"died"), (artifact,))) == "log"
    assert category(found, FailedBuild(1, "debian", "all", frame(b"late"), (artifact,))) == "log-unreadable"


def test_empty_logs_as_upstream_writes_them_are_readable():
    for empty in ("28B52FFD2000010000", "28b52ffd240001000099e9d851"):
        found = matching(rule("empty", "log_has_re", "^$"))
        assert category(found, FailedBuild(1, "debian", "all", bytes.fromhex(empty))) == "empty"


# --- explaining --------------------------------------------------------------------------------


def test_explain_says_of_every_rule_whether_and_where_it_holds():
    found = matching(
        rule("absent", "log_has", "z"),
        rule("elsewhere", "log_has", "a", without=("am",)),
        rule("late", "log_has_re", "b+"),
        rule("diff", "diff_has", "d"),
        rule("rest", "catch_all"),
    )
    explained = found.explain("debian", "amd64", b"a\nbb\n", b"d")
    assert [
        (each.rule.category.key, each.holds, each.won, each.line, each.evidence) for each in explained
    ] == [
        ("absent", False, False, None, None),
        ("elsewhere", False, False, None, None),
        ("late", True, True, 2, "bb"),
        ("diff", True, False, 1, "d"),
        ("rest", True, False, None, None),
    ]
    assert explained[1].problem == "does not apply to amd64"


# --- it agrees with the plain meaning of the rules -------------------------------------------------

PIECES = [
    "a", "b", "ab", "ba", "aba", "é", "🦊", "\N{REPLACEMENT CHARACTER}", "\n", "\0", "\x1b[1m", "amd64",
    "arm64", "A", "K", "\N{KELVIN SIGN}", "ſ", "1", "-", " ", "{arch}", "e\u0301",
]  # fmt: skip
BYTES = [piece.encode() for piece in PIECES] + [
    b"\xff",
    b"\xe9",
    b"\xf0\x9f",
    b"\xa6\x8a",
    b"\xed\xa0\x80",
    b"\xc0",
]
logs = st.lists(st.sampled_from(BYTES), max_size=14).map(b"".join)
texts = st.lists(st.sampled_from(PIECES), min_size=1, max_size=3).map("".join)

CONSTRUCTS = [
    r".",
    r"\d",
    r"\w",
    r"\s",
    r"\W",
    r"[ab]",
    r"[^a]",
    r"[a-cé]",
    r"[^é\n]",
    r"[[:alpha:]]",
    r"[\s1]",
    r"\b",
    r"^",
    r"$",
    r"\p{Lu}",
    r"(?!a)",
    r"(?=b)",
    r"(?<=a)",
    r"(?<!b)",
    r"(?i)",
    r"(?-i)",
    r"(?m)",
    r"(?-s)",
    r"(?m:$)",
]
escaped = st.sampled_from(PIECES).map(lambda piece: re.sub(r"[{}[\-.]", r"\\\g<0>", piece))
atoms = escaped | st.sampled_from(CONSTRUCTS)
repeats = st.sampled_from(
    ["", "", "", "?", "*", "+", "*?", "+?", "??", "{2}", "{,2}", "{1,2}", "{2,}", "{,60}", "++"]
)


def _grouped(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    sequence = st.lists(st.tuples(inner, repeats).map("".join), min_size=1, max_size=4).map("".join)
    return st.one_of(
        sequence.map("(?:{})".format),
        sequence.map("({})".format),
        sequence.map("(?i:{})".format),
        sequence.map("(?>{})".format),
        st.lists(sequence, min_size=2, max_size=3).map("|".join).map("(?:{})".format),
        sequence.map(r"({})\1".format),
    )


def _readable(source: str) -> bool:
    try:
        compile_pattern(source)
    except ValueError:
        return False
    return True


regexes = st.lists(
    st.tuples(st.recursive(atoms, _grouped, max_leaves=8), repeats).map("".join), min_size=1, max_size=4
).map("".join).filter(_readable)  # fmt: skip


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    matcher = draw(
        st.sampled_from(["log_has", "log_has_re", "log_has_any", "log_has_all", "diff_has", "diff_has_re"])
        | st.sampled_from(["diff_has_any", "has_diff", "catch_all", "log_has_re", "diff_has_re"])
    )
    if matcher.endswith("_re"):
        needles = (draw(regexes),)
    elif matcher.endswith(("_any", "_all")):
        needles = tuple(draw(st.lists(texts, min_size=1, max_size=3)))
    else:
        needles = () if matcher in ("has_diff", "catch_all") else (draw(texts),)
    without = draw(st.sampled_from([(), (), ("all",), ("am", "i386")]))
    key = draw(st.uuids()).hex
    return rule(key, matcher, *needles, without=without, backend=draw(st.sampled_from(["debian", "all"])))


def naive(ordered: tuple[Rule, ...], architecture: str, log: bytes, diffoscope: bytes | None) -> str:
    """One rule after the other on the decoded texts."""
    for each in ordered:
        excluded = any(architecture.startswith(start) for start in each.exclude_architectures)
        read = log if each.matcher.startswith("log_") else diffoscope
        if each.matcher == "catch_all":
            read = b""
        if (
            not excluded
            and read is not None
            and naively_holds(each, architecture, read.decode("utf-8", "replace"))
        ):
            return each.category.key
    return "uncategorised"


def naively_holds(each: Rule, architecture: str, text: str) -> bool:
    found = (needle.replace("{arch}", architecture) in text for needle in each.needles)
    match each.matcher:
        case "log_has_re" | "diff_has_re":
            return compile_pattern(each.needles[0]).compiled.search(text) is not None
        case "log_has_all":
            return all(found)
        case "has_diff":
            return text != ""
        case "catch_all":
            return True
    return any(found)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(rules(), min_size=1, max_size=8),
    st.sampled_from(["amd64", "arm64", "all", ""]),
    logs,
    st.lists(st.none() | logs, max_size=2),
)
def test_the_matcher_agrees_with_trying_one_rule_after_the_other(
    some_rules: list[Rule], architecture: str, log: bytes, outputs: list[bytes | None]
):
    found = matching(*some_rules)
    build = failed(log, *outputs, architecture=architecture)
    ordered = found.rules.for_distribution("debian")
    expected = [naive(ordered, architecture, log, output) for output in outputs or [None]]
    with pytest.MonkeyPatch.context() as patch:
        # A regex that was in vain once has a sieve the next time.
        patch.setattr(plan, "SECONDS_IN_VAIN", 0)
        for _ in range(3):
            assert [each.category for each in found.match(build)] == expected


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(regexes, logs)
def test_a_regex_matches_only_where_its_literals_and_its_sieve_do(source: str, log: bytes):
    pattern = compile_pattern(source)
    text = log.decode("utf-8", "replace")
    if pattern.compiled.search(text):
        assert all(any(literal in text for literal in clause) for clause in pattern.required)
        sieve = scanner.of_sieve(pattern.sieve)
        assert sieve is None or sieve.scan(log)


# --- what regexes mean -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "text", "matches"),
    [
        ("a.b", "a\nb", True),
        ("(?-s)a.b", "a\nb", False),
        ("a{,2}b", "b", True),
        ("^a{,2}b$", "aaab", False),
        ("a{x}", "a{x}", True),
        ("a$", "a\n", False),
        (r"a\z", "a\n", False),
        (r"a\Z", "a\n\n", True),
        ("(?m)^b$", "a\nb\nc", True),
        ("^b", "a\nb", False),
        (r"(\w+)-\1", "ab-ab", True),
        (r"(?P<n>\w+)-(?P=n)", "ab-cd", False),
        (r"(?<n>\w)\k<n>", "aa", True),
        ("[[:upper:]]", "É", False),
        ("[]a]", "]", True),
        ("[^]a]", "]", False),
        (r"\h\H", "fg", True),
        (r"\x{1F98A}\u00e9", "🦊é", True),
        ("(?i)straSSe", "STRASSE", True),
        ("(?i)strasse", "straße", False),
        ("a(?i)b|c", "C", True),
        ("(?:(?i)a)b", "AB", False),
        ("a(?#what)b", "ab", True),
        ("a++a", "aaa", False),
        (r"foo\/bar\-", "foo/bar-", True),
    ],
)
def test_regexes_mean_what_they_mean_to_upstream(source: str, text: str, matches: bool):
    assert bool(compile_pattern(source).compiled.search(text)) is matches


@pytest.mark.parametrize(
    ("source", "required"),
    [
        ("failed: .*No space", (("failed: ",), ("No space",))),
        ("[Ee]rror in (?:gcc|ld)", (("Error in gcc", "Error in ld", "error in gcc", "error in ld"),)),
        ("colou?r!", (("color!", "colour!"),)),
        ("(?:abc.+|de.+)f", (("abc", "de"), ("f",))),
        ("(?i)error", ()),
        ("a*|b", ()),
    ],
)
def test_the_literals_that_a_regex_requires(source: str, required: tuple[tuple[str, ...], ...]):
    assert tuple(tuple(sorted(clause)) for clause in compile_pattern(source).required) == required
