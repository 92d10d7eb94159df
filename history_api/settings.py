"""Settings of the history API: those that every process of a site shares, and its own."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from edge_worker.protocol.chunk import MAX_RATE_HZ, MIN_RATE_HZ
from edge_worker.settings import Settings, setting

VIRTUAL_DEVICE: Final = "upload"
"""Device id of an upload that names no device."""


@dataclass(frozen=True, slots=True)
class ApiSettings(Settings):
    """Settings of a site with those of the history API; `api_host` is `STETHO_API_HOST`, and so on."""

    keep_days: int = setting(0, "days after which the history API deletes a recording; 0: never", 0)
    keep_free_mb: int = setting(
        0, "free disk space below which the history API deletes old recordings, MiB; 0: never", 0
    )
    keep_free_from: str = setting(
        "cause",
        "whose recordings make that room: `cause`, of devices that filled the disk; `all`, of all devices",
    )
    api_host: str = setting("127.0.0.1", "address that the history API listens on")
    api_port: int = setting(8080, "port that the history API listens on; 0: any free port", 0)
    api_mqtt_username: str = setting("api", "user name and client id of the history API at the broker")
    api_mqtt_password: str = setting("", "password of the history API at the broker; prefer the file")
    api_mqtt_password_file: Path | None = setting(
        None, "file whose first line is that password; with neither there are no uploads and no live data"
    )
    api_auth: str = setting(
        "keys", "access to the history API: `keys`, holders of an API key; `none`, everyone on this machine"
    )
    api_rate: int = setting(
        600, "requests per minute from one key, or from one address without a key; 0: no limit", 0
    )
    api_long: int = setting(
        16,
        "event streams, exports, reports, pictures, uploads and commands at a time of one key; twice as many "
        "of one address, eight times of all",
        1,
    )
    api_proxy: int = setting(
        0,
        "proxies in front of the history API that are trusted: X-Forwarded-For, -Proto, -Host and -Prefix, "
        "X-Ingress-Path",
        0,
    )
    api_public_url: str = setting(
        "",
        "address at which the history API is reached from outside, such as `https://stetho.example.org`, for "
        "links in FHIR, OpenAPI and messages; empty: that of each request",
    )
    upload_mb: int = setting(100, "maximum body of a request to the history API, MiB", 1)
    subject_required: str = setting(
        "off", "`on`: uploads must say whose sound it is, and pages ask for it where a recording does not"
    )
    upload_wait_s: float = setting(20.0, "time that an upload waits for its result, seconds", 0)
    raw_rate: int = setting(
        0,
        "rate of raw PCM whose sender names none, Hz; 0: 16000, or 44100 where only that is whole seconds",
        0,
    )
    root_profile: str = setting(
        "", "older system that is answered at the root, too, such as `heart-api`; empty: none"
    )
    predict_model: str = setting("heart2", "model of `POST /predict` when the request names none")
    cache_mb: int = setting(256, "maximum size of the pictures that the history API keeps in `cache`, MiB", 1)
    fhir_codes: Path | None = setting(
        None, "JSON file of codes for the FHIR export; without it, the built-in codes"
    )

    @property
    def api_password(self) -> str:
        """The API's broker password in force, empty where it has no account; raises SettingsError."""
        return self.read_password("api_mqtt_password_file") or self.api_mqtt_password

    def check(self) -> None:
        """Raise SettingsError unless the values are possible and fit together."""
        Settings.check(self)  # super() knows no class with slots before Python 3.14
        self.require_port("api_port")
        self.require_one_of("keep_free_from", "cause", "all")
        self.require(
            "keep_free_mb",
            not (self.keep_free_mb and self.audio_url),
            "with STETHO_AUDIO_URL deleting recordings makes no room in the data directory; set "
            "STETHO_KEEP_DAYS instead",
        )
        self.require_one_of("subject_required", "off", "on")
        self.require_one_of("api_auth", "keys", "none")
        self.require(
            "raw_rate",
            not self.raw_rate or MIN_RATE_HZ <= self.raw_rate <= MAX_RATE_HZ,
            f"use {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz, or 0",
        )
        self.require(
            "api_public_url",
            not self.api_public_url or _is_base_url(self.api_public_url),
            "use http:// or https://, a host and at most a path, such as https://stetho.example.org/hearts",
        )
        self.require_name("api_mqtt_username")
        self.require(
            "api_mqtt_username",
            self.api_mqtt_username != self.mqtt_username,
            "use another name than STETHO_MQTT_USERNAME: the broker disconnects one of two that share a name",
        )


def _is_base_url(text: str) -> bool:
    try:
        url = urlsplit(text)
        is_host = bool(url.hostname) and url.port != 0
    except ValueError:  # a port that is none, or half an IPv6 address
        return False
    is_plain = text.isascii() and text.isprintable() and not set(text) & set(' ?#"<>\\')
    return is_plain and is_host and url.scheme in ("http", "https") and "@" not in url.netloc
