"""Each kind of page can be used with a screen reader, a keyboard and weak eyes: axe-core finds nothing serious."""

from __future__ import annotations

import pytest
from axe import serious
from browsing import Visit

pytest_plugins = ("site_fixtures",)

PAGES = [
    "/data",
    "/-/dashboards/why",
    "/-/dashboards/operations",
    "/-/dashboards/compare",
    "/reproducibility/current_failures",
    "/reproducibility/failures/1",
    "/reproducibility/failures_by_category",
    "/reproducibility/search_evidence?words=failed",
    "/reproducibility?sql=select+1",
]


@pytest.mark.parametrize("path", PAGES)
def test_nothing_serious_stands_in_the_way(visit: Visit, path: str) -> None:
    visit.open(path)
    assert serious(visit.page) == []
