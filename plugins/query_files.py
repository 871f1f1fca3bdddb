"""Lets `datasette <this folder>` find the canned queries from any working directory."""

from pathlib import Path

from datasette import hookimpl

FOLDER = Path(__file__).resolve().parent.parent / "canned_queries"


@hookimpl
def get_metadata():
    return {"plugins": {"datasette-query-files": {"query_directory": str(FOLDER)}}}
