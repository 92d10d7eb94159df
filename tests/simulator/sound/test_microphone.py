"""Microphone as a sound source, on a fake sound card."""

import sys
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace, TracebackType
from typing import Any, Self

import numpy as np
import pytest
from conftest import wait_until
from numpy.typing import NDArray

from edge_worker.errors import AudioError, SettingsError
from simulator.sound import microphone
from simulator.sound.audio_source import AudioSource, Block
from simulator.sound.microphone import Microphone

RATE = 8000
BLOCK = RATE // 50


def card(name: str, inputs: int, rate: float = RATE) -> dict[str, Any]:
    return {"name": name, "max_input_channels": inputs, "default_samplerate": rate}


class SoundCard:
    """Fake of the part of sounddevice that is used."""

    class PortAudioError(Exception):
        """Error of sounddevice."""

    def __init__(self, *cards: dict[str, Any], default: int = 1) -> None:
        self.cards = cards or (card("HDMI", 0), card("USB microphone", 2))
        self.default = SimpleNamespace(device=(default, 0))
        self.refuses_at = 7000
        self.broken = ""
        self.stream: Stream | None = None

    def query_devices(self) -> list[dict[str, Any]]:
        return list(self.cards)

    def check_input_settings(self, *, device: int, channels: int, dtype: str, samplerate: int) -> None:
        assert (channels, dtype) == (1, "int16")
        if samplerate == self.refuses_at:
            raise self.PortAudioError("Invalid sample rate")

    def InputStream(self, **asked: Any) -> "Stream":  # noqa: ANN401, N802 - as sounddevice has it
        if self.broken:
            raise self.PortAudioError(self.broken)
        self.stream = Stream(**asked)
        return self.stream


class Stream:
    """Open stream of the fake sound card."""

    def __init__(
        self,
        *,
        callback: Callable[..., None],
        finished_callback: Callable[[], None],
        samplerate: int,
        blocksize: int,
        **asked: object,
    ) -> None:
        assert (samplerate, blocksize, asked["dtype"]) == (RATE, BLOCK, "int16")
        self.is_open = False
        self.end = finished_callback
        self._callback = callback
        self._buffer = np.zeros((BLOCK, 1), np.int16)

    def __enter__(self) -> Self:
        self.is_open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.is_open = False

    def deliver(self, value: int, at_s: float, *, has_lost: bool = False) -> None:
        """Call back as PortAudio does: with the same buffer every time, on a thread of its own."""
        self._buffer[:] = value
        time, status = SimpleNamespace(inputBufferAdcTime=at_s), SimpleNamespace(input_overflow=has_lost)
        caller = threading.Thread(target=self._callback, args=(self._buffer, BLOCK, time, status))
        caller.start()
        caller.join()


class Reader:
    """Iterates a microphone on a thread of its own, as a live device does."""

    def __init__(self, source: AudioSource, library: SoundCard) -> None:
        self.source = source
        self.blocks: list[Block] = []
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._read)
        self._thread.start()
        wait_until(lambda: library.stream is not None and library.stream.is_open, "an open microphone")
        assert library.stream is not None
        self.stream = library.stream

    def _read(self) -> None:
        try:
            for block in self.source:
                self.blocks.append(block)
        except AudioError as error:
            self.error = error

    def has(self, count: int) -> "list[Block]":
        wait_until(lambda: len(self.blocks) >= count, f"{count} blocks")
        return self.blocks

    def join(self) -> None:
        """Close the source; check that thread and stream have ended."""
        self.source.close()
        self._thread.join(10)
        assert not self._thread.is_alive()
        assert not self.stream.is_open


@pytest.fixture
def library() -> SoundCard:
    return SoundCard()


@pytest.fixture
def reader(library: SoundCard) -> Iterator[Reader]:
    made = Reader(Microphone(library=library), library)
    yield made
    made.join()


def values(blocks: list[Block]) -> list[int]:
    return [int(block.samples[0, 0]) for block in blocks]


def test_c5_blocks_are_in_order_and_copies(reader: Reader) -> None:
    for number in range(5):
        reader.stream.deliver(number, number / 50)
    blocks = reader.has(5)
    assert values(blocks) == [0, 1, 2, 3, 4]
    samples: NDArray[np.int16] = blocks[0].samples
    assert samples.shape == (BLOCK, 1)
    assert samples.dtype == np.int16
    assert [block.lost for block in blocks] == [0] * 5
    assert (reader.source.sample_rate, reader.source.channels) == (RATE, 1)


