"""Addresses of the broker, of which a cluster has several, to be tried in turn."""

from typing import Final, NamedTuple

_MAX_PORT: Final = 65_535
_SEPARATOR: Final = ","
_NEVER: Final = frozenset(" /\\?#@;,'\"`$&|<>(){}*!")
"""Characters of no host: those of URLs, shells and lists."""


class BrokerAddress(NamedTuple):
    """One address."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse(text: str, port: int) -> list[BrokerAddress]:
    """Return the addresses in `text`: hosts, each with or without `:port`, separated by commas.

    Raises:
        ValueError: one of them is none.
    """
    return [_parse_one(each.strip(), port) for each in text.split(_SEPARATOR)]


def _parse_one(text: str, port: int) -> BrokerAddress:
    host, colon, number = text.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")):  # an IPv6 address has colons of its own
        host, number = text, str(port)
    if not (number.isascii() and number.isdigit() and 0 < int(number[:6]) <= _MAX_PORT):
        raise ValueError(f"{number!r} is no port")
    host = host.removeprefix("[").removesuffix("]")
    if not is_host(host):
        raise ValueError(f"{host!r} is no host")
    return BrokerAddress(host, int(number))


def is_host(text: str) -> bool:
    """Return whether a text can be the name or address of a machine; an IPv6 address may have a zone."""
    try:
        text.encode("idna")
    except UnicodeError:  # empty labels, labels too long
        return False
    return bool(text) and not any(each in _NEVER or not each.isprintable() for each in text)
