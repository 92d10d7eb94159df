"""Microphone of this machine as the sound source of a live device, through PortAudio.

The package sounddevice is optional: a machine that plays files needs no PortAudio. Its documentation is at
https://python-sounddevice.readthedocs.io/
"""

import queue
import threading
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edge_worker.errors import AudioError, SettingsError
from edge_worker.own_command import pip_install
from edge_worker.protocol.chunk import MAX_RATE_HZ, MIN_RATE_HZ
from simulator.sound.audio_source import BLOCK_S, Block

_WAITING_S: Final = 10.0
"""Length of the buffer for a slow reader, seconds; samples beyond it are lost and counted as lost."""
_SILENT_S: Final = 5.0
"""A sound card that delivers nothing for as long has stopped."""
_TICK_S: Final = 0.1


class Microphone:
    """Microphone as an `AudioSource`; it records while it is iterated."""

    def __init__(
        self,
        number: int | None = None,
        sample_rate: int | None = None,
        *,
        library: Any = None,  # noqa: ANN401 - sounddevice ships no types
    ) -> None:
        """Choose a microphone by its number in `list_microphones`, or the default one; `sample_rate` in Hz.

        Raises:
            SettingsError: sounddevice or PortAudio is not installed.
            AudioError: there is no such microphone, or it does not record at `sample_rate`.
        """
        self._library = library or load_sounddevice()
        self._number = self._default() if number is None else number
        info = self._device_info()
        self._sample_rate = sample_rate or round(info["default_samplerate"])
        self._check()
        blocks = round(_WAITING_S / BLOCK_S)
        self._blocks_queue: queue.Queue[Block] = queue.Queue(blocks)
        self._is_closed = threading.Event()
        self._has_ended = threading.Event()
        self._lost = 0
        self._next_at: float | None = None

    @property
    def sample_rate(self) -> int:
        """Hz."""
        return self._sample_rate

    @property
    def channels(self) -> int:
        """One: auscultation is mono."""
        return 1

    def __iter__(self) -> Iterator[Block]:
        """Record until `close`, and yield blocks.

        Raises:
            AudioError: the microphone cannot be opened, or stopped working.
        """
        try:
            with self._stream():
                yield from self._blocks()
        except self._library.PortAudioError as error:
            raise AudioError(f"microphone {self._number} cannot be used ({error})") from error

    def close(self) -> None:
        """Stop recording; safe from any thread."""
        self._is_closed.set()

    def _blocks(self) -> Iterator[Block]:
        quiet_s = 0.0
        while not self._is_closed.is_set():
            try:
                block = self._blocks_queue.get(timeout=_TICK_S)
            except queue.Empty:
                quiet_s += _TICK_S
                if self._has_ended.is_set() or quiet_s >= _SILENT_S:
                    raise AudioError(
                        f"microphone {self._number} delivers nothing any more; is it still plugged in?"
                    ) from None
                continue
            quiet_s = 0.0
            yield block

    def _stream(self) -> Any:  # noqa: ANN401 - as above
        return self._library.InputStream(
            device=self._number,
            samplerate=self._sample_rate,
            channels=self.channels,
            dtype="int16",
            blocksize=max(1, round(BLOCK_S * self._sample_rate)),
            callback=self._on_audio,
            finished_callback=self._has_ended.set,
        )

    def _on_audio(self, samples: NDArray[np.int16], count: int, time: Any, status: Any) -> None:  # noqa: ANN401
        """Queue a block; called on PortAudio's thread, which must not block."""
        if status.input_overflow:
            self._lost += self._overrun_samples(time.inputBufferAdcTime)
        self._next_at = time.inputBufferAdcTime + count / self._sample_rate
        try:
            self._blocks_queue.put_nowait(Block(samples.copy(), self._lost))
            self._lost = 0
        except queue.Full:
            self._lost += count

    def _overrun_samples(self, begins_at: float) -> int:
        """Return the samples lost in an overrun, by the clock of the sound card; at least one."""
        late_s = 0.0 if self._next_at is None else begins_at - self._next_at
        return max(1, round(min(late_s, _WAITING_S) * self._sample_rate))

    def _default(self) -> int:
        number = int(self._library.default.device[0])
        if number < 0:
            raise AudioError(_no_microphone_message(self._library))
        return number

    def _device_info(self) -> dict[str, Any]:
        devices = list(self._library.query_devices())
        if not 0 <= self._number < len(devices):
            raise AudioError(
                f"there is no microphone {self._number}; --list shows them all"
                if _input_devices(self._library)
                else _no_microphone_message(self._library)
            )
        info: dict[str, Any] = devices[self._number]
        if info["max_input_channels"] < 1:
            raise AudioError(f"{self._number} ({info['name']}) has no input; --list shows the microphones")
        return info

    def _check(self) -> None:
        if not MIN_RATE_HZ <= self._sample_rate <= MAX_RATE_HZ:
            raise AudioError(f"{self._sample_rate} Hz; choose {MIN_RATE_HZ} to {MAX_RATE_HZ}")
        try:
            self._library.check_input_settings(
                device=self._number, channels=self.channels, dtype="int16", samplerate=self._sample_rate
            )
        except (self._library.PortAudioError, ValueError) as error:
            raise AudioError(
                f"microphone {self._number} does not record at {self._sample_rate} Hz ({error}); "
                "try another --sample-rate, or none"
            ) from error


def load_sounddevice() -> Any:  # noqa: ANN401 - it ships no types
    """Return sounddevice.

    Raises:
        SettingsError: it, or PortAudio, is not installed.
    """
    try:
        import sounddevice  # noqa: PLC0415 - optional
    except ImportError as error:
        raise SettingsError(
            f"a microphone needs the package sounddevice; `{pip_install('microphone')}`"
        ) from error
    except OSError as error:
        raise SettingsError(
            "a microphone needs PortAudio; on Debian `apt-get install libportaudio2`"
        ) from error
    return sounddevice


def list_microphones(library: Any = None) -> str:  # noqa: ANN401 - as above
    """Return the microphones, one per line, the default one marked.

    Raises:
        SettingsError: sounddevice or PortAudio is not installed.
        AudioError: there is no microphone.
    """
    library = library or load_sounddevice()
    inputs = _input_devices(library)
    if not inputs:
        raise AudioError(_no_microphone_message(library))
    default = library.default.device[0]
    return "\n".join(
        f"{'*' if number == default else ' '} {number:3}  {each['name']}, "
        f"{round(each['default_samplerate'])} Hz"
        for number, each in inputs.items()
    )


def _input_devices(library: Any) -> dict[int, dict[str, Any]]:  # noqa: ANN401 - as above
    try:
        devices = list(library.query_devices())
    except library.PortAudioError as error:
        raise AudioError(f"PortAudio does not work here ({error})") from error
    return {number: each for number, each in enumerate(devices) if each["max_input_channels"] > 0}


def _no_microphone_message(library: Any) -> str:  # noqa: ANN401 - as above
    outputs = len(list(library.query_devices()))
    return f"no microphone is here ({outputs} sound devices, none with an input); plug one in, or use --file"
