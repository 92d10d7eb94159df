"""An upload is taken in: kept on disk, decoded, given an id, and sent to the worker as a device would."""

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from edge_worker.database.uploads import Upload
from edge_worker.protocol.chunk import recording_name
from history_api.models import models
from history_api.mqtt.mqtt_session import MqttSession
from history_api.mqtt.upload_publisher import Sound, UploadPublisher
from history_api.openapi.problem import ProblemError
from history_api.services import Services
from history_api.uploads import decoding

VIRTUAL_DEVICE: Final = "upload"
"""Whose an upload is that is said to be of no device."""
_BLOCK: Final = 2**20
_POLL_S: Final = 0.25
_RETRY: Final = {"Retry-After": "5"}
Reader = Callable[[Path, Path], decoding.Pcm]
"""From a file that was sent, and where its PCM goes."""


@dataclass(frozen=True, slots=True)
class UploadOptions:
    """What is to be done with an upload."""

    models: tuple[str, ...] = ()
    """Names; none: the worker's choice."""
    device: str = VIRTUAL_DEVICE
    site: str | None = None
    exam: str | None = None
    amplification: float = 1.0
    key: str | None = None
    """Idempotency-Key, with the name of who sent it."""

    @property
    def meta(self) -> dict[str, Any]:
        """What goes with the sound."""
        meta: dict[str, Any] = {"source": "upload"}
        if self.models:
            meta["models"] = list(self.models)
        if self.site:
            meta["site"] = self.site
        if self.exam:
            meta["exam"] = self.exam
        if self.amplification != 1:
            meta["amplification"] = self.amplification
        return meta


class RecordingKey(NamedTuple):
    """An upload that is on its way, or was."""

    device_id: str
    recording_id: str


class UploadIntake:
    """Takes uploads in."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._folder = services.settings.data_dir / "uploads"

    def require_worker(self) -> MqttSession:
        """Return the way to the worker.

        Raises:
            ProblemError: 503, there is none now; nothing was taken in.
        """
        mqtt_session = self._services.mqtt_session
        if mqtt_session is None:
            raise ProblemError(
                503,
                "uploads need an account at the broker: `python -m broker.provision api` makes one, "
                "STETHO_API_MQTT_PASSWORD_FILE names its password",
                _RETRY,
            )
        if not mqtt_session.wait_for_worker():
            what = (
                "no analyser is ready"
                if mqtt_session.is_connected
                else mqtt_session.connection_error or "the broker is not reached"
            )
            raise ProblemError(503, f"{what}; nothing was taken in, send it again later", _RETRY)
        return mqtt_session

    def check_models(self, names: tuple[str, ...]) -> None:
        """Refuse a model that there is not."""
        known = models.cards(self._services.settings)
        for name in names:
            if name not in known:
                raise ProblemError(
                    400, f"there is no model {name!r}; choose of {', '.join(known)}", parameter="model"
                )

    def take(self, body: IO[bytes], upload_options: UploadOptions, read: Reader) -> RecordingKey:
        """Take in what `body` holds.

        Raises:
            ProblemError: there is no sound in it, or no way to the worker.
        """
        mqtt_session = self.require_worker()
        self.check_models(upload_options.models)
        number = secrets.randbits(64)
        self._folder.mkdir(parents=True, exist_ok=True)
        sent = self._folder / f"{recording_name(number)}.part"
        pcm_path = sent.with_suffix(".pcm")
        try:
            digest = _keep(body, sent)
            known = self._known(upload_options, digest)
            if known is not None:
                return known
            pcm = read(sent, pcm_path)
            sound = Sound(
                upload_options.device, number, pcm.sample_rate, pcm.channels, pcm.samples, upload_options.meta
            )
            return self._send(mqtt_session, sound, pcm_path, upload_options, digest)
        except BaseException:
            pcm_path.unlink(missing_ok=True)
            raise
        finally:
            sent.unlink(missing_ok=True)

    def result(self, taken: RecordingKey, within_s: float) -> dict[str, Any] | None:
        """Return the result of an upload, None when it is not there in time.

        Raises:
            ProblemError: 422, the worker will not have it.
        """
        deadline = time.monotonic() + within_s
        while True:
            left = deadline - time.monotonic()
            publisher = (
                None
                if self._services.mqtt_session is None
                else self._services.mqtt_session.find_upload(*taken)
            )
            if publisher is None:
                found = self._services.history.document(*taken)
                if found is not None or left <= 0:
                    return found
                time.sleep(min(_POLL_S, max(left, 0)))
                continue
            # A result may have come while nobody listened: what is stored is looked up from time to time.
            ended = publisher.has_ended.wait(min(max(left, 0), _POLL_S if publisher.is_stored else 1.0))
            if publisher.problem:
                raise ProblemError(422, f"the worker does not take it: {publisher.problem}")
            if ended:
                return publisher.result
            if left <= 0:
                return self._services.history.document(*taken)

    def _known(self, upload_options: UploadOptions, digest: str) -> RecordingKey | None:
        found = None if upload_options.key is None else self._services.uploads.find(upload_options.key)
        return None if found is None else _same(found, digest)

    def _send(
        self,
        mqtt_session: MqttSession,
        sound: Sound,
        pcm_path: Path,
        upload_options: UploadOptions,
        digest: str,
    ) -> RecordingKey:
        publisher = UploadPublisher.spool(sound, pcm_path)
        if upload_options.key is not None:
            mine = Upload(upload_options.key, sound.device_id, sound.name, digest)
            first = self._services.uploads.add(mine)
            if first != mine:
                publisher.forget()
                return _same(first, digest)
        mqtt_session.send(publisher)
        return RecordingKey(sound.device_id, sound.name)


def _keep(body: IO[bytes], path: Path) -> str:
    """Write what is sent to disk as it comes; return its SHA-256."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        while block := body.read(_BLOCK):
            digest.update(block)
            file.write(block)
    if path.stat().st_size == 0:
        raise ProblemError(400, "No audio data received")
    return digest.hexdigest()


def _same(first: Upload, digest: str) -> RecordingKey:
    if first.sha256 != digest:
        raise ProblemError(422, "this Idempotency-Key came with another sound before; use a new one")
    return RecordingKey(first.device_id, first.recording_id)
