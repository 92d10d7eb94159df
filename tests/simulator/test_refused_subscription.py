"""A subscription that the broker refuses for now, as a cluster does that has just lost a node."""

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from edge_worker.protocol import topics
from simulator.device.event_loop import EventLoop
from simulator.device.mqtt_connection import Account, Address, Connection
from simulator.site.site import Site

REFUSED = ReasonCode(PacketTypes.SUBACK, identifier=128)


def test_a_device_of_which_one_subscription_is_refused_works_and_asks_again(site: Site) -> None:
    names = [topics.control("st-01"), topics.device_result("st-01")]
    account = site.add_device("st-01")
    event_loop, asked = EventLoop(), list[int]()
    address = Address(site.broker.host, site.broker.port)
    connection = Connection(
        event_loop, address, Account("st-01", account.password), names, lambda _message: None
    )
    answered = connection._on_subscribe

    def answer(client: object, data: object, number: int, codes: list[ReasonCode], rest: object) -> None:
        asked.append(len(codes))
        answered(client, data, number, [REFUSED, *codes[1:]] if len(asked) == 1 else codes, rest)

    connection._client.on_subscribe = answer
    connection.open()
    assert event_loop.run_until(lambda: asked == [2, 1], 30), "asked again for the one that was refused"
    assert connection.is_ready
    connection.close()
    event_loop.close()
