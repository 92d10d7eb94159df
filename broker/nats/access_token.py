"""Tokens of NATS' auth callout: what a node asks, and the signed answer (JWT with `ed25519-nkey`)."""

import json
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import Any, Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.nats import nkey
from edge_worker.protocol import strict_json

SITE: Final = "SITE"
"""Account of NATS in which all clients meet."""
_HEADER: Final = {"typ": "JWT", "alg": "ed25519-nkey"}
_VERSION: Final = 2
_MQTT: Final = ["MQTT", "MQTT_WS"]


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """Client that wants to be let in, as a node describes it."""

    user_key: str
    """Key that the node made for this connection; the answer is for it alone."""
    server_id: str
    username: str
    password: str
    client_id: str
    """Of MQTT; empty for a client of another kind."""
    host: str
    expires_at: int
    """Second since 1970 from which on the node waits no more."""

    @classmethod
    def from_token(cls, token: str) -> Self:
        """Return what a node asks. Only nodes can publish where it comes from, so no signature is checked.

        Raises:
            ValueError, KeyError: it is no such token.
        """
        token_claims = _decode(token.split(".")[1])
        claims = token_claims["nats"]
        options, client = claims["connect_opts"], claims["client_info"]
        return cls(
            user_key=claims["user_nkey"],
            server_id=claims["server_id"]["id"],
            username=options.get("user", ""),
            password=options.get("pass", ""),
            client_id=client.get("mqtt_id", ""),
            host=client.get("host", ""),
            expires_at=token_claims["exp"],
        )


def admission(key: Ed25519PrivateKey, request: AccessRequest, permissions: dict[str, Any]) -> bytes:
    """Return the answer that lets a client in, with these rights and over MQTT only."""
    user = {
        **permissions,
        "subs": -1,
        "data": -1,
        "payload": -1,
        "allowed_connection_types": _MQTT,
        "type": "user",
        "version": _VERSION,
    }
    claims = {"sub": request.user_key, "name": request.username, "aud": SITE, "nats": user}
    return _answer(key, request, {"jwt": _sign(key, claims)})


def refusal(key: Ed25519PrivateKey, request: AccessRequest, reason: str) -> bytes:
    """Return the answer that refuses a client; the node writes the reason to its log."""
    return _answer(key, request, {"error": reason})


def _answer(key: Ed25519PrivateKey, request: AccessRequest, content: dict[str, str]) -> bytes:
    nats = {**content, "type": "authorization_response", "version": _VERSION}
    return _sign(key, {"sub": request.user_key, "aud": request.server_id, "nats": nats}).encode()


def _sign(key: Ed25519PrivateKey, claims: dict[str, Any]) -> str:
    issued = {"jti": secrets.token_hex(16), "iat": int(time.time()), "iss": nkey.public_key(key)}
    signed = f"{_encode(_HEADER)}.{_encode(issued | claims)}"
    return f"{signed}.{_base64(key.sign(signed.encode()))}"


def _encode(document: dict[str, Any]) -> str:
    return _base64(strict_json.write(document).encode())


def _base64(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def _decode(text: str) -> Any:  # noqa: ANN401 - JSON
    return json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
