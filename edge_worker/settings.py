"""Deployment facts, read once from `STETHO_*` environment variables.

Signal and model facts are not here: they live in the model card beside the model.
`docs/configuration.md` lists every variable; a test holds the two together.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Self

from edge_worker.errors import SettingsError
from edge_worker.protocol import topics

ENVIRONMENT_PREFIX: Final = "STETHO_"
_LAST_PORT: Final = 65_535
_LONGEST_EVENT: Final = 6000
"""Blocks of 10 ms: a minute."""


def _setting(default: Any, help_text: str, minimum: float | None = None) -> Any:  # noqa: ANN401 - as dataclasses.field
    return field(default=default, metadata={"help": help_text, "minimum": minimum})


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the worker and the history API; field `mqtt_host` is `STETHO_MQTT_HOST`, and so on."""

    mqtt_host: str = _setting("127.0.0.1", "broker's host name or address")
    mqtt_port: int = _setting(1883, "broker's port", 1)
    mqtt_username: str = _setting("worker", "user name and client id at the broker")
    mqtt_password: str = _setting("", "password at the broker; prefer the file")
    mqtt_password_file: Path | None = _setting(None, "file whose first line is the password")
    mqtt_ca_file: Path | None = _setting(None, "certificate of the CA; set: TLS is used")
    worker_id: str = _setting("edge-01", "name of this worker in `stetho/v1/worker/{worker}`")
    data_dir: Path = _setting(Path("data"), "directory of spool, audio and the SQLite file")
    database_url: str = _setting("", "SQLAlchemy URL; empty: SQLite in the data directory")
    models_dir: Path = _setting(Path("models_tflite"), "directory of the model pairs")
    models: tuple[str, ...] = _setting(
        ("heart5", "heart2"), "models for a device that asks for none, comma separated, the headline first"
    )
    max_recording_s: float = _setting(600.0, "longest recording accepted, seconds", 1)
    max_recording_mb: int = _setting(
        64,
        "largest recording accepted, MiB of samples; analysis takes five to nine times that",
        1,
    )
    max_open_per_device: int = _setting(4, "recordings that one device may have open at once", 1)
    max_open: int = _setting(2000, "recordings open at once, all devices together", 1)
    max_spool_mb: int = _setting(4096, "sound of open recordings above which no new one is opened, MiB", 1)
    missing_after_s: float = _setting(0.5, "quiet time after which missing audio is asked for, seconds", 0.01)
    give_up_s: float = _setting(
        30.0, "quiet time after which a recording of a connected device is closed, seconds", 0.1
    )
    offline_give_up_s: float = _setting(
        3600.0, "quiet time after which a recording of a disconnected device is closed, seconds", 0.1
    )
    home_assistant: str = _setting("off", "`on`: stethoscopes appear in Home Assistant by themselves")
    stream_give_up_s: float = _setting(30.0, "quiet time after which a stream is closed, seconds", 0.1)
    stream_gap_s: float = _setting(
        2.0, "how long missing sound of a stream is waited for before it is a gap, seconds", 0
    )
    stream_audio_s: float = _setting(
        60.0, "the last so many seconds of the sound of a stream are kept; 0: none, nor that of its events", 0
    )
    gate_threshold: float = _setting(
        0.02, "RMS that opens the gate of a device that has none of its own, fraction of full scale", 0.0001
    )
    gate_attack: int = _setting(2, "loud blocks of 10 ms in a row that open the gate", 1)
    gate_hold: int = _setting(50, "blocks of 10 ms that the gate stays open at least", 1)
    gate_release: int = _setting(30, "quiet blocks of 10 ms in a row that close the gate", 1)
    gate_pre_roll: int = _setting(20, "blocks of 10 ms before the first loud one that belong to an event", 0)
    gate_max: int = _setting(1000, "blocks of 10 ms after which the gate closes in any case", 1)
    keep_days: int = _setting(0, "days after which the history API deletes a recording; 0: never", 0)
    keep_free_mb: int = _setting(
        0, "free disk below which the history API deletes the oldest recordings, MiB; 0: never", 0
    )
    log_level: str = _setting("INFO", "DEBUG, INFO, WARNING or ERROR")
    api_host: str = _setting("127.0.0.1", "address the history API listens on")
    api_mqtt_username: str = _setting("api", "user name and client id of the history API at the broker")
    api_mqtt_password: str = _setting("", "its password; prefer the file")
    api_mqtt_password_file: Path | None = _setting(
        None, "file whose first line is its password; neither: no uploads, nothing live"
    )
    upload_wait_s: float = _setting(20.0, "how long an upload waits for its result, seconds", 0)
    predict_model: str = _setting("heart2", "model of `POST /predict` where it names none")
    api_auth: str = _setting(
        "keys", "who may ask the history API: `keys`, holders of a key; `none`, everybody on this machine"
    )
    cache_mb: int = _setting(256, "pictures that the history API keeps in `cache`, MiB at most", 1)
    fhir_codes: Path | None = _setting(
        None, "JSON file of codes for the FHIR export; none: the built-in ones"
    )
    api_port: int = _setting(8080, "port the history API listens on; 0: any free one", 0)
    api_rate: int = _setting(
        600, "requests a minute that one key, or one address without a key, may send; 0: any", 0
    )
    api_proxy: int = _setting(
        0, "proxies before the history API whose X-Forwarded-For and X-Forwarded-Proto are believed", 0
    )
    upload_mb: int = _setting(100, "largest body of a request to the history API, MiB", 1)
    worker_metrics_host: str = _setting("127.0.0.1", "address on which the worker serves its metrics")
    worker_metrics_port: int = _setting(0, "port on which the worker serves its metrics; 0: it does not", 0)

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Self:
        """Return the settings in `environ`.

        Raises:
            SettingsError: a value has the wrong form, or the password file cannot be read.
        """
        values: dict[str, Any] = {}
        for spec in fields(cls):
            name = ENVIRONMENT_PREFIX + spec.name.upper()
            if name in environ:
                values[spec.name] = _parse(name, environ[name], spec.default, spec.metadata["minimum"])
        settings = cls(**values)
        settings._check()
        return settings

    @property
    def database(self) -> str:
        """The SQLAlchemy URL in force."""
        return self.database_url or f"sqlite:///{self.data_dir / 'stetho.db'}"

    @property
    def password(self) -> str:
        """The broker password in force: the file's first line where a file is set."""
        return _first_line(self.mqtt_password_file, "STETHO_MQTT_PASSWORD_FILE") or self.mqtt_password

    @property
    def api_password(self) -> str:
        """The same of the history API; empty: it has no account at the broker."""
        name = "STETHO_API_MQTT_PASSWORD_FILE"
        return _first_line(self.api_mqtt_password_file, name) or self.api_mqtt_password

    def _check(self) -> None:
        if not _is_host(self.mqtt_host):
            raise SettingsError(f"STETHO_MQTT_HOST is {self.mqtt_host!r}; use a host name or an address")
        for name in ("mqtt_port", "api_port", "worker_metrics_port"):
            if getattr(self, name) > _LAST_PORT:
                variable = ENVIRONMENT_PREFIX + name.upper()
                raise SettingsError(f"{variable} is {getattr(self, name)}; ports end at {_LAST_PORT}")
        if not topics.DEVICE_ID.fullmatch(self.mqtt_username):
            raise SettingsError(
                f"STETHO_MQTT_USERNAME is {self.mqtt_username!r}; use 1 to 32 of a-z, 0-9 and -"
            )
        if (
            not topics.DEVICE_ID.fullmatch(self.api_mqtt_username)
            or self.api_mqtt_username == self.mqtt_username
        ):
            raise SettingsError(
                f"STETHO_API_MQTT_USERNAME is {self.api_mqtt_username!r}; use 1 to 32 of a-z, 0-9 and -, "
                "other than STETHO_MQTT_USERNAME: the broker disconnects one of two that share a name"
            )
        if not topics.DEVICE_ID.fullmatch(self.worker_id):
            raise SettingsError(f"STETHO_WORKER_ID is {self.worker_id!r}; use 1 to 32 of a-z, 0-9 and -")
        if self.log_level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise SettingsError(f"STETHO_LOG_LEVEL is {self.log_level!r}; use DEBUG, INFO, WARNING or ERROR")
        if self.api_auth not in ("keys", "none"):
            raise SettingsError(f"STETHO_API_AUTH is {self.api_auth!r}; use keys or none")
        if self.home_assistant not in ("off", "on"):
            raise SettingsError(f"STETHO_HOME_ASSISTANT is {self.home_assistant!r}; use off or on")
        if self.gate_max > _LONGEST_EVENT:
            raise SettingsError(
                f"STETHO_GATE_MAX is {self.gate_max}; an event, which is held in memory, has at most "
                f"{_LONGEST_EVENT} blocks"
            )
        if not self.models:
            raise SettingsError("STETHO_MODELS is empty; name at least one model, such as heart5,heart2")


def _first_line(path: Path | None, name: str) -> str:
    """Return the first line of a password file, nothing where none is set."""
    if path is None:
        return ""
    try:
        return path.read_text().split("\n", 1)[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name} cannot be read: {error}") from error


def _is_host(text: str) -> bool:
    try:
        text.encode("idna")
    except UnicodeError:  # empty labels, labels too long
        return False
    return bool(text) and text.isprintable() and " " not in text


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
