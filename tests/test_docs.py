"""The docs say what is so."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import DAEMON, ingest, run

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    page
    for pattern in ("*.md", "*/*.md", "tests/fixtures/*.md")
    for page in ROOT.glob(pattern)
    if not page.relative_to(ROOT).parts[0].startswith(".") and page.relative_to(ROOT).parts[0] != "build"
)
_LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]*))?\)")


def _anchors(page: Path) -> set[str]:
    """The names under which GitHub and others link to headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def _page(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=_page)
def test_links_lead_somewhere(page: Path) -> None:
    for name, anchor in _LINK.findall(page.read_text()):
        target = page.parent / name if name else page
        assert target.exists(), f"{name} is not there"
        if anchor:
            assert anchor in _anchors(target), f"{name} has no heading for #{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=_page)
def test_make_targets_in_the_docs_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^|`|=1 )make ([a-z][a-z-]*)", page.read_text(), re.MULTILINE)) <= targets


def test_help_texts_in_the_docs_are_those_of_the_commands() -> None:
    pages = [page for page in PAGES if "[[[cog" in page.read_text()]
    cog = subprocess.run(
        [sys.executable, "-m", "cogapp", "--check", "--diff", *map(str, pages)],
        capture_output=True,
        text=True,
    )
    assert pages and cog.returncode == 0, f"Run `make docs`.\n{cog.stdout}{cog.stderr}"


def test_the_examples_of_exports_have_the_fields_of_what_is_written(tmp_path: Path) -> None:
    ingest(tmp_path / "r.db", DAEMON, name="tiny")
    page = (ROOT / "docs" / "exports.md").read_text()
    for format in ("reproducible-json", "tracker-json", "stats-json"):
        (example,) = re.findall(rf"### {format}\n.*?```json\n(.*?)```", page, re.DOTALL)
        written = json.loads(run("export", format, tmp_path / "r.db").stdout)
        assert list(json.loads(example)[0]) == list(written[0])
