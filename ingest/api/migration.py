"""What a distribution's release software asks: where does each binary stand, over all releases and rebuilders?

Not upstream's: ``packages/binary?releases=…&unique=true`` and ``packages/status?source=…``.
"""

from __future__ import annotations

from collections.abc import Iterator

from ingest.api import lists
from ingest.api.question import ApiError, Question

_FILTERS = {name: name for name in ("distribution", "architecture", "component", "name", "state")}
# What is asked, and what the statement calls it.
_OF_BINARIES = {**_FILTERS, "version": "binary_version", "source_name": "source"}
_OF_SOURCE = {**_FILTERS, "source": "source", "version": "source_version"}
BINARIES = (*_OF_BINARIES, "releases", "release", "unique")
STATUS = (*_OF_SOURCE, "releases", "release")
STATES = (
    "reproducible",
    "unreproducible",
    "did-not-build",
    "failed-by-infrastructure",
    "failed-by-archive",
    "unexplained",
    "no-result",
    "never-attempted",
)


def binaries(question: Question) -> Iterator[str]:
    """Upstream's list of binaries, or with ``unique=true`` each of them once. Raises ApiError."""
    if not question.boolean("unique"):
        if "releases" in question.query:
            raise ApiError(400, "releases= needs unique=true; for one release as it is listed ask release=.")
        return lists.page(lists.BINARIES, question)
    return _unique(question, _renamed(question, _OF_BINARIES))


def status(question: Question) -> Iterator[str]:
    """The binaries of a source package, of one version or of all that are listed now. Raises ApiError."""
    given = _renamed(question, _OF_SOURCE)
    if not given.get("source"):
        raise ApiError(400, "Name a source package, as in packages/status?source=bzip2&version=1.0.8-6.")
    if not question.run("v1/source_known.sql", given).fetchone()[0]:
        named = " ".join(given[name] for name in ("source", "source_version") if name in given)
        raise ApiError(404, f"No rebuilder lists a source package {named!r} now.")
    return _unique(question, given)


def _renamed(question: Question, names: dict[str, str]) -> dict[str, str]:
    return {name: question.query[asked] for asked, name in names.items() if asked in question.query}


def _unique(question: Question, given: dict[str, str]) -> Iterator[str]:
    if given.get("state", STATES[0]) not in STATES:
        raise ApiError(400, f"state={given['state']}: must be one of {', '.join(STATES)}.")
    releases = question.query.get("releases", question.query.get("release"))
    if releases is not None:
        given["releases"] = f",{','.join(name.strip() for name in releases.split(','))},"
    rows = question.run("v1/unique_binaries.sql", given)
    return _counted(record for (record,) in rows)


def _counted(records: Iterator[str]) -> Iterator[str]:
    total = 0
    yield '{"records":['
    for record in records:
        yield f",{record}" if total else record
        total += 1
    yield f'],"total":{total}}}'
