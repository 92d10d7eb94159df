"""Uploads where there is no room: refused before their body is read, with what to do."""

import errno
import os
import shutil
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from types import SimpleNamespace
from typing import IO

import pytest
import requests
from archive import Archive, problem
from conftest import wait_until
from upload_site import WITHIN_S, spooled

from edge_worker.upkeep.disk_reserve import least_free
from history_api.mqtt.upload_publisher import Sound, UploadPublisher
from history_api.mqtt.upload_queue import UploadQueue
from history_api.uploads import upload_intake
from simulator.site.site import Site

SOUND = b"\1\0" * 8000


@pytest.fixture
def hanging(tmp_path: Path) -> Iterator[tuple[Site, str]]:
    """A site whose worker hangs, and the address of its API, which allows an address two long requests."""
    with Site(tmp_path, settings={"STETHO_API_LONG": "1"}) as site:
        worker = site.start_worker()
        url = site.start_api()
        assert send(url, 20).status_code == 200
        os.kill(worker.pid, signal.SIGSTOP)
        try:
            yield site, url
        finally:
            os.kill(worker.pid, signal.SIGCONT)


def send(url: str, wait: int) -> requests.Response:
    return requests.post(f"{url}/upload_audio?wait={wait}", data=SOUND, timeout=2 * WITHIN_S)


def test_uploads_that_wait_for_a_hanging_worker_hold_up_nobody(hanging: tuple[Site, str]) -> None:
    _, url = hanging
    with ThreadPoolExecutor(8) as clients:
        waiting = [clients.submit(send, url, 15) for _ in range(8)]
        refused = [each.result() for each, _ in zip(as_completed(waiting), range(6), strict=False)]
        assert {each.status_code for each in refused} == {429}, "two of an address wait"
        assert "are under way" in refused[0].json()["detail"]
        assert requests.get(f"{url}/livez", timeout=WITHIN_S).status_code == 200
        assert sorted(each.result().status_code for each in waiting) == [202] * 2 + [429] * 6


def test_a_client_that_left_makes_room(hanging: tuple[Site, str]) -> None:
    site, url = hanging
    for _ in range(2):
        with pytest.raises(requests.exceptions.ReadTimeout):
            requests.post(f"{url}/upload_audio?wait=60", data=SOUND, timeout=1)
    wait_until(lambda: send(url, 0).status_code == 202, "the share of one that left")
    assert len(spooled(site)) >= 6, "what was sent is not lost: sounds and their descriptions"


def test_a_disk_without_room_is_said_before_the_body_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = Archive(tmp_path).api()
    usage = SimpleNamespace(total=1 << 40, free=least_free(1 << 40) + 2 * len(SOUND))
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    document = problem(api.client.post("/upload_audio", data=SOUND), 507)
    assert "disk" in document["detail"]
    usage.free = least_free(1 << 40) + 3 * len(SOUND)
    assert problem(api.client.post("/upload_audio", data=SOUND), 503), (
        "no worker, which is the next to say so"
    )


def test_a_disk_that_is_full_while_the_body_comes_is_a_507(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_body: IO[bytes], _path: Path) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    api = Archive(tmp_path).api()
    monkeypatch.setattr(upload_intake.UploadIntake, "require_worker", lambda _intake: None)
    monkeypatch.setattr(upload_intake, "_spool", refuse)
    answer = api.client.post("/upload_audio", data=SOUND)
    assert problem(answer, 507)
    assert answer.headers["Retry-After"] == "60"


def test_files_of_forms_go_to_the_data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    api = Archive(tmp_path).api()
    monkeypatch.setenv("TMPDIR", "/nowhere")
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="large.wav"\r\n\r\n'
    form = head + bytes(2 << 20) + b"\r\n--x--\r\n"
    answer = api.client.post("/predict", data=form, content_type="multipart/form-data; boundary=x")
    assert "account at the broker" in problem(answer, 503)["detail"], "the form was read"


def test_sounds_that_wait_are_counted_by_device_until_they_are_stored(tmp_path: Path) -> None:
    waiting = UploadQueue()
    publishers = [UploadPublisher(Sound(device, 1, 8000, 2, 100), tmp_path / device) for device in ("a", "b")]
    for each in publishers:
        waiting.add(each)
    assert (waiting.waiting_bytes("a"), waiting.waiting_bytes("c")) == (400, 0)
    publishers[0].on_control({"type": "stored"})
    assert waiting.waiting_bytes("a") == 0
