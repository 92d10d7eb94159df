"""Rights of an account at NATS, from the same list as Mosquitto's (`broker/acl`)."""

from typing import Any, Final

from broker.account import role_of
from broker.directory import PACKAGE
from edge_worker.protocol.sharing.shard import shard_of

_CHUNKS: Final = "stetho.v1.device.{device}.up.pcm"
_CHUNKS_OF_SHARD: Final = "stetho.v1.shard.{shard}.device.{device}.up.pcm"


def permissions_of(username: str) -> dict[str, Any]:
    """Return what an account may publish (`pub`) and subscribe to (`sub`), as a user JWT has it."""
    publish: list[str] = []
    subscribe: list[str] = []
    for right, topic in _rights(username):
        subjects = _subjects(topic, username)
        if "write" in right:
            publish += subjects
        if "read" in right:
            subscribe += subjects
    return {"pub": _allow(publish), "sub": _allow(subscribe)}


def _allow(subjects: list[str]) -> dict[str, list[str]]:
    # An empty list would allow everything.
    return {"allow": sorted(set(subjects))} if subjects else {"deny": [">"]}


def _rights(username: str) -> list[tuple[str, str]]:
    """Return pairs of `read`, `write` or `readwrite` and a topic filter."""
    patterns, *blocks = (PACKAGE / "acl").read_text().split("\nuser ")
    rules = dict(block.split("\n", 1) for block in blocks)
    role = role_of(username)
    # The patterns of all accounts are for devices; at Mosquitto the others are denied what they give.
    text = (patterns if role == "device" else "") + "\n" + rules[role]
    entries = [line.split() for line in text.splitlines() if line.startswith(("topic ", "pattern "))]
    return [(right, topic.replace("%u", username)) for _, right, topic in entries if right != "deny"]


def _subjects(topic: str, username: str) -> list[str]:
    """Return a topic filter as subjects; chunks have that of their shard, to which NATS maps them."""
    subject = topic.replace("/", ".").replace("+", "*")
    if subject == _CHUNKS.format(device=username):
        return [_CHUNKS_OF_SHARD.format(shard=shard_of(username), device=username)]
    if subject == _CHUNKS.format(device="*"):
        return [_CHUNKS_OF_SHARD.format(shard="*", device="*")]
    if subject.endswith(".#"):
        return [subject.removesuffix(".#"), subject.removesuffix("#") + ">"]
    return [subject]
