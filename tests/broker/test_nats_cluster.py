"""Three real nodes of NATS: shards, sessions, who is let in, and what the end of a node does."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import wait_until
from mqtt_probe import Probe

from broker.account import Credentials
from broker.mosquitto import ACCEPTED, try_connect
from broker.nats.cluster import NatsCluster
from edge_worker.protocol import topics
from edge_worker.protocol.sharing.shard import shard_account, shard_of

LARGEST = b"\xa5" * 65_568
FOREIGN = "st-foreign"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsCluster]:
    with NatsCluster(tmp_path_factory.mktemp("nats")) as running:
        yield running


@pytest.fixture(scope="module")
def worker(cluster: NatsCluster) -> Credentials:
    return cluster.add_user("worker")


def shard_topic(device_id: str) -> str:
    return f"stetho/v1/shard/{shard_of(device_id)}/device/{device_id}/up/pcm"


def test_nats_deals_chunks_out_by_the_shards_that_the_worker_computes(
    cluster: NatsCluster, worker: Credentials
) -> None:
    ids = [f"st-{n:02}" for n in range(60)] + ["a", "0", "-", "x" * 32, "ward-7-bed-3", "web-upload"]
    api = cluster.add_user("api")
    with Probe(cluster.ports[1], worker) as receiver, Probe(cluster.ports[2], api) as sender:
        receiver.subscribe("stetho/v1/shard/+/device/+/up/pcm")
        for device_id in ids:
            sender.publish(topics.pcm(device_id), LARGEST if device_id == "a" else b"x")
        wait_until(lambda: len(receiver.received) >= len(ids), "all chunks")
        assert receiver.topics == [shard_topic(device_id) for device_id in ids]
        assert dict(receiver.received)[shard_topic("a")] == LARGEST


def test_a_session_belongs_to_its_account_and_lives_on_when_another_asks_for_it(
    cluster: NatsCluster, worker: Credentials
) -> None:
    device = cluster.add_user("device", "st-01")
    foreign = cluster.add_user("device", FOREIGN)
    name = shard_account(worker.username, shard_of("st-01"))
    shard = Credentials(name, worker.password)
    with (
        Probe(cluster.ports[0], shard, clean_session=False) as holder,
        Probe(cluster.ports[1], device) as st_01,
    ):
        assert holder.is_accepted
        holder.subscribe(f"stetho/v1/shard/{shard_of('st-01')}/device/+/up/pcm")
        for claimed in (name, device.username, "", "anything"):
            for port in cluster.ports:
                thief = Credentials(foreign.username, foreign.password)
                with Probe(port, thief, client_id=claimed or "-") as probe:
                    assert not probe.is_accepted
        with Probe(cluster.ports[2], Credentials(name, foreign.password), clean_session=False) as probe:
            assert not probe.is_accepted
        st_01.publish(topics.pcm("st-01"), b"first")
        holder.wait_for(shard_topic("st-01"))
        assert not holder.disconnected.is_set()
        assert not st_01.disconnected.is_set()
    assert "it must be the user name" in cluster.log("access-0") + cluster.log("access-1")


def test_what_a_shard_did_not_acknowledge_comes_again_at_once(
    cluster: NatsCluster, worker: Credentials
) -> None:
    """NATS alone would wait for a minute."""
    device = cluster.add_user("device", "st-77")
    shard = Credentials(shard_account(worker.username, shard_of("st-77")), worker.password)
    chunks = [b"first", b"second", b"third"]
    with Probe(cluster.ports[1], device) as st_77:
        with Probe(cluster.ports[0], shard, clean_session=False, acknowledges=False) as holder:
            holder.subscribe(f"stetho/v1/shard/{shard_of('st-77')}/device/+/up/pcm")
            st_77.publish_all(topics.pcm("st-77"), chunks[:2])
            holder.wait_for(shard_topic("st-77"), 2)
        st_77.publish(topics.pcm("st-77"), chunks[2])
    with Probe(cluster.ports[2], shard, clean_session=False) as holder:
        wait_until(lambda: {content for _, content in holder.received} == set(chunks), "all three")


def test_a_device_has_its_own_topics_alone(cluster: NatsCluster, worker: Credentials) -> None:
    device = cluster.add_user("device", "st-02")
    own, others = "stetho/v1/device/st-02", "stetho/v1/device/st-03"
    with Probe(cluster.port, worker) as receiver, Probe(cluster.ports[1], device) as sender:
        receiver.subscribe("stetho/v1/shard/+/device/+/up/pcm").subscribe("stetho/v1/device/+/up/state")
        for refused in (
            f"{others}/up/pcm",
            f"{others}/up/state",
            f"stetho/v1/shard/{shard_of('st-03')}/device/st-03/up/pcm",
            f"stetho/v1/shard/{(shard_of('st-02') + 1) % 32}/device/st-02/up/pcm",
        ):
            sender.publish(refused)
        sender.publish(f"{own}/up/state", b"{}")
        sender.publish(f"{own}/up/pcm")
        receiver.wait_for(f"{own}/up/state")
        receiver.wait_for(shard_topic("st-02"))
        assert sorted(receiver.topics) == sorted([f"{own}/up/state", shard_topic("st-02")])
        for refused in (
            f"{others}/down/control",
            "stetho/v1/device/+/down/control",
            "stetho/v1/device/+/up/state",
            "stetho/v1/shard/#",
            "stetho/#",
            "#",
            "$MQTT/sub/#",
            "$JS/#",
            "stetho/v1/result/#",
        ):
            assert not sender.is_granted(refused), refused
        for granted in (f"{own}/down/control", f"{own}/down/command", "stetho/v1/worker/+"):
            assert sender.is_granted(granted), granted


def test_what_was_queued_survives_the_end_of_a_node_with_kill_9(
    cluster: NatsCluster, worker: Credentials
) -> None:
    device = cluster.add_user("device", "st-04")
    shard = Credentials(shard_account(worker.username, shard_of("st-04")), worker.password)
    mine = f"stetho/v1/shard/{shard_of('st-04')}/device/+/up/pcm"
    sent = [bytes([number]) * 100 for number in range(200)]
    with Probe(cluster.ports[0], shard, clean_session=False) as holder:
        holder.subscribe(mine)
    # Of the messages on the way NATS may say nothing, and end the connection: a client sends them again.
    with Probe(cluster.ports[1], device, reconnects=True) as sender:
        sender.publish_all(topics.pcm("st-04"), sent[:100])
        cluster.kill_node(0)
        try:
            sender.publish_all(topics.pcm("st-04"), sent[100:], within_s=60)
            with Probe(cluster.ports[2], shard, clean_session=False, reconnects=True) as holder:
                wait_until(lambda: {payload for _, payload in holder.received} >= set(sent), "all chunks", 60)
                assert set(holder.topics) == {shard_topic("st-04")}
        finally:
            cluster.start_node(0)


def test_an_account_that_is_removed_or_has_a_new_password_is_disconnected(cluster: NatsCluster) -> None:
    removed, rotated = cluster.add_user("device", "st-05"), cluster.add_user("device", "st-06")
    untouched = cluster.add_user("device", "st-07")
    with (
        Probe(cluster.ports[0], removed) as first,
        Probe(cluster.ports[1], rotated) as second,
        Probe(cluster.ports[2], untouched) as third,
    ):
        cluster.remove_user("st-05")
        renewed = cluster.add_user("device", "st-06", rotate=True)
        assert first.disconnected.wait(20)
        assert second.disconnected.wait(20)
        assert not third.disconnected.is_set()
    assert try_connect(cluster.host, cluster.port, removed) != ACCEPTED
    assert try_connect(cluster.host, cluster.port, rotated) != ACCEPTED
    assert try_connect(cluster.host, cluster.port, renewed) == ACCEPTED


def test_who_is_let_in_is_said_by_either_of_two_programs(cluster: NatsCluster) -> None:
    device = cluster.add_user("device", "st-08")
    for number in (0, 1):
        cluster.kill_access(number)
        for port in cluster.ports:  # a request on its way to the one that ended is refused in the end
            wait_until(lambda: try_connect(cluster.host, port, device) == ACCEPTED, "the other one")  # noqa: B023
        cluster.start_access(number)


def test_nodes_trust_each_other_and_clients_by_the_certificates_of_the_site(tmp_path: Path) -> None:
    with NatsCluster(tmp_path, access=1, tls=True) as cluster:
        worker = cluster.add_user("worker")
        device = cluster.add_user("device", "st-01")
        with (
            Probe(cluster.ports[0], worker, ca=cluster.ca_path) as receiver,
            Probe(cluster.ports[1], device, ca=cluster.ca_path) as sender,
        ):
            receiver.subscribe(f"stetho/v1/shard/{shard_of('st-01')}/device/+/up/pcm")
            sender.publish(topics.pcm("st-01"))
            receiver.wait_for(shard_topic("st-01"))
        assert try_connect(cluster.host, cluster.port, device) is None, "a client without TLS"


def test_the_queue_of_three_nodes_is_limited_by_each_program(cluster: NatsCluster) -> None:
    for name in ("access-0", "access-1"):
        wait_until(lambda: f"event=queue_limited bytes={6 * 2**30}" in cluster.log(name), "the limit")  # noqa: B023


def test_a_queue_that_is_full_takes_nothing_more_and_can_be_emptied(tmp_path: Path) -> None:
    cluster = NatsCluster(tmp_path, nodes=1, access=1)
    configuration = cluster.configuration / "n1.conf"
    configuration.write_text(configuration.read_text().replace("8GB", "8MB"))
    with cluster:
        wait_until(lambda: "event=queue_limited" in cluster.log("access-0"), "the limit")
        device, worker = cluster.add_user("device", "st-01"), cluster.add_user("worker")
        shard = Credentials(shard_account(worker.username, shard_of("st-01")), worker.password)
        with Probe(cluster.port, shard, clean_session=False) as holder:
            holder.subscribe(f"stetho/v1/shard/{shard_of('st-01')}/device/+/up/pcm")
        with Probe(cluster.port, device) as sender:
            for _ in range(200):
                sender.send_unacknowledged(topics.pcm("st-01"), LARGEST)
            assert sender.disconnected.wait(30), "what has no room is not acknowledged"
        with Probe(cluster.port, shard, clean_session=False) as holder:
            holder.wait_for(shard_topic("st-01"), 80)
            with Probe(cluster.port, device) as sender:
                sender.publish(topics.pcm("st-01"), b"again")
