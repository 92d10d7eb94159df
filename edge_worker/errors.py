"""Exceptions that this project raises on purpose.

The message of a `StethoError` is one sentence that tells the operator what to do. Programs print it and exit
with status 2; any other exception that escapes is a bug and keeps its traceback.
"""


class StethoError(Exception):
    """Base of all exceptions raised on purpose; its message is one sentence for the operator."""


class SettingsError(StethoError):
    """A setting is missing, malformed or contradicts another."""


class AudioError(StethoError):
    """A file or buffer is not usable audio."""


class ModelError(StethoError):
    """A model or its card is missing, does not match, or does not run."""


class CalibrationError(StethoError):
    """Sounds, reviews or a model cannot calibrate a device."""


class StoreError(StethoError):
    """The database cannot be used: unreachable, unwritable, or of another schema."""


class AudioStoreError(StoreError):
    """The store of sounds refuses: its bucket is missing, it forbids, or it is full."""


class AudioAwayError(AudioStoreError):
    """The store of sounds does not answer now, or fails: it may work again by itself."""


class AudioOwnerError(AudioStoreError):
    """The store of sounds is that of another site, or the sounds of this site are elsewhere."""


class BackupError(StethoError):
    """A backup cannot be written, or is not whole."""


class DatabaseDamagedError(StoreError):
    """Pages of the database cannot be read: trying again does not help, repairing it may."""


class DatabaseGoneError(StoreError):
    """The file of the database was deleted while it was in use."""


class DatabaseUnwritableError(StoreError):
    """The file of the database cannot be written now, nor safely be read: its disk is read-only."""


class SpoolError(StethoError):
    """The spool directory cannot be used."""


class SpoolFileError(StethoError):
    """The chunk file of one recording is gone or damaged; no other recording is affected."""


class QuarantineError(StethoError):
    """There is no such entry in the quarantine."""


class BrokerError(StethoError):
    """The broker is unreachable or refuses the client."""


class PayloadError(StethoError):
    """A message cannot be published: its topic is malformed, or it is larger than a broker takes."""


class ChunkError(StethoError):
    """A payload is not a chunk of this protocol.

    `reason` is one of the words of `docs/protocol.md` § Rejections, as counters and the `rejected` message
    carry it; `recording_id` is set when the header could be read, `retry_after_s` when the same chunk may be
    received later.
    """

    def __init__(
        self,
        reason: str,
        detail: str,
        recording_id: int | None = None,
        *,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.recording_id = recording_id
        self.retry_after_s = retry_after_s
