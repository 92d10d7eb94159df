"""Address by which a client is counted: of IPv6 the network, since a client has all addresses of its /64."""

from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

_IPV6_PREFIX: Final = 64


def network_of(text: str) -> str:
    """Return what a client of the address `text` is counted under."""
    try:
        address = ip_address(text)
    except ValueError:
        return text
    is_v6 = isinstance(address, IPv6Address)
    return str(ip_network((address, _IPV6_PREFIX), strict=False)) if is_v6 else text
