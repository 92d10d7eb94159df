"""Mosquitto's password format `$7$`: PBKDF2 with SHA-512, as `mosquitto_passwd` of 2.0 writes it.

Source: `apps/mosquitto_passwd` and `src/password_mosq` of Eclipse Mosquitto 2.0; PBKDF2 is RFC 8018.
"""

import secrets
from base64 import b64decode, b64encode
from hashlib import pbkdf2_hmac
from hmac import compare_digest

# The default of Mosquitto. Passwords are 192 random bits, which more iterations do not make safer, and the
# broker computes the hash on its only thread whenever a device connects.
ITERATIONS = 101
SALT_BYTES = 12  # Mosquitto 2.0 accepts no other length


def generate() -> str:
    """Return a new password of 192 random bits in 32 characters that need no quoting.

    It does not contain `-`, which a command line may take for an option.
    """
    return secrets.token_urlsafe(24).replace("-", ".")


def encode(password: str) -> str:
    """Return the hash of a password, as it follows the colon in Mosquitto's password file."""
    salt = secrets.token_bytes(SALT_BYTES)
    digest = pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS)
    return f"$7${ITERATIONS}${b64encode(salt).decode()}${b64encode(digest).decode()}"


def matches(encoded: str, password: str) -> bool:
    """Return whether `encoded` is the hash of a password."""
    _, _kind, iterations, salt, digest = encoded.split("$")
    found = pbkdf2_hmac("sha512", password.encode(), b64decode(salt), int(iterations))
    return compare_digest(found, b64decode(digest))
