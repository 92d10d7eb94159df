"""Address of a bucket: its URL, and the usual AWS_* variables; those of credentials obstore itself reads."""

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from obstore.exceptions import BaseError
from obstore.store import S3Store

from edge_worker.audio_store.audio_bucket import AudioBucket
from edge_worker.errors import SettingsError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Config

_ENDPOINTS: Final = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
"""The first that is set is in force."""
_CONNECT_WITHIN: Final = "5s"
_ANSWER_WITHIN: Final = "20s"
"""Of one request, which sends at most a part of a sound."""
_TRIES_AGAIN: Final = 2
_TRIES_FOR_S: Final = 10.0


def open_bucket(url: str, secret: str) -> AudioBucket:
    """Return the store of sounds at `url`, such as `s3://sounds/ward-3`; nothing is asked of it yet.

    Raises:
        SettingsError: a variable has a value that cannot be right.
    """
    parts = urlsplit(url)
    endpoint = next((os.environ[name] for name in _ENDPOINTS if os.environ.get(name)), "")
    if endpoint.startswith("http://") and not _allows_http():
        raise SettingsError(
            f"{endpoint} would get sounds unencrypted: use https, or set AWS_ALLOW_HTTP=true where the "
            "network is yours alone"
        )
    if endpoint and not endpoint.startswith(("http://", "https://")):
        raise SettingsError(f"the endpoint {endpoint} is no address; use one such as https://s3.example.org")
    config: S3Config = {"bucket": parts.netloc}
    if endpoint:
        config["endpoint"] = endpoint
    if secret:
        config["secret_access_key"] = secret
    try:
        store = S3Store(
            prefix=parts.path.strip("/") or None,
            config=config,
            client_options=_client(),
            retry_config={
                "max_retries": _TRIES_AGAIN,
                "retry_timeout": timedelta(seconds=_TRIES_FOR_S),
            },
        )
    except (BaseError, ValueError) as error:
        raise SettingsError(f"{url} cannot be used: {str(error).splitlines()[0]}") from error
    return AudioBucket(store, f"{url} at {endpoint}" if endpoint else url)


def _allows_http() -> bool:
    return os.environ.get("AWS_ALLOW_HTTP", "").lower() in ("true", "1")


def _client() -> "ClientConfig":
    client: ClientConfig = {
        "allow_http": _allows_http(),
        "connect_timeout": os.environ.get("AWS_CONNECT_TIMEOUT", _CONNECT_WITHIN),
        "timeout": os.environ.get("AWS_TIMEOUT", _ANSWER_WITHIN),
    }
    bundle = os.environ.get("AWS_CA_BUNDLE")
    if bundle:
        try:
            client["root_certificate"] = Path(bundle).read_bytes()
        except OSError as error:
            raise SettingsError(f"AWS_CA_BUNDLE cannot be read: {error}") from error
    return client
