"""What a rule file may say, and what is said of one that says something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.categories.rules import BUILT_IN, RuleSet, load_rules
from ingest.errors import RulesError

UPSTREAMS = """
[backend.debian]
categories = [
    {name = "No space", log_has_any = ["No space left", "disk full"]},
    {name = "Setuid", diff_has_re = '(-rw[xs]).{,60}\\1$', exclude_architectures = ["all"]},
    {name = "dh-buildinfo", diff_has = "buildinfo_{arch}.gz"},
    {name = "Differs", has_diff = true},
]

[[backend.all.categories]]
name = "Timeout"
log_has_all = ["TRUNCATED", "TIMEOUT"]

[[backend.all.categories]]
name = "Rest"
catch_all = true
"""


def load(folder: Path, *contents: str) -> RuleSet:
    paths = []
    for number, content in enumerate(contents):
        paths.append(folder / f"rules{number}.toml")
        paths[-1].write_text(content, encoding="utf-8")
    return load_rules(paths)


def one_rule(rest: str) -> str:
    return f'[[backend.debian.categories]]\nname = "A"\n{rest}\n'


def problems(folder: Path, *contents: str) -> list[str]:
    with pytest.raises(RulesError) as caught:
        load(folder, *contents)
    return str(caught.value).replace(f"{folder}/", "").splitlines()


def test_a_file_of_upstreams_works_as_it_is(tmp_path: Path):
    rules = load(tmp_path, UPSTREAMS)
    assert [(rule.category.key, rule.matcher, rule.needles) for rule in rules.for_distribution("debian")] == [
        ("no-space", "log_has_any", ("No space left", "disk full")),
        ("setuid", "diff_has_re", ("(-rw[xs]).{,60}\\1$",)),
        ("dh-buildinfo", "diff_has", ("buildinfo_{arch}.gz",)),
        ("differs", "has_diff", ()),
        ("timeout", "log_has_all", ("TRUNCATED", "TIMEOUT")),
        ("rest", "catch_all", ()),
    ]
    assert [rule.category.key for rule in rules.for_distribution("archlinux")] == ["timeout", "rest"]


def test_a_number_of_thousands_of_digits_is_a_sentence(tmp_path: Path):
    (problem,) = problems(tmp_path, f"a = {'9' * 5000}")
    assert problem.startswith("rules0.toml: is not TOML: ")


def test_our_own_rules_are_loaded_without_a_file():
    rules = load_rules()
    assert {"debian", "archlinux", "fedora", "freebsd"} <= set(rules.distributions())
    assert len(rules.categories()) > 50


def test_several_files_are_read_one_after_the_other(tmp_path: Path):
    second = one_rule('log_has = "second"').replace('"A"', '"B"')
    rules = load(tmp_path, one_rule('log_has = "first"'), second)
    assert [rule.needles for rule in rules.for_distribution("debian")] == [("first",), ("second",)]


def test_categories_are_listed_once_each_in_the_order_of_the_rules_and_then_the_built_in_ones(tmp_path: Path):
    for_all = one_rule('log_has = "b"\nclass = "build"\nbug = "1"').replace("debian", "all")
    rules = load(tmp_path, one_rule('log_has = "a"\naction = "retry"'), for_all)
    first, *rest = rules.categories()
    assert (first.key, first.class_, first.action, first.bug) == ("a", "build", "retry", "1")
    assert rest == list(BUILT_IN)


def test_a_rule_may_give_a_built_in_category_its_own_words(tmp_path: Path):
    content = one_rule('catch_all = true\nkey = "uncategorised"\naction = "look at it"')
    found = {category.key: category for category in load(tmp_path, content).categories()}
    assert found["uncategorised"].action == "look at it"
    assert len(found) == len(BUILT_IN)


def test_the_version_changes_with_what_decides_and_with_nothing_else(tmp_path: Path):
    first = load(tmp_path, one_rule('log_has = "a"')).version
    assert len(first) == 12
    assert load(tmp_path, one_rule('log_has = "a"\naction = "retry"\nclass = "build"')).version == first
    for other in ('log_has = "b"', 'diff_has = "a"', 'log_has_re = "a"', 'log_has = "a"\nkey = "b"'):
        assert load(tmp_path, one_rule(other)).version != first
    assert load(tmp_path, one_rule('log_has = "a"\nexclude_architectures = ["all"]')).version != first


@pytest.mark.parametrize(
    ("rest", "problem"),
    [
        ("", "has no matcher; give it exactly one of log_has, "),
        ('log_has = "a"\nhas_diff = true', "has log_has and has_diff; give it exactly one of "),
        ('log_has_re = "(a"', "has a regex that cannot be used: a parenthesis is not closed"),
        ('log_has_re = "[a&&b]"', "has a regex that cannot be used: set operations"),
        ('log_has = "a"\ncolour = "red"', "has an unknown key “colour”; remove it"),
        ("log_has = 1", "has a log_has that is no text or an empty one"),
        ('log_has = ""', "has a log_has that is no text or an empty one"),
        ("log_has_any = []", "has a log_has_any that is no list of texts or an empty one"),
        ('log_has_all = ["a", ""]', "has a log_has_all that is no list of texts or an empty one"),
        ("has_diff = false", "must say has_diff = true"),
        ('log_has = "a"\nclass = "weather"', "has the class “weather”; it must be one of infrastructure, "),
        (
            'log_has = "a"\ntemporary = "perhaps"',
            "has the temporary “perhaps”; it must be one of yes, no, maybe",
        ),
        ('log_has = "a"\nbug = 17', "has a bug that is no text"),
        ('log_has = "a"\nkey = "Not A Key"', "has the key “Not A Key”; write it as not-a-key"),
        ('log_has = "a"\nformerly = "b"', "has formerly that is no list of texts"),
        ('log_has = "a"\nexclude_architectures = [""]', "has exclude_architectures that is no list of texts"),
    ],
)
def test_a_wrong_rule_is_named_with_its_file_and_what_is_wrong(tmp_path: Path, rest: str, problem: str):
    found = problems(tmp_path, one_rule(rest))
    assert len(found) == 1
    assert found[0].startswith(f"rules0.toml: [backend.debian] rule 1 “A” {problem}")


def test_all_problems_of_all_files_are_told_at_once(tmp_path: Path):
    nameless = '[[backend.all.categories]]\nlog_has = "a"\n'
    assert problems(tmp_path, one_rule("log_has = 1\nclass = 2"), nameless, "not TOML") == [
        'rules0.toml: [backend.debian] rule 1 “A” has a class that is no text; write class = "…".',
        'rules0.toml: [backend.debian] rule 1 “A” has a log_has that is no text or an empty one; '
        'write log_has = "…".',
        'rules1.toml: [backend.all] rule 1 needs a name = "…".',
        "rules2.toml: is not TOML: Expected '=' after a key in a key/value pair (at line 1, column 5).",
    ]  # fmt: skip


def test_a_name_stands_once_in_a_list_but_may_stand_in_several(tmp_path: Path):
    twice = one_rule('log_has = "a"') + one_rule('log_has = "b"')
    assert "has a name that an earlier rule of this list has" in problems(tmp_path, twice)[0]
    assert load(tmp_path, one_rule('log_has = "a"'), one_rule('log_has = "b"').replace("debian", "all"))


def test_rules_of_one_key_have_to_agree_on_what_it_is(tmp_path: Path):
    other = one_rule('log_has = "b"\naction = "wait"').replace("debian", "all")
    assert problems(tmp_path, one_rule('log_has = "a"\naction = "retry"'), other) == [
        "rules1.toml: [backend.all] rule 1 “A” has another action than an earlier rule of the key a; make them agree."
    ]
    same_slug = one_rule('log_has = "b"').replace('"A"', '"a!"')
    assert "has another name than" in problems(tmp_path, one_rule('log_has = "a"') + same_slug)[0]


@pytest.mark.parametrize("former", ["b", "rule-timed-out"])
def test_a_former_key_must_be_free(tmp_path: Path, former: str):
    other = one_rule('log_has = "b"').replace('"A"', '"B"')
    found = problems(tmp_path, one_rule(f'log_has = "a"\nformerly = ["{former}"]') + other)
    assert len(found) == 1
    assert f"was formerly {former}, but so is or was" in found[0]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "rules0.toml: has no rules; add a table like [backend.debian] with a list of categories."),
        (UPSTREAMS + "\n[other]\n", "rules0.toml: has an unknown key or table “other”; remove it."),
        ("[backend.x]", 'rules0.toml: [backend.x] needs categories = [{name = "…", log_has = "…"}, …].'),
        ("[backend.x]\ncategories = [1]", "rules0.toml: [backend.x] rule 1 is no table."),
        (
            "[backend.x]\ncategories = []\nmore = 1",
            "rules0.toml: [backend.x] has an unknown key “more”; remove it.",
        ),
    ],
)
def test_a_file_that_is_no_rule_file_is_refused(tmp_path: Path, content: str, problem: str):
    assert problems(tmp_path, content) == [problem]


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(RulesError, match=r"absent\.toml: cannot be read \(No such file or directory\)\."):
        load_rules([tmp_path / "absent.toml"])
