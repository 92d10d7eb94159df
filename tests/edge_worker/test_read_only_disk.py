"""A data directory that cannot be written for a while: nobody ends, everybody says so, nothing is lost."""

import json
import shutil
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from conftest import Client, Device, beep, cut, rows, wait_until
from frozen import frozen

from edge_worker.database.history import History
from edge_worker.database.store import Store
from edge_worker.errors import DatabaseUnwritableError
from simulator.site.site import Site

PCM = beep(16_000)
TOPIC = "stetho/v1/worker/edge-01"
WITHIN_S = 10.0


def health(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/health", timeout=10) as answer:
        components: dict[str, Any] = json.loads(answer.read())["components"]
    return components


def reason_in(url: str) -> str:
    workers = health(url)["worker"]["workers"]
    return str(workers[0]["reason"]) if workers else ""


def test_worker_and_api_go_on_when_the_disk_can_be_written_again(site: Site) -> None:
    worker = site.start_worker()
    url = site.start_api()
    api = site.processes[-1]
    with Client(site.broker, site.operator, TOPIC) as operator, Device(site, "st-01") as device:
        device.send_all(cut(PCM, 1))
        device.wait_for("stetho/v1/device/st-01/down/result")
        wait_until(lambda: rows(site, "SELECT seen_at FROM workers"), "a heartbeat")
        with frozen(site.data_dir):
            device.send(cut(PCM, 2)[0])
            operator.wait_for(TOPIC, state="degraded")
            wait_until(
                lambda: "cannot be written" in health(url)["disk"].get("detail", ""), "the disk", WITHIN_S
            )
            wait_until(lambda: "cannot be written" in reason_in(url), "the worker", WITHIN_S)
            worker.kill()
            operator.messages.clear()
            worker = site.start_worker(wait=False)
            assert "cannot be written" in operator.wait_for(TOPIC, state="degraded")["reason"]
            wait_until(lambda: "cannot be written" in reason_in(url), "the worker that waits", WITHIN_S)
            device.send_all(cut(PCM, 2)[1:])
            assert not worker.has_ended
        worker.wait_for("event=ready")
        operator.wait_for(TOPIC, state="ready")
        device.wait_for("stetho/v1/device/st-01/down/result", recording_id="0000000000000002")
    assert not api.has_ended
    assert not worker.has_ended
    assert worker.stop() == 0
    assert "Traceback" not in worker.log + api.log


def test_a_worker_that_waits_for_its_disk_stops_in_order(site: Site) -> None:
    site.start_worker().stop()
    with frozen(site.data_dir):
        worker = site.start_worker(wait=False)
        worker.wait_for("event=start_waits")
        assert worker.stop() == 0


def test_a_worker_that_cannot_start_says_why_on_its_topic(site: Site, tmp_path: Path) -> None:
    with Client(site.broker, site.operator, TOPIC) as operator:
        worker = site.start_worker(wait=False, settings={"STETHO_MODELS_DIR": str(tmp_path)})
        assert worker.wait() == 2
        assert str(tmp_path) in operator.wait_for(TOPIC, state="offline")["reason"]


def test_a_second_worker_leaves_the_connection_of_the_first_alone(site: Site) -> None:
    first = site.start_worker()
    with frozen(site.data_dir):
        second = site.start_worker(wait=False)
        assert second.wait() == 2
        assert "another worker uses STETHO_DATA_DIR" in second.log
    assert "event=disconnected" not in first.log


def test_no_transaction_begins_in_a_database_that_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "data" / "stetho.db"
    path.parent.mkdir()
    store, history = Store.open(f"sqlite:///{path}"), History.open(f"sqlite:///{path}")
    history.count()
    with frozen(path.parent):
        for use in (lambda: store.acknowledge([1]), history.count):
            with pytest.raises(DatabaseUnwritableError, match="cannot be written"):
                use()
        assert History.open(f"sqlite:///{path}"), "an API may start meanwhile"
    store.acknowledge([1])
    assert history.count() == 0
    history.close()
    store.close()


def test_a_database_is_not_written_again_where_its_disk_was_unmounted(tmp_path: Path) -> None:
    path, hidden = tmp_path / "data" / "stetho.db", tmp_path / "hidden"
    path.parent.mkdir()
    store = Store.open(f"sqlite:///{path}")
    path.parent.rename(hidden)
    path.parent.mkdir()  # the empty mount point
    for _ in range(2):
        with pytest.raises(Exception, match="deleted") as caught:
            store.acknowledge([1])
        store.mend(caught.value)
    assert not list(path.parent.iterdir())
    shutil.rmtree(path.parent)
    hidden.rename(path.parent)
    store.acknowledge([1])
    store.close()


def test_a_folder_that_cannot_be_written_costs_its_own_device_only(site: Site) -> None:
    worker = site.start_worker()
    url = site.start_api()
    one, other = "stetho/v1/device/st-01/down", "stetho/v1/device/st-02/down/result"
    with Device(site, "st-01") as device, Device(site, "st-02") as neighbour:
        device.send_all(cut(PCM, 1))
        device.wait_for(f"{one}/result")
        open_one, new_one = cut(PCM, 2), cut(PCM, 3)
        device.send(open_one[0])
        wait_until(lambda: list(site.data_dir.glob("spool/st-01/*.chunks")), "the first chunk")
        with frozen(site.data_dir / "spool" / "st-01"):
            device.send_all(new_one)
            refused = device.wait_for(f"{one}/control", type="rejected", recording_id="0000000000000003")
            assert (refused["reason"], refused["retry_after_s"]) == ("quota", 5.0)
            neighbour.send_all(cut(PCM, 4))
            neighbour.wait_for(other, recording_id="0000000000000004")
            wait_until(lambda: "spool/st-01 cannot be written" in reason_in(url), "the reason", WITHIN_S)
        device.send_all(open_one[1:])
        device.send_all(new_one)
        for name in ("0000000000000002", "0000000000000003"):
            device.wait_for(f"{one}/result", recording_id=name)
        wait_until(lambda: not reason_in(url), "the end of the fault", WITHIN_S)
    assert worker.stop() == 0
    assert worker.log.count("event=folder_refuses") == 1
