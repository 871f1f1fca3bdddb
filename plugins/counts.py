"""Counts in the answers of questions lead to the rows that were counted."""

from functools import cache
from urllib.parse import urlencode

from datasette import hookimpl
from markupsafe import Markup

from ingest import schema

descriptions = cache(schema.descriptions)
# What a row may be narrowed to by, where the counted table or view has a column of that name.
NARROWER = (
    "distribution",
    "release",
    "architecture",
    "rebuilder",
    "day",
    "month",
    "class",
    "source_package_id",
)
NOT_KNOWN = "coalesce(status, 'UNKWN') = 'UNKWN'"
NOW = "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')"
STATUSES = {
    "good": {"status": "GOOD"},
    "bad": {"status": "BAD"},
    "fail": {"status": "FAIL"},
    "unknown": {"_where": NOT_KNOWN},
}
RETRY = {"queued_at__isnull": 1, "_where": f"next_retry <= {NOW}"}
# What a row must have to be of this kind; where each of its counts is counted, and of what.
KINDS = (
    (
        "binaries",
        {
            "attempts": ("attempts", {}),
            "binaries": ("package_status", {}),
            **{name: ("package_status", status) for name, status in STATUSES.items()},
        },
    ),
    (
        "source_package_id",
        {
            "attempts": ("attempts", {}),
            "results": ("builds", {}),
            **{name: ("builds", status) for name, status in STATUSES.items()},
        },
    ),
    (
        "attempted",
        {
            "total": ("source_status", {}),
            "attempted": ("source_status", {"_where": "status IN ('GOOD', 'BAD', 'FAIL')"}),
            **{name: ("source_status", status) for name, status in STATUSES.items()},
        },
    ),
    ("fixes", {"fixes": ("fixes", {})}),
    ("day", {"builds": ("attempts", {})}),
    (
        "retries_due",
        {
            "queued": ("queued_builds", {}),
            "running": ("queued_builds", {"state": "runs"}),
            "queued_no_longer_listed": ("queued_builds", {"is_listed": 0}),
            "queued_first_builds": ("queued_builds", {"latest_build_id__isnull": 1}),
            "retries_due": ("source_status", RETRY),
            "retries_later": ("source_status", RETRY | {"_where": f"next_retry > {NOW}"}),
        },
    ),
    (
        "workers_online",
        {
            "current_source_packages": ("source_status", {}),
            "queued": ("queued_builds", {}),
        },
    ),
)
# The same, where a rebuilder knows only binaries.
OF_BINARIES = {
    "total": ("package_status", {}),
    "attempted": ("package_status", {"_where": "status IN ('GOOD', 'BAD', 'FAIL')"}),
    **{name: ("package_status", status) for name, status in STATUSES.items()},
}
COUNTS = {column for _, counts in KINDS for column in counts}


@hookimpl
def render_cell(row, value, column, table, datasette):
    if table is not None or column not in COUNTS or not isinstance(value, int) or not value:
        return None
    row = dict(row)
    counts = next((counts for needed, counts in KINDS if row.get(needed) is not None), {})
    if "attempted" in row and row.get("counted") == "binary packages":
        counts = OF_BINARIES
    if column not in counts or not has_rows(row):
        return None
    counted, filters = counts[column]
    if column == "builds" and row.get("status"):
        filters = {"status": row["status"]}
    where = {name: row[name] for name in NARROWER if row.get(name) is not None and name in columns(counted)}
    if "attempted" in row and row.get("release") is None:
        where["release__isnull"] = 1
    address = datasette.urls.table("reproducibility", counted)
    return Markup('<a href="%s">%s</a>') % (f"{address}?{urlencode(where | filters)}", value)


def has_rows(row):
    """Whether rows stand behind the totals: not behind those of past days, and imported ones."""
    return "attempted" not in row or ("day" not in row and row.get("kind") == "taken")


def columns(name):
    return descriptions()[name]["columns"]
