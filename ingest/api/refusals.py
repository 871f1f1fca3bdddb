"""What a read-only copy cannot do, said in the place of the answer."""

from __future__ import annotations

from typing import NoReturn

from ingest.api.question import ApiError, Question

READ_ONLY = "This is a read-only copy: what changes a rebuilder has to be asked of the rebuilder itself."


def public_keys(question: Question) -> NoReturn:
    raise ApiError(501, "Attestations and their keys are not copied; ask the rebuilder itself.")


def attestation(question: Question) -> NoReturn:
    given = {"build": question.id("build")}
    if "artifact" in question.words:
        given["artifact"] = question.id("artifact")
    if question.run("attestation.sql", given).fetchone() is None:
        raise ApiError(404, "There is no such build with an attestation.")
    raise ApiError(501, "There is an attestation, but attestations are not copied; ask the rebuilder itself.")


def v0_workers(question: Question) -> NoReturn:
    raise ApiError(403, "Workers' keys are not published; /api/v1/workers lists the workers without them.")
