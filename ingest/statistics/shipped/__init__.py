"""The statistics that ship, each a file of SQL."""

from __future__ import annotations

from typing import Any

from ingest.hookspecs import hookimpl
from ingest.sql import statements
from ingest.statistics.captures import queue_wait
from ingest.statistics.definition import HOUR, NOW, WEEK, Statistic

STATUS_COLOURS = {"GOOD": "#0072B2", "BAD": "#E69F00", "FAIL": "#D55E00", "UNKWN": "#999999"}
_BY_STATUS = {
    "mark": "bar",
    "encoding": {
        "color": {
            "field": "status",
            "scale": {"domain": list(STATUS_COLOURS), "range": list(STATUS_COLOURS.values())},
        }
    },
}
WORKER_NODE = r"rebuilderd-worker node: (\S+)"


def _statistic(name: str, **about: Any) -> Statistic:
    (query,) = statements(f"statistics/shipped/{name.replace('-', '_')}.sql")
    return Statistic(name=name, query=query, **about)


def _bars(field: str) -> dict[str, Any]:
    return {"mark": "bar", "encoding": {"color": {"field": field}}}


@hookimpl
def register_statistics() -> list[Statistic]:
    """Builds, durations, queues, retries, fixes and failures of each rebuilder and origin."""
    return [
        _statistic(
            "builds-per-day",
            title="Builds per day",
            description="Attempts that ended on a day (UTC), by their result. An attempt whose result"
            " was copied to other releases counts once.",
            unit="builds",
            kind="total",
            dimensions=("rebuilder", "origin", "status"),
            chart=_BY_STATUS,
        ),
        _statistic(
            "success-share",
            title="Share of attempts that were reproducible",
            description="Percent of a day's attempts with a result (GOOD, BAD or FAIL) that were GOOD. How many"
            " attempts there were says builds-per-day; how many packages are reproducible, the view daily_totals.",
            unit="%",
            dimensions=("rebuilder", "origin"),
            chart={
                "mark": "line",
                "encoding": {"color": {"field": "origin"}, "y": {"scale": {"domain": [0, 100]}}},
            },
        ),
        _statistic(
            "build-duration",
            title="Duration of builds",
            description="How long a day's builds took: half of them at most p50, 95 of 100 at most p95."
            " Builds whose start is not known are left out.",
            unit="s",
            dimensions=("rebuilder", "origin", "quantile"),
            chart={"mark": "line", "encoding": {"color": {"field": "quantile"}}},
        ),
        _statistic(
            "queue-depth",
            title="Length of the queue",
            description="Builds that wait or run, at the last ingest of each hour. What no ingest saw is not"
            " known, so the past cannot be computed.",
            unit="builds",
            interval=HOUR,
            backlog=NOW,
            dimensions=("rebuilder", "origin", "state"),
            chart={"mark": "area", "encoding": {"color": {"field": "state"}}},
        ),
        queue_wait(
            name="queue-wait",
            title="Time that builds waited",
            description="Seconds from the queue to a worker, of each build that an ingest saw in the queue."
            " Builds that came and went between two ingests are not known.",
        ),
        _statistic(
            "oldest-result",
            title="Age of the oldest result",
            description="Days since the oldest result that still stands for a package that is listed, at the"
            " last ingest of each day.",
            unit="d",
            backlog=NOW,
            dimensions=("rebuilder", "origin"),
            chart={"mark": "line", "encoding": {"color": {"field": "origin"}}},
        ),
        _statistic(
            "retries-until-good",
            title="Retries until GOOD",
            description="Source packages whose version was reproduced for the first time on a day, by the"
            " attempts that failed before.",
            unit="packages",
            kind="total",
            dimensions=("rebuilder", "origin", "retries"),
            chart=_bars("retries"),
        ),
        _statistic(
            "days-to-fix",
            title="Days from BAD to GOOD",
            description="Of each source package that became reproducible: days since it no longer was; if it"
            " never was before, since its first build. The rows behind it are those of the view fixes.",
            unit="d",
            kind="event",
            depends_on_past=True,
            dimensions=("rebuilder", "origin", "build"),
            chart={"mark": "point"},
        ),
        _statistic(
            "failures-by-category",
            title="Failures by category",
            description="Failures of a day's attempts, by the reason that the rules of today give them."
            " An attempt has a failure for each file that came out different.",
            unit="failures",
            kind="total",
            dimensions=("rebuilder", "origin", "category"),
            chart=_bars("category"),
        ),
        _statistic(
            "attempts-by-package",
            title="Attempts by source package",
            description="Attempts to rebuild a source package, in each week from Monday on.",
            unit="builds",
            kind="total",
            interval=WEEK,
            dimensions=("rebuilder", "origin", "package"),
            chart=_bars("origin"),
        ),
        _statistic(
            "attempts-by-worker-node",
            title="Attempts by worker node",
            description="A day's attempts by the machine that made them, as their logs say. Logs are kept of failures"
            " only, unless the operator keeps all.",
            unit="builds",
            kind="total",
            dimensions=("rebuilder", "worker_node", "status"),
            log_properties={"worker_node": WORKER_NODE},
            chart=_bars("worker_node"),
        ),
    ]
