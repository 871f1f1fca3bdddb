"""How many builds take longer than an hour, and how much time rebuilds take in all."""

from collections.abc import Iterator

from ingest.statistics import DAY, HOUR, Build, Statistic, build_duration, hookimpl


class SlowBuilds(Statistic):
    def process(self, build: Build) -> Iterator[int]:
        if build.duration and build.duration > 3600:
            yield 1


HOURS = """
SELECT sum(duration) / 3600 AS value, rebuilder_id, origin_id
FROM builds
WHERE built_at >= :start AND built_at < :stop AND copy_of IS NULL
GROUP BY rebuilder_id, origin_id
"""


@hookimpl
def register_statistics() -> list[Statistic]:
    return [
        SlowBuilds(
            name="slow-builds",
            title="Builds of more than an hour",
            description="Attempts that took longer than an hour, by the backend that made them.",
            unit="builds",
            kind="total",
            interval=DAY,
            dimensions=("origin", "backend"),
            chart={"mark": "bar", "encoding": {"color": {"field": "backend"}}},
        ),
        Statistic(
            name="hours-of-builds",
            title="Hours of building",
            description="The time that all attempts took together.",
            unit="h",
            kind="total",
            interval=DAY,
            dimensions=("rebuilder", "origin"),
            query=HOURS,
        ),
        build_duration("minutes", name="forky-minutes", origins=["debian/forky/amd64"], interval=HOUR),
    ]
