"""The firmware, as a Linux program, finds the real broker by multicast DNS."""

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from mdns_responder import PLAIN, TLS, Announced, Responder, reply
from stethoscope import ID, READY, Stethoscope, heart, program, run

from broker import certificate
from broker.account import Credentials
from broker.mosquitto import Broker
from simulator.site.site import Site

pytest_plugins = ["stethoscope_fixtures"]
pytestmark = [pytest.mark.usefixtures("built"), pytest.mark.timeout(600)]  # the first one builds
FAST = ("--pace", "2")
NAME = "ward-3.local"
"""Name of the broker's certificate."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Site whose broker has a certificate for the name that it announces."""
    site = Site(tmp_path / "site")
    site.broker = Broker(site.directory / "broker", tls=True)
    certificates = site.broker.ca_path.parent
    certificate.create_server(certificates, [NAME, "localhost", "127.0.0.1"])
    with site:
        yield site


def announced(site: Site, *, tls: bool, instance: str = "Stetho", host: str = NAME) -> Announced:
    """Return what the site's broker says of itself."""
    port = site.broker.tls_port if tls else site.broker.port
    assert port is not None
    return Announced(port, TLS if tls else PLAIN, instance, host)


def finds(site: Site, account: Credentials, responder: Responder, *, tls: bool = False) -> Stethoscope:
    """Return a device that looks for the broker; with TLS it trusts the site's CA."""
    trust = ("--cafile", str(site.broker.ca_path)) if tls else ()
    return Stethoscope(site, account, "--host", "auto", "--ask", responder.address, *trust, *FAST)


def logins(broker: Broker) -> int:
    """Return how often somebody came with the name of the device."""
    return broker.log_path.read_text().count(f" as {ID} ")


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
def test_it_finds_the_broker_records_and_gets_its_result(
    site: Site, account: Credentials, tmp_path: Path, tls: bool
) -> None:
    site.start_worker()
    trust = ("--cafile", str(site.broker.ca_path)) if tls else ()
    sound = ("--audio", str(heart(tmp_path, 4_000)))
    with (
        Responder(announced(site, tls=tls)) as responder,
        Stethoscope(
            site, account, "--host", "auto", "--port", "1", "--ask", responder.address, *trust, *sound, *FAST
        ) as device,
    ):
        device.wait_for(r"CONNECTING[ │\n]+the broker[ │\n]+looking for it")
        device.wait_for(READY)
        device.say("press")
        assert device.wait_for_result()["label"] == "normal"
        device.say("quit")
    assert len(responder.questions) == 1


def test_everybody_is_asked_where_the_machine_has_multicast(site: Site, account: Credentials) -> None:
    try:
        responder = Responder(announced(site, tls=False), group=True)
    except OSError as error:
        pytest.skip(f"no multicast here: {error}")
    with responder, Stethoscope(site, account, "--host", "auto", *FAST) as device:
        device.wait_for("READY|no broker found")
        if not responder.questions:
            pytest.skip("multicast does not come back to this machine")
        device.wait_for("READY")
        device.say("quit")


def test_nobody_answers_is_said_and_waited_out(site: Site, account: Credentials) -> None:
    answers: list[Announced] = []
    with (
        Responder(lambda question: [message for each in answers for message in each(question)]) as responder,
        finds(site, account, responder) as device,
    ):
        device.wait_for(r"no broker found[ │\n]+enter its address")
        at = device.wait_for(r"OFFLINE(.|\n)+no broker found")
        answers.append(announced(site, tls=False))
        device.wait_for("READY", at)
        device.say("quit")


