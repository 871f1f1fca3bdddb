"""Where the logs that a path names are kept."""

from __future__ import annotations

from pathlib import Path

from ingest import logs
from ingest.api.question import ApiError, Question
from ingest.logs import LogKey, LogKind, StoredLog

Found = list[tuple[LogKey, str | None, int]]
"""Under which keys, with which ``built_at`` of the build, in which database's store a log may be kept; the
first that is counts."""


def build_log(question: Question) -> Found:
    """Raises ApiError where there is no such build."""
    return _found(question, "build", "build_log.sql", {"build": question.id("build")})


def diffoscope(question: Question) -> Found:
    """Raises ApiError where there is no such artifact, or none with diffoscope output."""
    ids = {word: question.id(word) for word in question.words}
    return _found(question, "diffoscope", "diffoscope_log.sql", ids)


def v0_build_log(question: Question) -> Found:
    """By a build id of ``pkgs/list``; the old schema has one for each file."""
    try:
        return build_log(question)
    except ApiError:
        if not (found := _artifact(question)):
            raise
        return _found(question, "build", "build_log.sql", {"build": found[0]})


def v0_diffoscope(question: Question) -> Found:
    if found := _artifact(question):
        ids = {"build": found[0], "artifact": found[1]}
        return _found(question, "diffoscope", "diffoscope_log.sql", ids)
    return diffoscope(question)


def _artifact(question: Question) -> tuple[int, int] | None:
    """The build and the artifact whose own build id this is, in the old schema."""
    if not question.scope.pieces["listed_build"].startswith("coalesce"):
        return None
    found: tuple[int, int] | None = question.run(
        "build_of_artifact.sql", {"id": question.id("build")}
    ).fetchone()
    return found


def _found(question: Question, kind: LogKind, path: str, ids: dict[str, int]) -> Found:
    rows = question.run(path, ids).fetchall()
    if not rows:
        what = "build" if kind == "build" else "build with diffoscope output"
        raise ApiError(404, f"There is no such {what}.")
    return [
        (LogKey(rebuilder, generation, kind, id), built_at, owner)
        for rebuilder, generation, id, built_at, owner in rows
    ]


def read(database: Path, found: Found) -> StoredLog:
    """The first that is kept. Raises ApiError where none is, DatabaseError."""
    for key, built_at, owner in found:
        if stored := logs.read(logs.beside(database), key, built_at, owner):
            return stored
    raise ApiError(
        404, "This log is not kept here: logs of failures are, and not for ever; ask the rebuilder."
    )
