"""The profile `cluster` of docker-compose.yml, really built and run: `make containers`."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from compose_site import DEVICE, ClusterSite, finish, running, seconds
from conftest import wait_until
from upload_site import synthesise_heart

SERVICES: Final = {
    "nats1": 1,
    "nats2": 1,
    "nats3": 1,
    "access": 2,
    "postgres": 1,
    "store": 1,
    "cluster_worker1": 1,
    "cluster_worker2": 1,
    "cluster_api": 1,
}
"""Services and their containers; none of the site of one machine."""
WITHIN_S: Final = 150.0

pytestmark = [
    pytest.mark.skipif("STETHO_CONTAINERS" not in os.environ, reason="`make containers` runs it"),
    pytest.mark.timeout(1500),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterSite]:
    with running(ClusterSite(tmp_path_factory.mktemp("compose"))) as made:
        yield made


@pytest.fixture(scope="module")
def heart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesise_heart(tmp_path_factory.mktemp("sound") / "heart.wav")


def check(site: ClusterSite, recording: str) -> dict[str, Any]:
    """Return the one result of a recording, which is whole, and whose sound the API serves."""
    result = site.results()[recording]
    assert result["status"] == "ok"
    assert seconds(result) == pytest.approx(6, abs=0.01)
    assert site.get(f"/api/v1/recordings/{recording}/audio.wav").status_code == 200
    return result


def test_one_command_starts_a_cluster_and_nothing_else(site: ClusterSite) -> None:
    listed = [json.loads(line) for line in site.run("ps", "--format", "json").splitlines()]
    states = {(each["Service"], each["State"], each["Health"]) for each in listed}
    assert states == {(name, "running", "healthy") for name in SERVICES}
    assert {name: len(site.containers(name)) for name in SERVICES} == SERVICES


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_and_write_nothing_that_it_need_not(site: ClusterSite, name: str) -> None:
    assert site.rights(name) == ("\t".join(["1883"] * 4), {0}, "1", "ro")


def test_a_recording_from_outside_is_in_the_database_and_the_store(site: ClusterSite, heart: Path) -> None:
    recording = finish(site.send(heart))
    result = check(site, recording)
    assert result["device_id"] == DEVICE
    kept = site.run("exec", "-T", "store", "find", "/store/sounds", "-name", f"{recording}*")
    assert kept.strip()
    local = [site.run("exec", "-T", f"cluster_worker{n}", "find", "/data", "-name", "*.wav") for n in (1, 2)]
    assert local == ["", ""]
    health = site.get("/health").json()
    assert health["status"] == "ok", health


def test_a_worker_that_dies_while_one_records_is_replaced_and_nothing_is_lost(
    site: ClusterSite, heart: Path
) -> None:
    sending = site.send(heart, "--realtime")
    wait_until(site.worker_of_device, "the first chunk")
    name = site.worker_of_device()
    site.crash(name)
    check(site, finish(sending))
    assert site.container(name)["RestartCount"] == 1
    site.wait_healthy(name)


@pytest.mark.parametrize("name", ["nats2", "access", "postgres", "store"])
def test_a_part_that_dies_while_one_records_is_started_again_and_nothing_is_lost(
    site: ClusterSite, heart: Path, name: str
) -> None:
    sending = site.send(heart, "--realtime")
    wait_until(site.worker_of_device, "the first chunk")
    site.crash(name)
    recording = finish(sending)
    wait_until(lambda: site.container(name)["RestartCount"] == 1, "a new start", WITHIN_S)
    site.wait_healthy(name)
    check(site, recording)


def test_what_was_stored_outlives_the_containers(site: ClusterSite, heart: Path) -> None:
    before = site.results()
    site.run("down")
    site.run("up", "--detach", "--wait", "cluster_api")
    assert site.results() == before
    assert finish(site.send(heart)) in site.results(), "account, password and CA are those of before"
