"""Response times of the first and the thousandth page of a history of a million results, and its queries."""

import http.client
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from bench.history import history_queries, history_rows
from bench.progress import steps
from simulator.site.process import Process

CLIENTS: Final = 4
_PAGE: Final = 1000
_REQUESTS_EACH: Final = 60
_FIRST: Final = "/api/v1/results"


def measure(rows: int = history_rows.ROWS) -> dict[str, float]:
    """Return the median times of both pages for several clients at once, ms, their ratio, and all queries."""
    with tempfile.TemporaryDirectory() as name:
        data_dir = Path(name)
        history_rows.fill(data_dir / "stetho.db", rows)
        environ = {
            "DATA_DIR": name,
            "API_PORT": "0",
            "API_AUTH": "none",
            "API_RATE": "0",
            "LOG_LEVEL": "ERROR",
        }
        api = Process(
            "history_api", {f"STETHO_{key}": value for key, value in environ.items()}, data_dir / "api.log"
        )
        try:
            address = api.wait_for(r"listening on http://(\S+)").group(1)
            times = _time_pages(address, _path_of_page(address, _PAGE))
        finally:
            api.stop()
        queries = history_queries.measure(f"sqlite:///{data_dir / 'stetho.db'}", rows)
    first, thousandth = (statistics.median(each) for each in times)
    return {
        "history_rows": rows,
        "history_first_page_ms": first,
        "history_page_1000_ms": thousandth,
        "history_page_ratio": thousandth / first,
        **queries,
    }


def _path_of_page(address: str, page: int) -> str:
    """Return the path of a page, by following `next` as a client does."""
    connection = http.client.HTTPConnection(address, timeout=60)
    path = _FIRST
    for _ in steps(range(page - 1), "pages"):
        path = f"{_FIRST}?cursor={_get_json(connection, path)['next']}"
    connection.close()
    return path


def _time_pages(address: str, thousandth: str) -> tuple[list[float], list[float]]:
    """Return the times of both pages, requested in turns by every client, ms."""
    with ThreadPoolExecutor(CLIENTS) as clients:
        times = [clients.submit(lambda: list(_client(address, thousandth))) for _ in range(CLIENTS)]
        pairs = [pair for each in times for pair in each.result()]
    return [first for first, _ in pairs], [last for _, last in pairs]


def _client(address: str, thousandth: str) -> Iterator[tuple[float, float]]:
    connection = http.client.HTTPConnection(address, timeout=60)
    for _ in range(_REQUESTS_EACH):
        yield _request_ms(connection, _FIRST), _request_ms(connection, thousandth)
    connection.close()


def _request_ms(connection: http.client.HTTPConnection, path: str) -> float:
    started = time.perf_counter()
    connection.request("GET", path)
    connection.getresponse().read()
    return (time.perf_counter() - started) * 1000


def _get_json(connection: http.client.HTTPConnection, path: str) -> Any:  # noqa: ANN401 - JSON
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    if response.status != http.HTTPStatus.OK:
        raise RuntimeError(f"{path} answered {response.status}: {body[:200]!r}")
    return json.loads(body)
