"""A site with its sounds in a bucket: worker, API, deletion, while the server is killed, hangs, refuses."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from conftest import Client, Device, beep, cut, rows, wait_until
from object_server import ObjectServer

from edge_worker.protocol.chunk import STREAM
from simulator.site.site import Site

PCM = beep(16_000)
STREAMED = 20
API = "/api/v1/recordings/"


class BucketSite(Site):
    """A site, with the server of its sounds."""

    def __init__(self, directory: Path) -> None:
        self.server = ObjectServer(directory / "s3" / "objects")
        settings = {"STETHO_GIVE_UP_S": "3", "AWS_TIMEOUT": "2s", **self.server.environ("ward-3")}
        super().__init__(directory / "site", settings)
        self.url = ""

    @property
    def objects(self) -> list[str]:
        """The ids of the recordings that the bucket holds."""
        return sorted(path.stem for path in (self.server.bucket / "ward-3/audio").rglob("*.wav"))

    def request(self, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes, Message]:
        request = urllib.request.Request(self.url + path, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read(), error.headers

    def faults(self) -> list[str]:
        """The faults in the last heartbeat."""
        ((document,),) = rows(self, "SELECT document FROM workers")
        faults: list[str] = json.loads(document).get("faults", [])
        return faults


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BucketSite]:
    with BucketSite(tmp_path_factory.mktemp("bucket")) as site, site.server:
        yield site


def ask(site: BucketSite, module: str, *arguments: str) -> str:
    """Return what a command of the site prints."""
    command = [sys.executable, "-m", module, *arguments]
    environ = os.environ | site.environ
    answer = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)
    return answer.stdout


def stored(device: Device, number: int) -> dict[str, Any]:
    return device.wait_for(
        f"stetho/v1/device/{device.device_id}/down/control", type="stored", recording_id=f"{number:016x}"
    )


def is_told(device: Device, number: int) -> bool:
    control = device.documents(f"stetho/v1/device/{device.device_id}/down/control")
    return any(each["type"] == "stored" and each.get("recording_id") == f"{number:016x}" for each in control)


def test_a_recording_is_stored_when_the_bucket_has_it(site: BucketSite) -> None:
    worker = site.start_worker()
    operator = Client(site.broker, site.operator, "stetho/v1/result/#", "stetho/v1/worker/+")
    with operator, Device(site, "st-01") as device:
        device.send_all(cut(PCM, 1))
        stored(device, 1)
        assert site.objects == [f"{1:016x}"]
        assert not list(site.data_dir.rglob("*.wav"))

        # Killed: the worker says why, also while nothing comes; what comes waits in the spool.
        site.server.kill()
        state = operator.wait_for("stetho/v1/worker/edge-01", state="degraded")
        assert "cannot be reached (no connection); recordings wait until it can" in state["reason"]
        wait_until(lambda: any("cannot be reached" in each for each in site.faults()), "the heartbeat")
        device.send_all(cut(PCM, 2))
        wait_until(lambda: list((site.data_dir / "spool/st-01").glob("*.chunks")), "the spool")
        assert not is_told(device, 2)

        # The worker is killed, too, and starts before the server does.
        worker.kill()
        operator.messages.clear()
        site.start_worker(wait=False)
        operator.wait_for("stetho/v1/worker/edge-01", state="degraded")
        device.send_all(cut(PCM, 3))
        site.server.start()
        for number in (2, 3):
            stored(device, number)
        operator.wait_for("stetho/v1/worker/edge-01", state="ready")


def test_a_recording_waits_while_the_bucket_refuses_or_hangs(site: BucketSite) -> None:
    with (
        Client(site.broker, site.operator, "stetho/v1/result/#") as operator,
        Device(site, "st-01") as device,
    ):
        # It refuses the credentials: for instance, a key was replaced.
        site.server.kill()
        site.server.start(secret="replaced")
        device.send_all(cut(PCM, 4))
        wait_until(lambda: any("refuses the credentials" in each for each in site.faults()), "the heartbeat")
        assert not is_told(device, 4)
        site.server.kill()
        site.server.start()
        stored(device, 4)

        # It hangs in the middle of a request, longer than one takes at most.
        site.server.signal(signal.SIGSTOP)
        for number in range(5, 11):
            device.send_all(cut(PCM, number))
        device.send_all([each._replace(flags=each.flags | STREAM) for each in cut(PCM, STREAMED)])
        wait_until(lambda: any("does not answer in time" in each for each in site.faults()), "the heartbeat")
        site.server.signal(signal.SIGCONT)
        for number in range(5, 11):
            stored(device, number)
            assert operator.wait_for("stetho/v1/result/st-01", recording_id=f"{number:016x}")["models"]
        stored(device, STREAMED)
    assert site.objects == [f"{number:016x}" for number in (*range(1, 11), STREAMED)]
    assert rows(site, "SELECT count(*) FROM recordings WHERE document IS NOT NULL") == [(11,)]
    streamed = site.server.bucket / f"ward-3/audio/st-01/{STREAMED:016x}.wav"
    assert streamed.read_bytes()[44:] == PCM


def test_the_api_streams_sounds_from_the_bucket(site: BucketSite) -> None:
    site.url = site.start_api()
    address = f"{API}{1:016x}/audio.wav?device=st-01"
    content = (site.server.bucket / f"ward-3/audio/st-01/{1:016x}.wav").read_bytes()
    status, body, headers = site.request(address)
    assert (status, body, headers["Content-Length"]) == (200, content, str(len(content)))
    assert headers["Accept-Ranges"] == "bytes"
    assert "Last-Modified" in headers
    status, body, headers = site.request(address, Range="bytes=1000-1999")
    assert (status, body) == (206, content[1000:2000])
    assert headers["Content-Range"] == f"bytes 1000-1999/{len(content)}"
    assert site.request(address, Range="bytes=-100")[1] == content[-100:]
    assert site.request(address, Range=f"bytes={len(content)}-")[0] == 416
    status, body, headers = site.request(address, "HEAD")
    assert (status, body, headers["Content-Length"]) == (200, b"", str(len(content)))
    assert site.request(address, **{"If-None-Match": headers["ETag"]})[0] == 304

    of_one = f"{API}{1:016x}"
    peaks = json.loads(site.request(f"{of_one}/peaks.json?device=st-01")[1])
    assert peaks["duration_s"] == 4
    assert site.request(f"{of_one}/waveform.svg?device=st-01")[0] == 200
    assert site.request(f"{of_one}/report.pdf?device=st-01")[1].startswith(b"%PDF")
    bundle = json.loads(site.request(f"{of_one}/fhir.json?device=st-01")[1])
    assert f'"size":{len(content)}' in json.dumps(bundle).replace(" ", "")
    assert "in s3://sounds/ward-3 at http" in ask(site, "edge_worker.doctor")
    backup = site.directory / "site.stetho"
    said = ask(site, "edge_worker.upkeep.backup", str(backup))
    assert "The sounds are not in it: they stay in s3://sounds/ward-3" in said
    assert backup.stat().st_size < 4_000_000
    restored = site.directory / "restored"
    said = ask(site, "edge_worker.upkeep.restore", str(backup), "--into", str(restored))
    assert "they are in s3://sounds/ward-3, which STETHO_AUDIO_URL has to name" in said
    without = {"STETHO_DATA_DIR": str(restored), "STETHO_AUDIO_URL": ""}
    refused = site.start_worker(wait=False, settings=without, name="restored")
    refused.wait_for("the sounds of this site are in s3://sounds/ward-3, not in ")
    refused.wait()  # it says so on the topic of the worker that works, which says again that it does
    wait_until(lambda: json.loads(site.request("/health")[1])["status"] == "ok", "the worker of the site")


def test_deletion_that_the_bucket_interrupts_is_completed(site: BucketSite) -> None:
    assert site.request(f"{API}{1:016x}?device=st-01", "DELETE")[0] == 204
    assert f"{1:016x}" not in site.objects
    assert site.request(f"{API}{1:016x}/audio.wav?device=st-01")[0] == 404

    site.server.kill()
    status, body, _ = site.request(f"{API}{2:016x}/audio.wav?device=st-01")
    assert (status, "cannot be reached" in json.loads(body)["detail"]) == (503, True)
    assert site.request(f"{API}{2:016x}?device=st-01", "DELETE")[0] == 503
    assert rows(site, "SELECT count(*) FROM recordings") == [(9,)]
    site.server.start()
    assert f"{2:016x}" in site.objects
    assert site.request(f"{API}{2:016x}?device=st-01", "DELETE")[0] == 204
    assert f"{2:016x}" not in site.objects

    (site.server.bucket / f"ward-3/audio/st-01/{3:016x}.wav").unlink()
    assert site.request(f"{API}{3:016x}/audio.wav?device=st-01")[0] == 410
    assert site.request("/api/v1/devices/st-01", "DELETE")[0] in (200, 204)
    assert site.objects == []
