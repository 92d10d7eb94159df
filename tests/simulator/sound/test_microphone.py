"""A microphone as a source of sound; the sound card is a double, which delivers and fails as it is told."""

import argparse
import subprocess
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
from simulator.command import argument
from simulator.sound import microphone
from simulator.sound.audio_source import AudioSource, Block
from simulator.sound.microphone import Microphone

RATE = 8000
BLOCK = RATE // 50


def card(name: str, inputs: int, rate: float = RATE) -> dict[str, Any]:
    return {"name": name, "max_input_channels": inputs, "default_samplerate": rate}


class SoundCard:
    """As much of sounddevice as is used."""

    class PortAudioError(Exception):
        """As sounddevice has it."""

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
    """An open microphone whose sound card is the test."""

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
        """Call back as PortAudio does: the same buffer every time, and not on the thread that reads."""
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
        """End, and see that everything did."""
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


def test_c5_what_the_microphone_hears_comes_in_order_and_is_a_copy(reader: Reader) -> None:
    for number in range(5):
        reader.stream.deliver(number, number / 50)
    blocks = reader.has(5)
    assert values(blocks) == [0, 1, 2, 3, 4]
    samples: NDArray[np.int16] = blocks[0].samples
    assert samples.shape == (BLOCK, 1)
    assert samples.dtype == np.int16
    assert [block.lost for block in blocks] == [0] * 5
    assert (reader.source.sample_rate, reader.source.channels) == (RATE, 1)


def test_what_the_sound_card_lost_is_counted_by_its_clock(reader: Reader) -> None:
    reader.stream.deliver(1, 10.0)
    reader.stream.deliver(2, 10.52, has_lost=True)
    reader.stream.deliver(3, 10.54)
    assert [block.lost for block in reader.has(3)] == [0, RATE // 2, 0]


@pytest.mark.parametrize("at_s", [0.0, 10.02, 9.0])
def test_a_loss_that_a_clock_does_not_show_is_at_least_one_sample(reader: Reader, at_s: float) -> None:
    reader.stream.deliver(1, 10.0)
    reader.stream.deliver(2, at_s, has_lost=True)
    assert [block.lost for block in reader.has(2)] == [0, 1]


def test_a_clock_that_jumps_loses_no_more_than_what_can_wait(reader: Reader) -> None:
    reader.stream.deliver(1, 10.0)
    reader.stream.deliver(2, 1e9, has_lost=True)
    assert reader.has(2)[1].lost == 10 * RATE


def test_a_reader_that_is_too_slow_loses_whole_blocks_and_is_told(library: SoundCard) -> None:
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


def test_a_microphone_that_is_pulled_out_is_one_sentence(reader: Reader) -> None:
    reader.stream.deliver(1, 0.0)
    reader.has(1)
    reader.stream.end()
    wait_until(lambda: reader.error, "the error")
    assert "still plugged in" in str(reader.error)


def test_one_that_falls_silent_has_stopped(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(microphone, "_SILENT_S", 0.3)
    wait_until(lambda: reader.error, "the error")
    assert "delivers nothing any more" in str(reader.error)


def test_one_that_is_in_use_is_one_sentence(library: SoundCard) -> None:
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
def test_a_choice_that_cannot_be_is_one_sentence(
    library: SoundCard, number: int, rate: int | None, sentence: str
) -> None:
    with pytest.raises(AudioError, match=sentence):
        Microphone(number, rate, library=library)


@pytest.mark.parametrize("cards", [(), (card("HDMI", 0),)])
def test_a_machine_without_a_microphone_says_so(cards: tuple[dict[str, Any], ...]) -> None:
    library = SoundCard(default=-1)
    library.cards = cards
    for ask in (
        lambda: Microphone(library=library),
        lambda: Microphone(3, library=library),
        lambda: microphone.list_microphones(library),
    ):
        with pytest.raises(AudioError, match="no microphone is here"):
            ask()


def test_the_list_marks_the_default_and_leaves_out_what_records_nothing() -> None:
    library = SoundCard(card("built in", 2, 48_000.0), card("HDMI", 0), card("USB", 1, 44_100.0), default=2)
    assert microphone.list_microphones(library) == "    0  built in, 48000 Hz\n*   2  USB, 44100 Hz"


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--file")
    argument.add_microphone(group)
    return parser.parse_args(arguments)


def test_the_arguments_choose_one(library: SoundCard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(microphone, "load_sounddevice", lambda: library)
    assert argument.chosen_microphone(parsed("--file", "x.wav")) is None
    assert argument.chosen_microphone(parsed("--list")) is None
    assert parsed("--list").list
    default = argument.chosen_microphone(parsed("--microphone"))
    first = argument.chosen_microphone(parsed("--microphone", "1"))
    assert default is not None
    assert first is not None
    with pytest.raises(AudioError, match="HDMI"):
        argument.chosen_microphone(parsed("--microphone", "0"))
    for wrong in (("--microphone", "-1"), ("--microphone", "x"), ("--microphone", "1", "--list")):
        with pytest.raises(SystemExit):
            parsed(*wrong)


def test_what_is_not_installed_is_said_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(SettingsError, match=r"requirements/microphone\.txt"):
        microphone.load_sounddevice()

    def find_spec(name: str, *_: object) -> None:
        if name == "sounddevice":
            raise OSError("PortAudio library not found")

    monkeypatch.delitem(sys.modules, "sounddevice")
    monkeypatch.setattr(sys, "meta_path", [SimpleNamespace(find_spec=find_spec), *sys.meta_path])
    with pytest.raises(SettingsError, match="libportaudio2"):
        microphone.load_sounddevice()


def test_this_machine_lists_its_microphones_or_says_what_is_missing() -> None:
    """The real package, PortAudio and sound cards, as far as they are here; never a traceback."""
    command = [sys.executable, "-m", "simulator", "live", "--list"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode == 0:
        assert "Hz" in done.stdout
    else:
        assert done.returncode == 2
        assert any(word in done.stderr for word in ("sounddevice", "PortAudio", "no microphone is here"))
        assert "Traceback" not in done.stderr


def test_c5_a_microphone_that_is_not_here_ends_the_command_with_one_sentence() -> None:
    command = [sys.executable, "-m", "simulator", "live", "--microphone", "99"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert any(word in done.stderr for word in ("sounddevice", "PortAudio", "no microphone"))
    assert "Traceback" not in done.stderr
