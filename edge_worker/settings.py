"""Settings of one site, read once from `STETHO_*` environment variables.

They are facts of a deployment. Facts of signals and models are not here: they live in the model card beside
the model. `docs/configuration.md` lists every variable; a test holds the two together.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Self

from edge_worker import broker_address
from edge_worker.broker_address import BrokerAddress
from edge_worker.errors import SettingsError
from edge_worker.protocol import topics
from edge_worker.protocol.meaning import LANGUAGES
from edge_worker.protocol.sharing.shard import SHARDS
from edge_worker.text_file import first_line

ENVIRONMENT_PREFIX: Final = "STETHO_"
DEFAULT_MODELS_DIR: Final = Path(__file__).parents[1] / "models_tflite"
"""The models that came with the program, in a checkout or where it is installed."""
_LAST_PORT: Final = 65_535
_BUCKET_URL: Final = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[\w.=-]+)*/?", re.ASCII)
_LONGEST_EVENT: Final = 6000
"""Blocks of 10 ms: a minute."""


def setting(default: Any, help_text: str, minimum: float | None = None) -> Any:  # noqa: ANN401 - as dataclasses.field
    """Return the dataclass field of a setting; `minimum` is the least value of a number."""
    return field(default=default, metadata={"help": help_text, "minimum": minimum})


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings that every process of a site shares, and those of the worker.

    The field `mqtt_host` is read from `STETHO_MQTT_HOST`, and so on.
    """

    broker: str = setting(
        "mosquitto",
        "broker of this site: `mosquitto`, or `nats`, which deals chunks out by part of the devices",
    )
    mqtt_host: str = setting(
        "127.0.0.1", "host name or address of the broker; of a cluster several, comma-separated"
    )
    mqtt_port: int = setting(1883, "port of the broker, where its host has none (`HOST:PORT`)", 1)
    mqtt_username: str = setting("worker", "user name and client id of the worker at the broker")
    mqtt_password: str = setting("", "password of the worker at the broker; prefer the file")
    mqtt_password_file: Path | None = setting(None, "file whose first line is the password")
    mqtt_ca_file: Path | None = setting(None, "certificate of the CA; when it is set, TLS is used")
    worker_id: str = setting("edge-01", "id of this worker, in the topic `stetho/v1/worker/{worker}`")
    processes: int = setting(
        0, "processes of the worker, which share the devices; 0: by cores, memory and accounts", 0
    )
    first_process: int = setting(
        1, "number of the first of them in a cluster: each process of all machines has one of its own", 1
    )
    data_dir: Path = setting(Path("data"), "directory of the spool, the audio and the SQLite file")
    database_url: str = setting("", "SQLAlchemy URL; empty: SQLite in the data directory")
    audio_url: str = setting(
        "", "where sounds are kept, such as `s3://sounds/ward-3`; empty: `audio` in the data directory"
    )
    audio_secret_file: Path | None = setting(
        None, "file whose first line is the secret access key; without it, AWS_SECRET_ACCESS_KEY has it"
    )
    models_dir: Path = setting(
        DEFAULT_MODELS_DIR, "directory of the model pairs; default: those installed with the program"
    )
    models: tuple[str, ...] = setting(
        ("heart5", "heart2"),
        "models for a device that requests none, comma-separated; of findings the first is the answer",
    )
    max_recording_s: float = setting(600.0, "maximum length of a recording, seconds", 1)
    max_recording_mb: int = setting(
        64,
        "maximum size of a recording, MiB of samples; analysis takes five to nine times that",
        1,
    )
    max_open_per_device: int = setting(4, "maximum number of open recordings of one device", 1)
    max_open: int = setting(2000, "maximum number of open recordings of all devices together", 1)
    max_spool_mb: int = setting(4096, "size of the spool above which no new recording is opened, MiB", 1)
    max_mb_per_minute: int = setting(
        120, "what one device may send a minute, MiB; with more it is refused as `too_fast`", 1
    )
    reserve_mb: int = setting(
        32,
        "disk space that is kept back for when the disk is full, MiB, at most a twentieth of it; 0: none",
        0,
    )
    missing_after_s: float = setting(
        0.5, "time without new chunks after which missing audio is requested, seconds", 0.01
    )
    give_up_s: float = setting(
        30.0, "time without new chunks after which a recording of a connected device is closed, seconds", 0.1
    )
    offline_give_up_s: float = setting(
        3600.0,
        "time without new chunks after which a recording of a disconnected device is closed, seconds",
        0.1,
    )
    language: str = setting(
        LANGUAGES[0], "language of answers on devices, in messages and in reports: `en` or `de`"
    )
    home_assistant: str = setting(
        "off", "`on`: stethoscopes are announced to Home Assistant (MQTT discovery)"
    )
    stream_give_up_s: float = setting(
        30.0, "time without new chunks after which a stream is closed, seconds", 0.1
    )
    stream_gap_s: float = setting(
        2.0, "time to wait for missing audio of a stream before it becomes a gap, seconds", 0
    )
    stream_audio_s: float = setting(
        60.0, "audio that is stored from the end of a stream, seconds; 0: none, nor that of its events", 0
    )
    gate_threshold: float = setting(
        0.02,
        "RMS that opens the gate of a device without a threshold of its own, fraction of full scale",
        0.0001,
    )
    gate_attack: int = setting(2, "consecutive loud blocks of 10 ms that open the gate", 1)
    gate_hold: int = setting(50, "minimum number of blocks of 10 ms that the gate stays open", 1)
    gate_release: int = setting(30, "consecutive quiet blocks of 10 ms that close the gate", 1)
    gate_pre_roll: int = setting(20, "blocks of 10 ms before the first loud one that belong to the event", 0)
    gate_max: int = setting(1000, "blocks of 10 ms after which the gate closes in any case", 1)
    log_level: str = setting("INFO", "lowest level that is logged: DEBUG, INFO, WARNING or ERROR")
    worker_metrics_host: str = setting("127.0.0.1", "address on which the worker serves its metrics")
    worker_metrics_port: int = setting(0, "port on which the worker serves its metrics; 0: off", 0)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        """Return the settings in `environ`.

        Raises:
            SettingsError: a value has the wrong form, or the values contradict each other.
        """
        values: dict[str, Any] = {}
        for spec in fields(cls):
            name = variable(spec.name)
            if name in environ:
                values[spec.name] = _parse(name, environ[name], spec.default, spec.metadata["minimum"])
        settings = cls(**values)
        settings.check()
        return settings

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force."""
        return self.database_url or f"sqlite:///{self.data_dir / 'stetho.db'}"

    @property
    def brokers(self) -> list[BrokerAddress]:
        """Addresses of the broker, to be tried in turn."""
        return broker_address.parse(self.mqtt_host, self.mqtt_port)

    @property
    def password(self) -> str:
        """The broker password in force: the first line of the file where one is set; raises SettingsError."""
        return self.read_password("mqtt_password_file") or self.mqtt_password

    @property
    def is_cluster(self) -> bool:
        """Whether processes take shares of the devices that move, also from one machine to another."""
        return self.broker == "nats"

    @property
    def uses_database(self) -> bool:
        """Whether the program of these settings opens the database."""
        return True

    @property
    def process_count(self) -> int:
        """How many processes share the devices; one where only the start of a worker says how many."""
        return max(1, self.processes)

    @property
    def provision_command(self) -> str:
        """What `stetho` is called with to make the accounts of this worker."""
        last = self.first_process + self.process_count - 1
        more = f" --processes {last}" if last > 1 else ""
        return f"provision worker{more}"

    def check(self) -> None:
        """Raise SettingsError unless the values are possible and fit together."""
        self.require_one_of("broker", "mosquitto", "nats")
        self.require_port("mqtt_port")
        try:
            _ = self.brokers
        except ValueError:
            reason = "use a host name or an address, or several with commas"
            raise SettingsError(f"STETHO_MQTT_HOST is {self.mqtt_host!r}; {reason}") from None
        self.require_port("worker_metrics_port")
        self.require_name("mqtt_username")
        self.require(
            "audio_url",
            not self.audio_url or is_bucket(self.audio_url),
            "use s3://BUCKET or s3://BUCKET/PREFIX, of a-z, 0-9, - and . in BUCKET",
        )
        self.require_name("worker_id")
        self.require(
            "processes", self.processes <= SHARDS, f"it takes at most {SHARDS}, the parts of the devices"
        )
        self.require(
            "broker",
            not (self.is_cluster and self.uses_database) or self.database_url.startswith("postgresql"),
            "processes agree through PostgreSQL then: STETHO_DATABASE_URL names none",
        )
        last = SHARDS + 1 - self.process_count if self.is_cluster else 1
        self.require(
            "first_process", self.first_process <= last, f"with these settings it takes at most {last}"
        )
        self.require_one_of("log_level", "DEBUG", "INFO", "WARNING", "ERROR")
        self.require_one_of("home_assistant", "off", "on")
        self.require_one_of("language", *LANGUAGES)
        self.require(
            "gate_max",
            self.gate_max <= _LONGEST_EVENT,
            f"an event, which is held in memory, has at most {_LONGEST_EVENT} blocks",
        )
        if not self.models:
            raise SettingsError("STETHO_MODELS is empty; name at least one model, such as heart5,heart2")

    def require(self, name: str, is_valid: bool, expected: str) -> None:
        """Raise SettingsError with what is `expected` unless the value of the field `name` is valid."""
        if not is_valid:
            raise SettingsError(f"{variable(name)} is {getattr(self, name)!r}; {expected}")

    def require_one_of(self, name: str, *choices: str) -> None:
        """Raise SettingsError unless the field `name` has one of these values."""
        expected = f"use {', '.join(choices[:-1])} or {choices[-1]}"
        self.require(name, getattr(self, name) in choices, expected)

    def require_name(self, name: str) -> None:
        """Raise SettingsError unless the field `name` can be a user name at the broker."""
        is_name = topics.DEVICE_ID.fullmatch(getattr(self, name)) is not None
        self.require(name, is_name, "use 1 to 32 of a-z, 0-9 and -")

    def require_port(self, name: str) -> None:
        """Raise SettingsError unless the field `name` can be a port."""
        self.require(name, getattr(self, name) <= _LAST_PORT, f"ports end at {_LAST_PORT}")

    def read_password(self, name: str) -> str:
        """Return the first line of the file that the field `name` names, nothing where it names none.

        Raises:
            SettingsError: the file cannot be read, or its first line is empty.
        """
        path: Path | None = getattr(self, name)
        if path is None:
            return ""
        try:
            password = first_line(path)
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{variable(name)} cannot be read: {error}") from error
        if not password:
            raise SettingsError(f"{variable(name)} {path} has an empty first line; write the password there")
        return password


def is_bucket(url: str) -> bool:
    """Return whether `url` can be that of a bucket, or of a place in it."""
    return _BUCKET_URL.fullmatch(url) is not None


def variable(name: str) -> str:
    """Return the environment variable of the field `name`."""
    return ENVIRONMENT_PREFIX + name.upper()


def _parse(name: str, text: str, default: object, minimum: float | None) -> object:
    """Return `text` as the type of `default`; a default of None stands for an optional path."""
    if isinstance(default, tuple):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if isinstance(default, (int, float)):
        return _parse_number(name, text, type(default), minimum)
    if default is None or isinstance(default, Path):
        return Path(text)
    return text


def _parse_number(name: str, text: str, kind: type[int] | type[float], minimum: float | None) -> float:
    try:
        number = kind(text)
    except ValueError:
        raise SettingsError(
            f"{name} is {text!r}; it takes {'a whole number' if kind is int else 'a number'}"
        ) from None
    if minimum is not None and not minimum <= number < float("inf"):
        raise SettingsError(f"{name} is {text}; it takes at least {minimum}")
    return number
