"""Every error that this project raises on purpose.

A `StethoError` carries one sentence for the person who can do something about it. Programs print that
sentence and leave with exit status 2; anything else that escapes is a bug and keeps its traceback.
"""


class StethoError(Exception):
    """Base of all errors raised on purpose; its text is one sentence for a person."""


class SettingsError(StethoError):
    """A setting is missing, malformed or contradicts another."""


class AudioError(StethoError):
    """A file or buffer is not audio that can be used."""


class ModelError(StethoError):
    """A model or its card is missing, does not match, or does not run."""


class StoreError(StethoError):
    """The database cannot be used: unreachable, unwritable, or of another schema."""


class SpoolError(StethoError):
    """The spool directory cannot be used."""


class BrokerError(StethoError):
    """The broker cannot be reached or refuses us."""


class ChunkError(StethoError):
    """A payload is not a chunk of this protocol.

    `reason` is one of the words of `docs/protocol.md` § Rejections and is what counters and the
    `rejected` message carry; `recording_id` is known when the header could be read.
    """

    def __init__(self, reason: str, detail: str, recording_id: int | None = None) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.recording_id = recording_id
