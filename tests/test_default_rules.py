"""The rules that come with the program, each tried on a text that it is for (tests/logs/)."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard

from ingest.categories.checking import never_winning
from ingest.categories.evidence import of_difference
from ingest.categories.matcher import Matcher
from ingest.categories.patterns import compile_pattern
from ingest.categories.rules import FOR_ALL, Rule, load_rules
from ingest.categories.verdicts import FailedArtifact, FailedBuild, Verdict

LOGS = Path(__file__).parent / "logs"
RULES = load_rules()
MATCHER = Matcher(RULES)
DISTRIBUTIONS = (*RULES.distributions(), "another")
WELL_BUILT = "Build finished at 2026-11-21T22:50:08Z\nStatus: successful\n==> Finished making: xdo 0.5-1\n"


def samples(backend: str) -> Iterator[tuple[str, str, str]]:
    """Key of a category, ``log`` or ``diffoscope``, and a text: one for each rule of a backend."""
    _, *parts = re.split(
        r"^##### (\S+) (log|diffoscope)\n", (LOGS / f"{backend}.txt").read_text(), flags=re.MULTILINE
    )
    return zip(parts[::3], parts[1::3], parts[2::3], strict=True)


def verdict(distribution: str, kind: str, text: str) -> Verdict:
    """Of a build with that log, or of an artifact with that diffoscope output that was built well."""
    log = zstandard.compress((WELL_BUILT if kind == "diffoscope" else text).encode())
    diffoscope = zstandard.compress(text.encode()) if kind == "diffoscope" else None
    artifacts = (FailedArtifact("xdo", diffoscope),) if diffoscope else ()
    (verdict,) = MATCHER.match(FailedBuild(1, distribution, "amd64", log, artifacts))
    return verdict


SAMPLES = [
    (backend, distribution, *sample)
    for backend in (*RULES.distributions(), FOR_ALL)
    for sample in samples(backend)
    for distribution in (DISTRIBUTIONS if backend == FOR_ALL else [backend])
]


@pytest.mark.parametrize(("backend", "distribution", "key", "kind", "text"), SAMPLES)
def test_a_rule_wins_for_its_sample(backend: str, distribution: str, key: str, kind: str, text: str) -> None:
    assert verdict(distribution, kind, text).category == key


@pytest.mark.parametrize("backend", [*RULES.distributions(), FOR_ALL])
def test_every_rule_has_a_sample_and_they_are_in_the_same_order(backend: str) -> None:
    keys = [rule.category.key for rule in RULES.rules if rule.backend == backend]
    assert [key for key, _, _ in samples(backend)] == keys


def test_evidence_of_a_difference_is_the_two_lines_that_differ() -> None:
    for key, kind, text in samples(FOR_ALL):
        if kind == "diffoscope" and key.startswith(("captures-", "timestamps-in-a-file", "file-times")):
            evidence = verdict("debian", kind, text).evidence or ""
            marks = [line.lstrip("│ ")[0] for line in evidence.splitlines()]
            assert set(marks) <= {"-", "+"}, evidence


def difference(removed: str, added: str) -> str:
    return f"├── ./usr/share/xdo/file\n│ @@ -1,2 +1,2 @@\n│  the same\n│ -{removed}\n│ +{added}\n"


@pytest.mark.parametrize(
    ("removed", "added"),
    [
        ("built on Nov 14, 2023", "built on Aug 16, 2024"),
        ("built 14 November 2023", "built 16 August 2024"),
        ("Tue Nov 14 22:13:20 UTC 2023", "Fri Aug 16 20:23:31 UTC 2024"),
        ("Tue, 14 Nov 2023", "Fri, 16 Aug 2024"),
        ("date: 2023/11/14", "date: 2024/08/16"),
        ("stamp 20231114221320", "stamp 20240816202331"),
        ("at 22:13:20", "at 20:23:31"),
    ],
)
def test_dates_are_known_in_many_forms(removed: str, added: str) -> None:
    assert verdict("debian", "diffoscope", difference(removed, added)).category == "timestamps-in-a-file"


@pytest.mark.parametrize(
    ("removed", "added"),
    [
        ("released 2023-11-14, a", "released 2023-11-14, b"),
        ("Copyright 2019 Ann", "Copyright 2019 Bob"),
        ("see /build/reproducible-path/a for a", "see /build/reproducible-path/a for b"),
        ("a in /tmp/x.txt", "b in /tmp/x.txt"),
        ("May I", "Can You"),
        ("took 0.2 s for a", "took the time"),
    ],
)
def test_what_both_lines_say_is_not_how_they_differ(removed: str, added: str) -> None:
    assert verdict("debian", "diffoscope", difference(removed, added)).category == "differs"


def test_a_word_in_an_unchanged_line_decides_nothing() -> None:
    words = (
        "PackageVerificationCode: CreationDate POT-Creation-Date: Built: R /libfakeroot compiled by root@host"
    )
    text = difference("queue", "array").replace("the same", words)
    assert verdict("debian", "diffoscope", text).category == "differs"


@pytest.mark.parametrize(
    ("distribution", "words"),
    [
        ("debian", "dd: error writing '/dev/full': No space left on device\n"),
        ("debian", "configure: error in a test\ncollect2: error: ld returned 1 exit status\n"),
        ("debian", "E: Failed to fetch https://snapshot.example/a.deb  503  Try again\n"),
        ("debian", "FAIL: test (expected)\ndh_auto_test: error: ignored\n"),
        ("debian", "W: The repository 'http://mirror.example/debian trixie InRelease' is not signed.\n"),
        ("archlinux", "error: failed retrieving file 'a.tar.zst' from one.example : 502\nnext mirror\n"),
        ("archlinux", "test: failed to retrieve the page (expected) ... ok\n"),
        ("fedora", "test_solver: nothing provides b needed by a ... ok\n"),
    ],
)
def test_errors_in_the_log_of_a_good_build_decide_nothing(distribution: str, words: str) -> None:
    assert verdict(distribution, "log", words + WELL_BUILT).category == "missing-from-the-build"


LINES = {
    "lists of removed files": "│ │ │ --rw-r--r--   0 root (0) root (0) 910 2024-03-01 10:00:00.000000 ./etc/xdo.conf\n",
    "lists of files in archives": "│ │ │ --rw-r--r--  2.0 unx      123 b- defN 23-Nov-14 22:13 org/a.txt\n",
    "removed lines": "│ -2023-11-14 22:13:20 7ae89fa3632e1f79974bc78231da98ac6146aeac /build/a/b /tmp/c © 2023 -j4\n",
    "one endless line": "│ -/tmp/a7ae89fa3632e1f79974bc78231da98ac6146aeac ├── a Nov 14 2023 22:13:20 ",
    "a line that ends after all": "│ -/tmp/a7ae89fa3632e1f79974bc78231da98ac6146aeac ├── a Nov 14 2023 22:13:20 \n│ +b",
    "logs of errors": "a.c:1:2: error: No space left on device, Cannot allocate memory, undefined reference to `b'\n",
}


ENDS = "E: Build failure (dpkg-buildpackage died\n==> ERROR: A failure occurred in\nRPM build errors:\nFailed ports: a\n"


QUICK = 0.3
"""Seconds of a processor."""


def lines(what: str, size: int) -> str:
    """So many characters, and what rules look for at the end of a log."""
    return LINES[what] * (size // len(LINES[what])) + ENDS


def searching(rule: Rule, text: str) -> float:
    """Seconds that a processor works, whatever else the machine does."""
    started = time.process_time()
    compile_pattern(rule.needles[0]).compiled.search(text)
    return time.process_time() - started


@pytest.mark.parametrize("what", LINES)
def test_no_regex_takes_more_than_its_share_of_a_larger_log(what: str) -> None:
    small, large = lines(what, 75_000), lines(what, 300_000)
    for rule in RULES.rules:
        if rule.matcher.endswith("_re"):
            # Four times the log may take four times as long; its square would be sixteen times.
            assert (taken := searching(rule, large)) < QUICK or taken < 9 * searching(rule, small), rule


@pytest.mark.parametrize("what", LINES)
def test_evidence_is_found_at_once_in_large(what: str) -> None:
    text = lines(what, 300_000).encode()
    started = time.process_time()
    assert of_difference(text)
    assert time.process_time() - started < QUICK


def test_no_rule_is_always_preceded_by_another() -> None:
    assert list(never_winning(RULES)) == []


def test_the_last_rule_catches_the_rest() -> None:
    last = RULES.for_distribution("debian")[-1]
    assert (last.matcher, last.category.key, last.category.class_) == (
        "catch_all",
        "uncategorised",
        "unknown",
    )


def described(rule: Rule) -> bool:
    category = rule.category
    return bool(category.class_ and category.temporary and (category.description or "").endswith("."))


def test_every_rule_says_whom_it_concerns_whether_it_passes_and_what_it_means() -> None:
    assert [str(rule) for rule in RULES.rules if not described(rule)] == []


def test_the_machines_faults_say_what_to_do() -> None:
    without = {
        category.key
        for category in RULES.categories()
        if category.class_ == "infrastructure" and category.temporary != "no" and not category.action
    }
    assert without == set()


def test_classes_follow_what_a_rule_looks_at() -> None:
    """What diffoscope compared differs, whatever kept it from telling how; a log does not tell of a difference,
    unless the build went well."""
    reads = {rule.category.key: rule.reads for rule in RULES.rules}
    unreproducible = {category.key for category in RULES.categories() if category.class_ == "unreproducible"}
    of_diffoscope = {key for key, what in reads.items() if what == "diffoscope"}
    assert of_diffoscope <= unreproducible
    assert unreproducible - of_diffoscope == {"differs-not-compared", "missing-from-the-build"}


CLASSES = {
    "build": {
        "linker-error", "tests-failed", "compiler-error", "symbols-changed", "configure-step-failed",
        "files-missing-from-the-build", "r-package-does-not-build", "does-not-build",
        "source-does-not-unpack", "patching-the-source-failed", "packaging-failed",
    },
    "archive": {
        "build-input-gone", "original-package-gone", "missing-on-the-snapshot-service",
        "no-snapshot-with-all-build-dependencies", "build-dependency-unknown-to-metasnap",
        "source-left-the-archive", "multiarch-support-upload", "multiarch-support-binnmu",
        "unmet-build-dependencies", "dpkg-too-old", "build-dependency-not-downloaded",
        "pkgbuild-not-the-one-that-was-built", "source-not-downloaded", "source-changed",
    },
}  # fmt: skip


@pytest.mark.parametrize("class_", CLASSES)
def test_what_the_package_or_the_archive_is_to_blame_for_is_not_blamed_on_the_machine(class_: str) -> None:
    assert {each.key for each in RULES.categories() if each.class_ == class_} == CLASSES[class_]
