"""Error of a sound file that cannot be read whole, by what is wrong with it."""

from typing import Final, Literal

from edge_worker.errors import AudioError

MOST_CHANNELS: Final = 32
"""More than any recorder has; a header may say 65,535."""
Fault = Literal["unknown", "damaged", "empty", "too_long"]


class SoundFileError(AudioError):
    """A file is no sound, damaged, empty or too long.

    `predicate` is a sentence without its subject, which is the file: "holds no sound; record again".
    """

    def __init__(self, fault: Fault, predicate: str) -> None:
        super().__init__(f"the file {predicate}")
        self.fault = fault
        self.predicate = predicate


def truncated(seconds: float | None = None) -> SoundFileError:
    """Return the error of a file that ends before its sound does, after so many seconds if known."""
    after = "" if seconds is None else f" after {seconds:.1f} s of sound"
    return SoundFileError("damaged", f"is damaged or truncated{after}; send it again")


def several() -> SoundFileError:
    """Return the error of a file that holds more than one recording."""
    return SoundFileError("damaged", "holds several recordings one after another; send each on its own")


def too_long(max_s: float) -> SoundFileError:
    """Return the error of a file that is longer than may be read."""
    return SoundFileError("too_long", f"holds more than {max_s:g} s of sound; cut it")


def require_channels(channels: int) -> None:
    """Raise SoundFileError unless so many channels can be read."""
    if not 0 < channels <= MOST_CHANNELS:
        raise SoundFileError(
            "damaged", f"has {channels} channels; 1 to {MOST_CHANNELS} can be read: mix it down"
        )
