"""Intake of uploads: spool the body, decode it to PCM, publish it to the worker, and wait for its result."""

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

from edge_worker.database.upload import Upload
from edge_worker.own_command import stetho
from edge_worker.protocol.chunk import recording_name
from edge_worker.protocol.meta import MAX_MODELS
from history_api.access.client_presence import client_is_gone
from history_api.models import models
from history_api.mqtt.mqtt_session import MqttSession
from history_api.mqtt.upload_publisher import Sound, UploadPublisher
from history_api.openapi.problem import ProblemError
from history_api.services import Services
from history_api.settings import VIRTUAL_DEVICE
from history_api.uploads.decoding import Pcm

_BLOCK_BYTES: Final = 2**20
_POLL_S: Final = 0.25
_POLL_SENDING_S: Final = 1.0
_RETRY: Final = {"Retry-After": "5"}
Decoder = Callable[[Path, Path], Pcm]
"""Decodes the file of the first path to PCM in the file of the second."""


class Body(Protocol):
    """What is sent, read once."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, about `size`, and none at the end."""


@dataclass(frozen=True, slots=True)
class UploadOptions:
    """Options of an upload, beside the sound itself."""

    models: tuple[str, ...] = ()
    """Names; none: the worker's choice."""
    device: str = VIRTUAL_DEVICE
    site: str | None = None
    exam: str | None = None
    amplification: float = 1.0
    file_name: str | None = None
    """As its sender calls it."""
    subject: str | None = None
    """Pseudonym of whose sound it is."""
    captured_at: str | None = None
    """RFC 3339; None: it is not known."""
    key: str | None = None
    """Idempotency-Key, after the name of its sender."""

    @property
    def meta(self) -> dict[str, Any]:
        """The metadata that is published with the sound."""
        meta: dict[str, Any] = {"source": "upload"}
        if self.models:
            meta["models"] = list(self.models)
        if self.site:
            meta["site"] = self.site
        if self.exam:
            meta["exam"] = self.exam
        if self.file_name:
            meta["file_name"] = self.file_name
        if self.subject:
            meta["subject"] = self.subject
        if self.captured_at:
            meta["captured_at"] = self.captured_at
        if self.amplification != 1:
            meta["amplification"] = self.amplification
        return meta


class RecordingKey(NamedTuple):
    """Identity of the recording that an upload becomes."""

    device_id: str
    recording_id: str


class UploadIntake:
    """Takes uploads in and finds their results."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._folder = services.settings.data_dir / "uploads"

    def require_worker(self) -> MqttSession:
        """Return the MQTT session, once a worker is ready to analyse.

        Raises:
            ProblemError: 503, none is now.
        """
        session = self._services.mqtt_session
        if session is None:
            raise ProblemError(
                503,
                f"uploads need an account at the broker: `{stetho('provision api')}` makes one, "
                "STETHO_API_MQTT_PASSWORD_FILE names its password",
                _RETRY,
            )
        if not session.wait_for_worker():
            reason = session.connection_error or "the broker cannot be reached"
            reason = "no worker is ready" if session.is_connected else reason
            raise ProblemError(503, f"{reason}; nothing was stored, send it again later", _RETRY)
        return session

    def check_models(self, names: tuple[str, ...]) -> None:
        """Raise ProblemError 400 unless there are models of these names, and no more than META takes."""
        if len(names) > MAX_MODELS:
            raise ProblemError(
                400, f"model names {len(names)} models; name at most {MAX_MODELS}", parameter="model"
            )
        known = models.cards(self._services.settings)
        for name in names:
            if name not in known:
                raise ProblemError(
                    400, f"there is no model {name!r}; choose of {', '.join(known)}", parameter="model"
                )

    def receive(self, body: Body, options: UploadOptions, decode: Decoder) -> RecordingKey:
        """Take in the sound in `body` and begin to publish it.

        Raises:
            ProblemError: there is no sound in it (400, 413, 415, 422), or no worker is ready (503).
        """
        session = self.require_worker()
        self.check_models(options.models)
        number = secrets.randbits(64)
        self._folder.mkdir(parents=True, exist_ok=True)
        sent = self._folder / f"{recording_name(number)}.part"
        pcm_path = sent.with_suffix(".pcm")
        try:
            digest = _spool(body, sent)
            known = self._find_by_key(options.key, digest)
            if known is not None:
                return known
            pcm = decode(sent, pcm_path)
            sound = Sound(options.device, number, pcm.sample_rate, pcm.channels, pcm.samples, options.meta)
            return self._publish(session, UploadPublisher.spool(sound, pcm_path), options.key, digest)
        except BaseException:
            pcm_path.unlink(missing_ok=True)
            raise
        finally:
            sent.unlink(missing_ok=True)

    def wait_for_result(self, recording: RecordingKey, within_s: float) -> dict[str, Any] | None:
        """Return the result of an upload; None when there is none after `within_s` seconds.

        Raises:
            ProblemError: 422, the worker rejected it.
        """
        session = self._services.mqtt_session
        deadline = time.monotonic() + within_s
        while True:
            left_s = 0.0 if client_is_gone() else max(0.0, deadline - time.monotonic())
            publisher = None if session is None else session.uploads.find(*recording)
            if publisher is None:
                result = self._services.history.document(*recording)
                if result is not None or not left_s:
                    return result
                time.sleep(min(_POLL_S, left_s))
                continue
            # Its result may have come while the session was down: what is stored is looked up again soon.
            has_ended = publisher.finished.wait(
                min(left_s, _POLL_S if publisher.is_stored else _POLL_SENDING_S)
            )
            if publisher.rejection:
                raise ProblemError(422, f"the sound was rejected: {publisher.rejection}")
            if has_ended or not left_s:
                return self._services.history.document(*recording)

    def _find_by_key(self, key: str | None, digest: str) -> RecordingKey | None:
        first = None if key is None else self._services.uploads.find(key)
        return None if first is None else _require_same(first, digest)

    def _publish(
        self, session: MqttSession, publisher: UploadPublisher, key: str | None, digest: str
    ) -> RecordingKey:
        sound = publisher.sound
        if key is not None:
            upload = Upload(key, sound.device_id, sound.name, digest)
            first = self._services.uploads.add(upload)
            if first != upload:  # another request with this key came in between
                publisher.remove_files()
                return _require_same(first, digest)
        session.send(publisher)
        return RecordingKey(sound.device_id, sound.name)


def _spool(body: Body, path: Path) -> str:
    """Write a body to disk as it comes; return its SHA-256 in hex."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        while block := body.read(_BLOCK_BYTES):
            digest.update(block)
            file.write(block)
    if path.stat().st_size == 0:
        raise ProblemError(400, "No audio data received")
    return digest.hexdigest()


def _require_same(first: Upload, digest: str) -> RecordingKey:
    """Return the recording of the first upload with a key; raise ProblemError 422 if its body was another."""
    if first.sha256 != digest:
        raise ProblemError(422, "this Idempotency-Key came with another sound before; use a new one")
    return RecordingKey(first.device_id, first.recording_id)