def test_other_brokers_of_the_house_are_left_alone(site: Site, account: Credentials) -> None:
    port = site.broker.port
    before = logins(site.broker)
    others = (
        Announced(port, PLAIN, "Home Assistant"),
        Announced(port, PLAIN, "Stetho", "stetho.example.org"),
        Announced(port, TLS),
        Announced(port, PLAIN, "Stetho", "far.local", "224.0.0.1"),
        Announced(0, PLAIN),
    )

    def answer(question: bytes) -> list[bytes]:
        return [reply(question, *each.records()) for each in others]

    with Responder(answer) as responder, finds(site, account, responder) as device:
        device.wait_for("no broker found")
        device.say("quit")
    assert logins(site.broker) == before


def test_a_certificate_without_the_announced_name_is_not_trusted(site: Site, account: Credentials) -> None:
    before = logins(site.broker)
    with (
        Responder(announced(site, tls=True, host="other.local")) as responder,
        finds(site, account, responder, tls=True) as device,
    ):
        device.wait_for("broker not trusted")
        device.say("quit")
    assert logins(site.broker) == before


def test_an_announcer_with_another_ca_hears_no_password_and_does_not_keep_the_broker_away(
    site: Site, account: Credentials, tmp_path: Path
) -> None:
    folder = tmp_path / "hostile"
    hostile = Broker(folder, tls=True)
    certificate.create_server(hostile.ca_path.parent, [NAME, "localhost", "127.0.0.1"])
    with hostile:
        assert hostile.tls_port is not None
        first = Announced(hostile.tls_port, TLS, "Stetho", NAME)  # the same names, and before
        second = announced(site, tls=True, instance="stetho two")
        with (
            Responder(first, second) as responder,
            finds(site, account, responder, tls=True) as device,
        ):
            device.wait_for("READY|no analyser")
            device.say("quit")
    assert "unknown ca" in hostile.log_path.read_text()
    assert logins(hostile) == 0
    assert len(responder.questions) == 1, "both are of one answer"


def test_a_broker_that_moved_is_found_again(site: Site, account: Credentials, tmp_path: Path) -> None:
    places = [announced(site, tls=False)]

    def answer(question: bytes) -> list[bytes]:
        return places[0](question)

    with Responder(answer) as responder, finds(site, account, responder) as device:
        at = device.wait_for("READY|no analyser")
        site.broker.stop()
        at = device.wait_for("OFFLINE", at)
        site.broker.start()
        at = device.wait_for("READY|no analyser", at)
        site.broker.stop()
        asked = len(responder.questions)
        with Broker(tmp_path / "moved") as moved:
            moved.add_user("device", ID)
            places[0] = Announced(moved.port)
            device.wait_for("password refused", at)  # of another site: it went there
            device.say("quit")
        assert len(responder.questions) > asked


def test_garbage_harms_nothing(site: Site, account: Credentials) -> None:
    chance = random.Random(19)
    right = announced(site, tls=False)

    def spoil(question: bytes) -> list[bytes]:
        whole = bytearray(right(question)[0])
        spoiled = [chance.randbytes(chance.randrange(1, 1_400)) for _ in range(5)]
        spoiled += [bytes(whole[: chance.randrange(len(whole))]) for _ in range(5)]
        other = bytearray(whole)
        other[0] ^= 1  # the answer to another question
        loop = whole[:12] + b"\xc0\x0c" + whole[12:]
        return [*spoiled, bytes(other), bytes(loop), question, b""]

    with Responder(spoil) as responder, finds(site, account, responder) as device:
        device.wait_for("no broker found")
        device.say("quit")
    with Responder(spoil, right) as responder, finds(site, account, responder) as device:
        device.wait_for("READY|no analyser")
        device.say("quit")


def test_a_program_that_finds_no_broker_ends_and_says_so(site: Site, account: Credentials) -> None:
    with Responder() as responder:
        command = [str(program()), "--host", "auto", "--device", ID, "--once", "--quiet"]
        ended = run([*command, "--ask", responder.address])
        assert ended.returncode == 2
        assert "--host" in ended.stderr
        refused = run([*command, "--ask", "somewhere"])
    assert refused.returncode == 2
    assert re.search("--ask is an address and a port", refused.stderr)
