"""What is said of NATS that is not what a site needs: `stetho doctor`, and the start of a worker."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from broker.account import Accounts
from broker.directory import StateDirectory
from broker.nats.cluster import NatsCluster
from edge_worker.errors import BrokerError
from edge_worker.protocol.sharing.shard import account_of
from edge_worker.settings import Settings
from edge_worker.upkeep import broker_probe, nats_probe, site_checks

MAPPING = "partition(32,1)"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsCluster]:
    with NatsCluster(tmp_path_factory.mktemp("nats"), nodes=1, access=1) as running:
        yield running


def settings_of(cluster: NatsCluster, role: str = "worker", **changes: object) -> Settings:
    account = cluster.add_user(role, rotate=True)
    values = {
        "broker": "nats",
        "mqtt_host": cluster.address,
        "mqtt_username": account.username,
        "mqtt_password": account.password,
        "database_url": "postgresql+psycopg://nobody@127.0.0.1/none",
    }
    return Settings(**(values | changes))  # type: ignore[arg-type]


def test_the_cluster_that_is_shipped_is_fit_for_a_worker(cluster: NatsCluster) -> None:
    settings = settings_of(cluster)
    nats_probe.require_site(settings)
    assert nats_probe.fault(settings) == ""
    broker_probe.require_rights(settings)
    assert "accepts connections" in site_checks.check_broker(settings)


def test_workers_that_start_at_once_do_not_take_the_probes_of_others_for_theirs(cluster: NatsCluster) -> None:
    first = settings_of(cluster)
    Accounts(StateDirectory(cluster.configuration.parent)).set_processes(first.mqtt_username, 4)
    settings = [replace(first, mqtt_username=account_of("worker", number)) for number in range(1, 5)]
    with ThreadPoolExecutor(len(settings)) as threads:
        faults = list(threads.map(lambda each: [nats_probe.fault(each) for _ in range(10)], settings))
    assert faults == [[""] * 10] * len(settings)


def test_the_state_of_a_worker_that_does_not_run_is_published_and_its_session_ended(
    cluster: NatsCluster,
) -> None:
    settings = settings_of(cluster)
    broker_probe.publish_state(settings, {"state": "degraded"})
    broker_probe.end_session(settings)


def test_an_account_that_is_not_let_in_is_told_all_reasons(cluster: NatsCluster) -> None:
    settings = settings_of(cluster, mqtt_password="wrong", processes=2, first_process=4)
    reasons = (
        r"none \(`.*provision worker --processes 5`.*password is wrong .* or no `.*nats access` that knows it"
    )
    with pytest.raises(BrokerError, match=reasons):
        nats_probe.require_site(settings)
    assert nats_probe.fault(settings) == "", "the connection tries again"


def test_an_account_without_the_rights_of_a_worker_is_told_how_to_make_one(cluster: NatsCluster) -> None:
    with pytest.raises(BrokerError, match="provision worker"):
        nats_probe.require_site(settings_of(cluster, "operator"))


def test_the_port_of_nats_itself_is_not_that_of_mqtt(cluster: NatsCluster) -> None:
    settings = settings_of(cluster, mqtt_host=cluster.nodes[0].client)
    with pytest.raises(BrokerError, match="speaks no MQTT"):
        nats_probe.require_site(settings)


@pytest.mark.parametrize("mapping", ["partition(64,1)", "none"])
def test_a_worker_does_not_start_where_chunks_would_not_find_their_shard(
    tmp_path: Path, mapping: str
) -> None:
    cluster = NatsCluster(tmp_path, nodes=1, access=1)
    file = cluster.configuration / "n1.conf"
    text = file.read_text()
    if mapping == "none":
        file.write_text("\n".join(line for line in text.splitlines() if MAPPING not in line))
    else:
        file.write_text(text.replace(MAPPING, mapping))
    with cluster:
        settings = settings_of(cluster)
        assert "provision nats" in nats_probe.fault(settings)
        with pytest.raises(BrokerError, match="32 shards"):
            broker_probe.require_rights(settings)
