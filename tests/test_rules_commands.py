"""What rule authors use: check, explain, suggest."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

import pytest
import zstandard
from helpers import DAEMON, ingest, rows, run
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.categories.checking import never_winning
from ingest.categories.matcher import Matcher
from ingest.categories.rules import load_rules
from ingest.categories.suggesting import as_toml, last_error, suggestions
from ingest.logs import beside

LOG = """\
gcc -o xdo main.o
/usr/bin/ld: main.o: undefined reference to `queue_new'
collect2: error: ld returned 1 exit status
dpkg-buildpackage: error: debian/rules binary subprocess returned exit status 2
E: Build failure (dpkg-buildpackage died with exit 2)
"""
DIFFOSCOPE = """\
--- xdo_0.5.deb
+++ xdo_0.5.deb
├── ./usr/share/xdo/version
│ @@ -1 +1 @@
│ -built in /build/xdo-Xq1ab2/src
│ +built in /build/xdo-Zr9cd4/src
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return _written(tmp_path / "build.log", LOG)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("published") / "reproducibility.db"
    ingest(path, DAEMON)
    return path


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def _rules(tmp_path: Path, categories: str, backend: str = "debian") -> Path:
    return _written(tmp_path / "own.toml", f"[backend.{backend}]\ncategories = [{categories}]\n")


def test_explain_names_the_rule_that_wins_where_it_matches_and_which_hold_as_well(log: Path) -> None:
    lines = run("rules", "explain", log).output.splitlines()
    assert lines[0] == "Linker error (linker-error, build)"
    assert lines[1].endswith("[backend.debian] rule 32 “Linker error”")
    assert lines[2:4] == [
        "  log line 3: collect2: error: ld returned 1 exit status",
        "    E: Build failure (dpkg-buildpackage died with exit 2)",
    ]
    assert lines[4] == "These rules hold as well, but come later:"
    assert lines[5:7] == [
        "  Does not build (does-not-build, build)",
        "    log line 5: E: Build failure (dpkg-buildpackage died with exit 2)",
    ]


def test_explain_reads_compressed_logs_too(log: Path, tmp_path: Path) -> None:
    compressed = tmp_path / "build.log.zst"
    compressed.write_bytes(zstandard.ZstdCompressor(write_content_size=False).compress(LOG.encode()))
    assert run("rules", "explain", compressed).output == run("rules", "explain", log).output


def test_explain_shows_the_two_lines_of_a_difference(tmp_path: Path) -> None:
    built = _written(tmp_path / "built.log", "Status: successful\n")
    diffoscope = _written(tmp_path / "diff.txt", DIFFOSCOPE)
    lines = run("rules", "explain", built, "--diffoscope", diffoscope).output.splitlines()
    assert lines[0] == "Build path captured (captures-build-path, unreproducible)"
    assert lines[2:4] == [
        "  diffoscope line 5: │ -built in /build/xdo-Xq1ab2/src",
        "    │ +built in /build/xdo-Zr9cd4/src",
    ]


def test_explain_tries_the_rules_that_it_is_given_for_the_distribution_and_architecture(
    log: Path, tmp_path: Path
) -> None:
    rules = _rules(
        tmp_path,
        """{name = "a", log_has = "main.{arch}"}, {name = "b", log_has = "gcc", exclude_architectures = ["o"]}""",
        "mine",
    )
    tried = ("rules", "explain", log, "--rules", rules, "--distribution", "mine", "--architecture")
    assert run(*tried, "o").output.startswith("a (a, unknown)\n")
    assert "does not apply to o" in run(*tried, "o").output
    assert run(*tried, "amd64").output.startswith("b (b, unknown)\n")
    assert run("rules", "explain", log, "--rules", rules).output == "No rule holds: uncategorised\n"


def test_explain_says_that_a_rule_timed_out_as_the_ingest_does(tmp_path: Path) -> None:
    rules = _rules(tmp_path, """{name = "slow", log_has_re = '(a|aa)+$'}, {name = "b", log_has = "b"}""")
    log = _written(tmp_path / "build.log", "a" * 30_000 + "b\n")
    lines = run("rules", "explain", log, "--rules", rules).output.splitlines()
    assert lines[0] == "Rule timed out (rule-timed-out, unknown)"
    assert lines[1].endswith("[backend.debian] rule 1 “slow”")
    assert lines[2:4] == ["These rules hold as well, but come later:", "  b (b, unknown)"]
    assert lines[-1].endswith("rule 1 “slow”: took longer than 1 s")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x28\xb5\x2f\xfdnonsense", "it is no zstd frame, or a damaged one"),
        (zstandard.compress(b"a log" * 1000)[:-5], "its zstd frame ends too early"),
        (zstandard.compress(bytes(40 << 20)), "decompressed it is larger than 32 MiB"),
        (bytes(33 << 20), "is larger than 32 MiB"),
    ],
)
def test_a_log_that_cannot_be_read_is_an_error_of_one_sentence(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    damaged = tmp_path / "damaged.log"
    damaged.write_bytes(content)
    result = run("rules", "explain", damaged)
    assert result.exit_code == 1 and result.output.startswith(f"Error: {damaged}: ")
    assert reason in result.output and result.output.count("\n") == 1


@settings(deadline=None, max_examples=20)
@given(st.binary(max_size=300))
def test_explain_takes_any_bytes(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "any.log"
    file.write_bytes(content)
    result = run("rules", "explain", file, "--diffoscope", file)
    assert result.exit_code in (0, 1) and result.output


def test_check_finds_nothing_wrong_with_the_default_rules() -> None:
    result = run("rules", "check")
    assert result.exit_code == 0 and result.output.count("\n") == 1


def test_check_lists_every_problem_and_fails(tmp_path: Path) -> None:
    rules = _rules(
        tmp_path,
        """{name = "a"}, {name = "b", log_has = "x", diff_has = "x"}, {name = "c", log_has_re = "("}""",
    )
    result = run("rules", "check", rules)
    assert result.exit_code == 1
    assert [line.partition("“")[2][0] for line in result.output.splitlines()] == ["a", "b", "c"]
    assert all(line.startswith(f"Error: {rules}: ") for line in result.output.splitlines())


def test_check_refuses_a_file_that_is_nested_without_end(tmp_path: Path) -> None:
    result = run("rules", "check", _written(tmp_path / "deep.toml", "a = " + "[" * 100_000))
    assert result.exit_code == 1 and result.output.endswith("is nested too deeply for a rule file.\n")


@pytest.mark.parametrize("command", ["check", "explain", "suggest"])
def test_a_rule_file_that_is_not_there_is_an_error_of_one_sentence(
    tmp_path: Path, log: Path, database: Path, command: str
) -> None:
    missing = tmp_path / "missing.toml"
    arguments: dict[str, list[str | Path]] = {
        "check": [missing],
        "explain": [log, "--rules", missing],
        "suggest": [database, "--rules", missing],
    }
    result = run("rules", command, *arguments[command])
    assert result.exit_code == 1
    assert result.output == f"Error: {missing}: cannot be read (No such file or directory).\n"


@pytest.mark.parametrize(
    "categories",
    [
        '{name = "a", log_has = "died"}, {name = "b", log_has = "make died"}',
        '{name = "a", log_has_any = ["died", "fail"]}, {name = "b", log_has_any = ["make died", "failed"]}',
        '{name = "a", log_has = "died"}, {name = "b", log_has_all = ["make", "died with exit 2"]}',
        '{name = "a", log_has = "died"}, {name = "b", log_has_re = "make (?:died|has died) \\\\d+"}',
        '{name = "a", log_has_all = ["a", "b"]}, {name = "b", log_has_all = ["xa", "b", "c"]}',
        '{name = "a", log_has_re = "a+"}, {name = "b", log_has_re = "a+"}',
        '{name = "a", has_diff = true}, {name = "b", diff_has = "Build ID"}',
        '{name = "a", catch_all = true}, {name = "b", log_has = "died"}',
        '{name = "a", log_has = "x", exclude_architectures = ["arm64"]},'
        ' {name = "b", log_has = "x", exclude_architectures = ["arm"]}',
    ],
)
def test_check_names_a_rule_that_never_wins(tmp_path: Path, categories: str) -> None:
    result = run("rules", "check", _rules(tmp_path, categories))
    assert result.exit_code == 0
    assert "rule 2 “b” never wins: rule 1 “a” holds wherever it does.\n" in result.output


@pytest.mark.parametrize(
    "categories",
    [
        '{name = "a", log_has = "make died"}, {name = "b", log_has = "died"}',
        '{name = "a", log_has = "died"}, {name = "b", log_has_any = ["died", "failed"]}',
        '{name = "a", log_has = "died"}, {name = "b", diff_has = "died"}',
        '{name = "a", log_has_all = ["a", "b"]}, {name = "b", log_has = "a"}',
        '{name = "a", has_diff = true}, {name = "b", diff_has_re = ".*"}',
        '{name = "a", log_has = "x", exclude_architectures = ["arm64"]}, {name = "b", log_has = "x"}',
    ],
)
def test_check_leaves_a_rule_alone_that_can_win(tmp_path: Path, categories: str) -> None:
    assert "never wins" not in run("rules", "check", _rules(tmp_path, categories)).output


_words = st.text("ab", min_size=1, max_size=3)
_plain_rules = st.lists(
    st.one_of(
        st.fixed_dictionaries({"log_has": _words}),
        st.fixed_dictionaries({"log_has_any": st.lists(_words, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"log_has_all": st.lists(_words, min_size=1, max_size=3)}),
    ),
    min_size=2,
    max_size=5,
)


@settings(deadline=None)
@given(_plain_rules, st.lists(st.text("ab ", max_size=12), max_size=5))
def test_a_rule_that_is_said_never_to_win_never_wins(
    tmp_path_factory: pytest.TempPathFactory, rules: list[dict[str, str | list[str]]], logs: list[str]
) -> None:
    entries = ", ".join(
        "{" + ", ".join([f'name = "r{number}"', *(f"{key} = {value!r}" for key, value in rule.items())]) + "}"
        for number, rule in enumerate(rules)
    )
    loaded = load_rules([_rules(tmp_path_factory.getbasetemp(), entries)])
    matcher = Matcher(loaded)
    losers = {rule for rule, _ in never_winning(loaded)}
    for text in logs:
        assert not any(
            each.won and each.rule in losers for each in matcher.explain("debian", "amd64", text.encode())
        )


def test_check_with_a_database_names_rules_that_match_nothing_in_it(tmp_path: Path, database: Path) -> None:
    rules = _rules(
        tmp_path,
        '{name = "there", log_has = "dpkg-buildpackage died"}, {name = "not there", log_has = "no such words"}',
    )
    result = run("rules", "check", rules, "--database", database)
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert lines[0] == f"{rules}: [backend.debian] rule 2 “not there” matches no failure."
    assert lines[1].endswith(" failures with logs were tried.")


def test_suggest_writes_a_rule_file_that_leaves_nothing_uncategorised(tmp_path: Path, database: Path) -> None:
    own = _rules(tmp_path, '{name = "differs", has_diff = true}, {name = "rest", catch_all = true}')
    suggested = run("rules", "suggest", database, "--rules", own, "--limit", "500").stdout
    new = _written(tmp_path / "new.toml", suggested)
    assert run("rules", "check", new).exit_code == 0
    assert (
        "# 25 failures of 6 packages, such as " in suggested
        and "log_has_re = 'E: Build failure \\(" in suggested
    )

    own = _rules(tmp_path, '{name = "differs", has_diff = true}', "all")
    again = run("rules", "suggest", database, "--rules", new, "--rules", own)
    assert (again.stdout, again.stderr) == ("", "No failure is uncategorised whose log is kept.\n")


def test_suggest_writes_the_most_frequent_first_and_no_more_than_asked_for(
    tmp_path: Path, database: Path
) -> None:
    own = _rules(tmp_path, '{name = "differs", has_diff = true}')
    suggested = run("rules", "suggest", database, "--rules", own, "--limit", "3").stdout
    counts = [int(line.split()[1]) for line in suggested.splitlines() if line.startswith("# ")]
    assert len(counts) == 3 and counts == sorted(counts, reverse=True)
    assert len(tomllib.loads(suggested)["backend"]["debian"]["categories"]) == 3


def test_a_suggested_rule_explains_as_many_failures_as_it_says(tmp_path: Path, database: Path) -> None:
    own = _rules(tmp_path, '{name = "differs", has_diff = true}, {name = "rest", catch_all = true}', "all")
    suggested = run("rules", "suggest", database, "--rules", own, "--limit", "500").stdout
    said = {}
    for rule in suggested.strip().split("\n\n"):
        (category,) = tomllib.loads(rule)["backend"]["debian"]["categories"]
        counts = re.findall(r"^# (?:It also holds for )?(\d+) ", rule, re.MULTILINE)
        said[category["name"]] = sum(map(int, counts))
    changed = tmp_path / "reproducibility.db"
    for path in (database, beside(database)):
        shutil.copy(path, changed.with_suffix(path.suffix))
    new = _written(tmp_path / "new.toml", suggested)
    assert run("categorise", changed, "--rules", own, "--rules", new).exit_code == 0
    explained = rows(
        changed,
        "SELECT c.name, count(*) FROM failures AS f JOIN categories AS c ON c.id = f.category_id"
        " WHERE c.name <> 'differs' GROUP BY c.name",
    )
    assert dict(explained) == said
    assert len(said) > 5 and "# It also holds for " in suggested


def test_what_tells_of_no_error_is_suggested_last() -> None:
    logs = [("xdo", "1", "all done\n")] * 3 + [("xdo", "1", "error: no\n")]
    assert [each.name for each in suggestions(("debian", *each) for each in logs)] == [
        "error: no",
        "all done",
    ]


def test_a_suggested_name_is_that_of_no_other_category() -> None:
    found = suggestions([("debian", "xdo", "1", "Linker error\n")])
    assert "name = 'Linker error (2)'\n" in "".join(as_toml(found, ["linker-error"]))


@pytest.mark.parametrize("command", [["check", "--database"], ["suggest"]])
def test_a_file_that_is_no_database_is_an_error_of_one_sentence(
    tmp_path: Path, log: Path, command: list[str]
) -> None:
    result = run("rules", *command, log)
    assert result.exit_code == 1 and result.output.count("\n") == 1
    assert result.output.startswith(f"Error: {log}: ")


def test_what_varies_between_failures_is_folded() -> None:
    logs = [
        ("xdo", "0.5-1", "cp: cannot stat '/build/xdo-0.5/a.so.3': error 12 in xdo_0.5-1_amd64.deb"),
        ("zlib", "1:1.3", "cp: cannot stat '/build/zlib-1.3/b.so': error 7 in zlib_1:1.3_all.deb"),
    ]
    (only,) = suggestions(("debian", *each) for each in logs)
    assert (only.count, only.packages) == (2, {"xdo 0.5-1": 1, "zlib 1:1.3": 1})
    assert only.name == "cp: cannot stat '…': error … in …"
    assert only.matcher == ("log_has_re", r"cp: cannot stat '\S+': error \d+ in \S+")


def test_the_last_error_is_not_the_last_line() -> None:
    assert last_error("E: Failed\nerror: no\n\n+-----+\n| Finished, failed |\n+----+\nbye\n") == "error: no"
    assert last_error("warnE: Unable to correct problems\n") == "E: Unable to correct problems"
    assert last_error("\x1b[31merror:\x1b[0m it broke\n") == "it broke"
    assert last_error("all is well\n\n") == "all is well"
    assert last_error(" \n\x00\n") is None


@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=60), st.sampled_from(["xdo", "a+b", "C"]))
def test_a_suggested_rule_loads_and_holds_for_the_log_it_was_made_from(
    tmp_path_factory: pytest.TempPathFactory, before: str, after: str, package: str
) -> None:
    log = f"{before} error /tmp/{package} 1.2-3 {after}\n"
    found = suggestions([("debian", package, "1", log), ("ünknown distribution", package, "1", log)])
    rules = _written(tmp_path_factory.getbasetemp() / "suggested.toml", "\n".join(as_toml(found)))
    matcher = Matcher(load_rules([rules]))
    for each in found:
        (explanation,) = matcher.explain(each.distribution, "amd64", log.encode())
        assert explanation.won
