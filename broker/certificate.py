"""`stetho certificate`: certificate authority for the broker's TLS listeners.

    stetho certificate ca
    stetho certificate server stetho.local 192.168.1.20

EC P-256 keys, X.509 v3 with subject alternative names (RFC 5280). `ca.pem` goes on devices; `ca.key`
stays here and is needed for renewals only.
"""

import argparse
import sys
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from broker import directory
from broker.directory import StateDirectory, write_private
from edge_worker import RELEASED
from edge_worker.broker_address import is_host
from edge_worker.errors import BrokerError, StethoError
from edge_worker.own_command import stetho

CA_DAYS: Final = 3650  # devices store it
SERVER_DAYS: Final = 397  # the maximum that browsers accept
RENEWAL: Final = timedelta(days=30)
CLOCK_SKEW: Final = timedelta(days=1)  # the clock of a device that has just booted may be slow
MAX_AHEAD: Final = timedelta(days=5 * 365)  # after the release: a clock that says a later time is wrong
DIGITAL_SIGNATURE: Final = "digital_signature"
SIGNING: Final = ("key_cert_sign", "crl_sign")


def create_ca(folder: Path) -> str:
    """Create `ca.pem` and `ca.key` in `folder` and return the certificate's SHA-256 fingerprint.

    Raises:
        BrokerError: there is a CA already; devices trust it, so it is never replaced.
    """
    if (folder / "ca.key").exists() or (folder / "ca.pem").exists():
        raise BrokerError(
            f"{folder} holds a CA already, which devices trust; move it away to start a new one"
        )
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Stetho Edge CA")
    builder = _builder(name, name, key.public_key(), CA_DAYS, authority=True)
    builder = builder.add_extension(_key_usage(*SIGNING), critical=True)
    return _write(folder, "ca", builder.sign(key, hashes.SHA256()), key)


def create_server(folder: Path, hosts: list[str]) -> str:
    """Create or renew `server.pem` and `server.key` for names and addresses; return the fingerprint.

    Raises:
        BrokerError: there is no CA in `folder`, or no host was given.
    """
    if not hosts:
        raise BrokerError("name at least one host name or address under which devices reach the broker")
    return _create(folder, "server", hosts, SERVER_DAYS, ExtendedKeyUsageOID.SERVER_AUTH)


def create_node(folder: Path, hosts: list[str]) -> str:
    """Create `node.pem` and `node.key`, with which nodes of NATS trust each other; return the fingerprint.

    Raises:
        BrokerError: there is no CA in `folder`.
    """
    usages = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
    return _create(folder, "node", hosts, CA_DAYS, *usages)


def ensure(folder: Path, wanted: list[str]) -> None:
    """Create the CA if there is none; renew the server's certificate if it lacks a name or expires soon."""
    if not (folder / "ca.pem").exists():
        create_ca(folder)
    present = _present_hosts(folder)
    if not set(wanted) <= set(present) or not _is_current(folder):
        create_server(folder, list(dict.fromkeys([*wanted, *present])))


def fingerprint(path: Path) -> str:
    """Return the SHA-256 fingerprint of a PEM certificate, as `openssl x509 -fingerprint` writes it."""
    return x509.load_pem_x509_certificate(path.read_bytes()).fingerprint(hashes.SHA256()).hex(":").upper()


def hosts(folder: Path) -> list[str]:
    """Return the names and addresses of the server's certificate."""
    certificate = x509.load_pem_x509_certificate((folder / "server.pem").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in names]


def _create(folder: Path, name: str, hosts: list[str], days: int, *usages: x509.ObjectIdentifier) -> str:
    if bad := [host for host in hosts if not is_host(host)]:
        raise BrokerError(f"{bad[0]!r} is no host; use names and addresses by which this machine is reached")
    ca, ca_key = _load_ca(folder)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(_name(hosts[0]), ca.subject, key.public_key(), days, authority=False)
        .add_extension(
            x509.SubjectAlternativeName([_subject_alternative_name(host) for host in hosts]), critical=False
        )
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False
        )
        .add_extension(_key_usage(DIGITAL_SIGNATURE), critical=True)
    )
    return _write(folder, name, builder.sign(ca_key, hashes.SHA256()), key)


def _present_hosts(folder: Path) -> list[str]:
    return hosts(folder) if (folder / "server.pem").exists() else []


def _is_current(folder: Path) -> bool:
    """Return whether the server's certificate is valid now and for some time; one of the future is not."""
    certificate = x509.load_pem_x509_certificate((folder / "server.pem").read_bytes())
    now = _now()
    return certificate.not_valid_before_utc <= now and certificate.not_valid_after_utc >= now + RENEWAL


def _now() -> datetime:
    """Return the time; raise BrokerError where it cannot be: what is made now would not be valid."""
    now = datetime.now(UTC)
    if not RELEASED <= now <= RELEASED + MAX_AHEAD:
        raise BrokerError(f"the clock of this machine says {now:%Y-%m-%d}; set it before making certificates")
    return now


def _load_ca(folder: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    try:
        certificate = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
        key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), password=None)
    except FileNotFoundError as error:
        raise BrokerError(f"{error.filename} is missing; `{stetho('certificate ca')}` makes a CA") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise BrokerError(f"{folder / 'ca.key'} is not a key of this CA")
    return certificate, key


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int, authority: bool
) -> x509.CertificateBuilder:
    now = _now()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + timedelta(days=days) - CLOCK_SKEW)
        .add_extension(
            x509.BasicConstraints(ca=authority, path_length=0 if authority else None), critical=True
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _key_usage(*allowed: str) -> x509.KeyUsage:
    every = (
        *SIGNING,
        DIGITAL_SIGNATURE,
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{usage: usage in allowed for usage in every})


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])  # 64: limit of RFC 5280


def _subject_alternative_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write(folder: Path, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> str:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_private(folder / f"{name}.key", private.decode())
    write_private(folder / f"{name}.pem", certificate.public_bytes(serialization.Encoding.PEM).decode())
    return fingerprint(folder / f"{name}.pem")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="stetho certificate",
        description="Make the certificates of the broker's TLS listeners.",
        epilog="examples:\n  stetho certificate ca\n"
        "  stetho certificate server stetho.local 192.168.1.20\n"
        "  stetho certificate server                             renews it",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    directory.add_option(parser)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("ca", help="make the CA, once")
    server = commands.add_parser("server", help="make or renew the broker's certificate")
    server.add_argument(
        "hosts",
        nargs="*",
        metavar="HOST",
        help="name or address that devices connect to (default: those of the certificate that is there)",
    )
    chosen = parser.parse_args(arguments)
    try:
        folder = StateDirectory(chosen.dir or directory.default_path()).certificates
        digest = (
            create_ca(folder)
            if chosen.command == "ca"
            else create_server(folder, chosen.hosts or _present_hosts(folder))
        )
    except (StethoError, OSError, ValueError) as error:
        print(f"stetho certificate: {error}", file=sys.stderr)
        return 2
    print(f"{folder / chosen.command}.pem  SHA-256 {digest}")
    if chosen.command == "server":
        print("A running broker reads it on SIGHUP; one without TLS so far must be restarted.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
