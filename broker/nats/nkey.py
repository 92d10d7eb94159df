"""Keys as NATS writes them (nkeys): Ed25519 in base32, with a letter that says whose it is."""

from base64 import b32encode
from binascii import crc_hqx
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_ACCOUNT: Final = b"\x00"
"""Prefix byte of the public key of an account: it begins with `A`."""


def public_key(key: Ed25519PrivateKey) -> str:
    """Return the public part of `key`, as that of an account."""
    content = _ACCOUNT + key.public_key().public_bytes_raw()
    return b32encode(content + crc_hqx(content, 0).to_bytes(2, "little")).decode().rstrip("=")
