"""Announcement of the broker in the local network: a service file for Avahi, so that stethoscopes find it."""

from typing import Final

from broker import listener
from broker.directory import StateDirectory, write_private

DOMAIN: Final = ".local"
"""End of the names that multicast DNS resolves; devices believe no announced host outside of it."""
_SERVICE: Final = f"""<?xml version="1.0" standalone="no"?>
<!DOCTYPE service-group SYSTEM "avahi-service.dtd">
<service-group>
  <name>stetho</name>
  <service>
    <type>_secure-mqtt._tcp</type>
    <port>{listener.TLS.port}</port>
  </service>
</service-group>
"""


def write(state: StateDirectory, hosts: list[str]) -> str:
    """Write the service file, if the certificate, which is for `hosts`, has a name that can be announced.

    Return what to do with it. Avahi announces its machine by the machine's own name, and a device accepts the
    broker only if the certificate has that name.
    """
    names = [host for host in hosts if host.endswith(DOMAIN)]
    if not names:
        return (
            "Stethoscopes need the broker's address: for host=auto its certificate must have this machine's"
            f" name, NAME{DOMAIN}, too."
        )
    path = state.path / "stetho.service"
    write_private(path, _SERVICE)
    return (
        f"Stethoscopes with host=auto find the broker if this machine is {' or '.join(names)} and Avahi"
        f" announces it: copy {path} to /etc/avahi/services, readable for all."
    )
