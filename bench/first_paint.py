"""First contentful paint of the dashboard in headless Chromium with an empty cache."""

import shutil
import statistics
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.progress import steps
from edge_worker.errors import StethoError
from simulator.site.site import Site

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROUNDS: Final = 15
_PAINT: Final = """new Promise((done) => new PerformanceObserver((list) => {
  const entry = list.getEntriesByName("first-contentful-paint")[0];
  if (entry) done(entry.startTime);
}).observe({ type: "paint", buffered: true }))"""


def measure() -> dict[str, float]:
    """Return the median time from the request of the page to its first paint, ms.

    Raises:
        StethoError: there is no Chromium, or it cannot be started.
    """
    from playwright.sync_api import Error, sync_playwright  # noqa: PLC0415 - the other parts do without it

    chromium = shutil.which("chromium")
    if chromium is None:
        raise StethoError("there is no Chromium; run tests/install_chromium.sh")
    with tempfile.TemporaryDirectory() as name, Site(Path(name)) as site, sync_playwright() as playwright:
        site.start_worker()
        url = site.start_api()
        try:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        except Error as error:
            reason = str(error).partition("\n")[0]
            raise StethoError(f"Chromium does not start ({reason}); run tests/install_chromium.sh") from error
        times = [_paint_ms(browser, url) for _ in steps(range(ROUNDS), "paint")]
        browser.close()
    return {"dashboard_first_paint_ms": statistics.median(times)}


def _paint_ms(browser: "Browser", url: str) -> float:
    context = browser.new_context()  # an empty cache each time
    page = context.new_page()
    page.goto(url)
    painted: float = page.evaluate(_PAINT)
    context.close()
    return painted
