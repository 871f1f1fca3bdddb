"""What a browser finds on a page: problems, requests that leave, marks of charts."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page


class Visit:
    """A page in the browser, and what went wrong on it."""

    def __init__(self, page: Page, site: str) -> None:
        self.page = page
        self.site = site
        self.problems: list[str] = []
        page.on("console", lambda message: self._note(message.type == "error", message.text))
        page.on("pageerror", lambda error: self._note(True, str(error)))
        page.on("request", lambda request: self._note(self._leaves(request.url), f"requests {request.url}"))
        page.on("response", lambda reply: self._note(reply.status >= 400, f"{reply.status} {reply.url}"))

    def _note(self, wrong: bool, what: str) -> None:
        if wrong:
            self.problems.append(what)

    def _leaves(self, url: str) -> bool:
        return urlsplit(url).scheme not in ("data", "blob") and not url.startswith(self.site)

    def open(self, path: str) -> None:
        response = self.page.goto(self.site + path)
        assert response and response.status == 200
        self.page.wait_for_load_state("networkidle")
        if folder := os.environ.get("SCREENSHOTS"):
            self._keep(Path(folder), path)

    def _keep(self, folder: Path, path: str) -> None:
        """A picture of the whole page, to be looked at."""
        name = re.sub(r"[^\w.=-]+", "_", path).strip("_")[:100] or "front"
        dark = self.page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
        width = self.page.evaluate("innerWidth")
        self.page.screenshot(path=folder / f"{name} {width}{' dark' if dark else ''}.png", full_page=True)


# What a chart shows beside axes and legends: elements of an SVG, pixels in colour of a canvas.
MARKS = """chart => {
    if (chart.localName === 'svg') {
        const symbols = [...chart.querySelectorAll('[role="graphics-symbol"][d], [role="graphics-symbol"] [d]')];
        return symbols.filter(
            symbol => !symbol.closest('[aria-roledescription="axis"], [aria-roledescription="legend"]')
                && symbol.getBBox().width + symbol.getBBox().height > 1
        ).length;
    }
    const pixels = chart.getContext('2d').getImageData(0, 0, chart.width, chart.height).data;
    let coloured = 0;
    for (let i = 0; i < pixels.length; i += 4) {
        const shades = [pixels[i], pixels[i + 1], pixels[i + 2]];
        coloured += pixels[i + 3] > 100 && Math.max(...shades) - Math.min(...shades) > 60;
    }
    return coloured;
}"""


def marks(visit: Visit, place: str) -> int:
    chart = visit.page.locator(place).locator("svg.marks, canvas.marks")
    drawn: int = chart.evaluate(MARKS, timeout=10_000)
    return drawn