def test_lost_samples_are_counted_by_the_clock_of_the_sound_card(reader: Reader) -> None:
    reader.stream.deliver(1, 10.0)
    reader.stream.deliver(2, 10.52, has_lost=True)
    reader.stream.deliver(3, 10.54)
    assert [block.lost for block in reader.has(3)] == [0, RATE // 2, 0]


@pytest.mark.parametrize("at_s", [0.0, 10.02, 9.0])
def test_an_overrun_without_a_gap_in_the_clock_is_one_sample(reader: Reader, at_s: float) -> None:
    reader.stream.deliver(1, 10.0)
    reader.stream.deliver(2, at_s, has_lost=True)
    assert [block.lost for block in reader.has(2)] == [0, 1]


def test_a_jump_of_the_clock_is_limited_to_the_buffer(reader: Reader) -> None:
    reader.stream.deliver(1, 10.0)
    reader.stream.deliver(2, 1e9, has_lost=True)
    assert reader.has(2)[1].lost == 10 * RATE


def test_a_slow_reader_loses_whole_blocks_which_are_counted(library: SoundCard) -> None:
    source = Microphone(library=library)
    blocks = iter(source)
    opener = threading.Thread(target=lambda: seen.append(next(blocks)))
    seen: list[Block] = []
    opener.start()
    wait_until(lambda: library.stream is not None and library.stream.is_open, "an open microphone")
    assert library.stream is not None
    library.stream.deliver(0, 0.0)
    opener.join(10)
    for number in range(1, 511):  # ten seconds wait, and ten blocks more
        library.stream.deliver(number, number / 50)
    seen += [next(blocks) for _ in range(500)]
    library.stream.deliver(999, 511 / 50)
    seen.append(next(blocks))
    assert values(seen) == [*range(501), 999]
    assert [block.lost for block in seen[:-1]] == [0] * 501
    assert seen[-1].lost == 10 * BLOCK
    source.close()
    assert list(blocks) == []


def test_an_unplugged_microphone_is_one_sentence(reader: Reader) -> None:
    reader.stream.deliver(1, 0.0)
    reader.has(1)
    reader.stream.end()
    wait_until(lambda: reader.error, "the error")
    assert "still plugged in" in str(reader.error)


def test_a_silent_microphone_is_one_sentence(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(microphone, "_SILENT_S", 0.3)
    wait_until(lambda: reader.error, "the error")
    assert "delivers nothing any more" in str(reader.error)


def test_a_microphone_in_use_is_one_sentence(library: SoundCard) -> None:
    library.broken = "Device unavailable"
    with pytest.raises(AudioError, match=r"microphone 1 cannot be used \(Device unavailable\)"):
        next(iter(Microphone(library=library)))


@pytest.mark.parametrize(
    ("number", "rate", "sentence"),
    [
        (7, None, "there is no microphone 7; --list"),
        (0, None, r"0 \(HDMI\) has no input"),
        (1, 7000, "does not record at 7000 Hz"),
        (1, 500, "choose 1000 to 192000"),
    ],
)
def test_a_microphone_that_cannot_be_used_is_one_sentence(
    library: SoundCard, number: int, rate: int | None, sentence: str
) -> None:
    with pytest.raises(AudioError, match=sentence):
        Microphone(number, rate, library=library)


@pytest.mark.parametrize("cards", [(), (card("HDMI", 0),)])
def test_a_machine_without_a_microphone_is_one_sentence(cards: tuple[dict[str, Any], ...]) -> None:
    library = SoundCard(default=-1)
    library.cards = cards
    for ask in (
        lambda: Microphone(library=library),
        lambda: Microphone(3, library=library),
        lambda: microphone.list_microphones(library),
    ):
        with pytest.raises(AudioError, match="no microphone is here"):
            ask()


def test_the_list_marks_the_default_and_has_only_inputs() -> None:
    library = SoundCard(card("built in", 2, 48_000.0), card("HDMI", 0), card("USB", 1, 44_100.0), default=2)
    assert microphone.list_microphones(library) == "    0  built in, 48000 Hz\n*   2  USB, 44100 Hz"


def test_missing_packages_are_named_with_a_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(SettingsError, match=r"-m pip install .*\[microphone\]"):
        microphone.load_sounddevice()

    def find_spec(name: str, *_: object) -> None:
        if name == "sounddevice":
            raise OSError("PortAudio library not found")

    monkeypatch.delitem(sys.modules, "sounddevice")
    monkeypatch.setattr(sys, "meta_path", [SimpleNamespace(find_spec=find_spec), *sys.meta_path])
    with pytest.raises(SettingsError, match="libportaudio2"):
        microphone.load_sounddevice()
