"""Response times of the first and the thousandth page of a history of a million results."""

import http.client
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from bench.progress import steps
from edge_worker.database.store import Store
from edge_worker.protocol.prediction import Prediction
from edge_worker.protocol.result import Audio, Quality, Result
from simulator.site.process import Process

ROWS: Final = 1_000_000
CLIENTS: Final = 4
_DEVICES: Final = 300
_BATCH: Final = 20_000
_PAGE: Final = 1000
_REQUESTS_EACH: Final = 60
_TIME: Final = "2026-11-20T17:20:01.123Z"
_FIRST: Final = "/api/v1/results"
_RECORDING: Final = (
    "INSERT INTO recordings (id, device_id, recording_id, received_at, captured_at, audio_sha256, "
    "audio_file, analysed_at, document, captured_at_source, completeness, missing, sample_rate, "
    "channels, samples, meta, status, heart_rate_bpm) "
    "VALUES (?,?,?,?,?,?,?,?,?,'device','complete','[]',44100,1,176400,'{}','ok',72.0)"
)
_PREDICTION: Final = (
    "INSERT INTO predictions VALUES (?,?,?,?,'heart5','1.0.0',?,'normal',0.985,0.8,1,'{}',1,0.4)"
)


def measure(rows: int = ROWS) -> dict[str, float]:
    """Return the median times of both pages for several clients at once, ms, and their ratio."""
    with tempfile.TemporaryDirectory() as name:
        data_dir = Path(name)
        _fill(data_dir / "stetho.db", rows)
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
    first, thousandth = (statistics.median(each) for each in times)
    return {
        "history_rows": rows,
        "history_first_page_ms": first,
        "history_page_1000_ms": thousandth,
        "history_page_ratio": thousandth / first,
    }


def _fill(path: Path, rows: int) -> None:
    """Create the database as a worker does, and insert `rows` results directly."""
    Store.open(f"sqlite:///{path}").close()
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-400000"):
        connection.execute(f"PRAGMA {pragma}")
    document = _result().to_json().decode()
    for first in steps(range(1, rows + 1, _BATCH), "history"):
        numbers = range(first, min(first + _BATCH, rows + 1))
        connection.execute("BEGIN")
        connection.executemany(_RECORDING, (_recording(number, document) for number in numbers))
        connection.executemany(_PREDICTION, (_prediction(number) for number in numbers))
        connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()


def _result() -> Result:
    shares = {"artifact": 0.003, "extrahls": 0.002, "extrastole": 0.001, "murmur": 0.009, "normal": 0.985}
    models = tuple(
        Prediction(model, "1.0.0", "f" * 64, "normal", 0.985, 0.8, True, shares, 1, 0.4)
        for model in ("heart5", "heart2")
    )
    return Result(
        device_id="DEVICE",
        recording_id="RECORDING",
        status="ok",
        completeness="complete",
        audio=Audio(44100, 1, 176400, "5" * 64),
        quality=Quality(True, 12.0, 0.0),
        captured_at=_TIME,
        captured_at_source="device",
        models=models,
        heart_rate_bpm=72.0,
        site="MV",
    )


def _names(number: int) -> tuple[str, str]:
    return f"st-{number % _DEVICES:03}", f"{number:016x}"


def _recording(number: int, document: str) -> tuple[Any, ...]:
    device, name = _names(number)
    own = document.replace("DEVICE", device).replace("RECORDING", name)
    return (number, device, name, _TIME, _TIME, "5" * 64, f"audio/{device}/{name}.wav", _TIME, own)


def _prediction(number: int) -> tuple[Any, ...]:
    return (number, number, *_names(number), "f" * 64)


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
