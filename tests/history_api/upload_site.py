"""A running site that takes uploads, and a synthesised heart sound to upload."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import requests
import soundfile
from conftest import wait_until

from history_api import openapi_document
from simulator.site.site import Site

WITHIN_S = 60


class UploadSite:
    """Broker, worker and history API; answers to POST must be as the OpenAPI document states."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.worker = site.start_worker()
        self.url = site.start_api()

    def post(self, address: str, **how: Any) -> requests.Response:  # noqa: ANN401 - as requests
        answer = requests.post(self.url + address, timeout=WITHIN_S, **how)
        assert_documented(answer, address.split("?", maxsplit=1)[0], "post")
        return answer

    def get(self, address: str) -> requests.Response:
        return requests.get(self.url + address, timeout=WITHIN_S)


def assert_documented(answer: requests.Response, path: str, method: str) -> None:
    """Fail unless the OpenAPI document has this status and media type."""
    documented = openapi_document.DOCUMENT["paths"][path][method]["responses"][str(answer.status_code)]
    assert answer.headers["Content-Type"].split(";")[0] in documented["content"]


def spooled(site: Site) -> list[Path]:
    """Return the files of uploads that wait for the worker; there may be no folder yet."""
    return list((site.data_dir / "uploads").glob("*"))


def analysed(address: str) -> dict[str, Any]:
    """Return the state of an upload once it has its result."""
    state: dict[str, Any] = {}

    def is_analysed() -> bool:
        state.update(requests.get(address, timeout=WITHIN_S).json())
        return state.get("state") == "analysed"

    wait_until(is_analysed, "the result of an upload")
    return state


def synthesise_heart(path: Path) -> Path:
    """Write a synthesised heart sound of 6 s at 16 kHz, 72 beats a minute."""
    command = [sys.executable, "-m", "simulator", "synth", "--bpm", "72", "--seconds", "6", "-o", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return path


def pcm_of(path: Path) -> tuple[bytes, int]:
    """Return the samples of an audio file as 16-bit PCM, and the sample rate in Hz."""
    samples, rate = soundfile.read(path, dtype="int16")
    return samples.astype("<i2").tobytes(), rate
