"""Session of one device that streams, from the connection to the result; display on stderr."""

import queue
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from edge_worker.errors import BrokerError, StethoError
from edge_worker.own_command import stetho
from simulator.device import oled
from simulator.device.display import Display
from simulator.device.event_loop import EventLoop
from simulator.device.live_device import LiveDevice, Stream
from simulator.device.mqtt_connection import Account, Address
from simulator.device.recording import encode_meta
from simulator.device.remote_command import Answer, Command
from simulator.device.stethoscope import Stethoscope
from simulator.sound.audio_source import AudioSource, Block

_CONNECT_S: Final = 10.0
_GRACE_S: Final = 0.5
_TICK_S: Final = 0.02
_BLOCKS_WAITING: Final = 500
"""Ten seconds; samples of a source that is not read for longer are lost."""
_IDENTIFY_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class StreamPlan:
    """What is streamed, and how long."""

    models: Sequence[str] = ()
    site: str | None = None
    exam: str | None = None
    seconds: float | None = None
    """None: until the source ends."""
    timeout_s: float = 60.0
    """Time to wait for an analyser, and after the end for the result."""


class LiveSession:
    """Device that streams: one sound at once, or one at each command. An instance is used once."""

    def __init__(self, address: Address, account: Account, chunk_samples: int) -> None:
        self._event_loop = EventLoop()
        self._address = address
        self._account = account
        self._chunk_samples = chunk_samples
        self._start()
        self._blocks: queue.Queue[Block | StethoError | None] = queue.Queue(_BLOCKS_WAITING)
        self._display = Display()
        self._screen: oled.Screen = []
        self._identify_until = 0.0
        self._is_remote = self._is_ending = self._is_restarting = self._is_stopped = False
        self._wanted: Command | None = None
        self.status = ""
        """Status of the last result: `ok`, `inconclusive` or `error`; empty without a result."""

    def play(self, source: AudioSource, plan: StreamPlan) -> bytes | None:
        """Stream `source` until its end or Ctrl-C; return the compact result as published.

        Returns None where none came in time.

        Raises:
            BrokerError: there is no broker, or it refuses the account.
            StethoError: the source stopped working.
        """
        try:
            self._connect(plan.timeout_s)
            return self._stream(source, plan, plan.seconds)
        finally:
            source.close()
            self._close()

    def serve(
        self,
        source_of: Callable[[bool], AudioSource],
        plan: StreamPlan,
        on_result: Callable[[bytes | None], None],
    ) -> None:
        """Record when a command says so, until Ctrl-C; each result goes to `on_result`.

        `source_of` returns the sound of one recording; its argument: repeat it until it is stopped.

        Raises:
            BrokerError, StethoError: as `play`.
        """
        self._is_remote = True
        try:
            self._connect(plan.timeout_s)
            while not self._is_ending:
                self._event_loop.run_once(_TICK_S)
                self._show(oled.ready(self._device.device_id, bool(self._stethoscope.analysers)))
                if self._wanted is not None:
                    on_result(self._record_as_wanted(source_of, plan))
                elif self._is_restarting:
                    self._restart(plan.timeout_s)
        except KeyboardInterrupt:
            self._display.say("ending")
        finally:
            self._close()

    def _record_as_wanted(self, source_of: Callable[[bool], AudioSource], plan: StreamPlan) -> bytes | None:
        wanted, self._wanted = self._wanted, None
        seconds = plan.seconds if wanted is None or wanted.seconds is None else wanted.seconds
        is_stream = wanted is not None and wanted.is_stream
        source = source_of(is_stream or seconds is not None)
        return self._stream(source, plan, None if is_stream else seconds)

    def _stream(self, source: AudioSource, plan: StreamPlan, seconds: float | None) -> bytes | None:
        number = secrets.randbits(64)
        meta = encode_meta(plan.models, plan.site, plan.exam)
        stream = Stream(number, source.sample_rate, source.channels, meta)
        self.status = ""
        self._device.begin(stream)
        self._record(source, stream, seconds)
        self._device.end(time.monotonic())
        self._stethoscope.send_due_messages()
        self._show(oled.waiting(False))
        self._event_loop.run_until(lambda: stream.result is not None, plan.timeout_s)
        if stream.result is None:
            return None
        self._show(oled.result(stream.result))
        self._display.leave()  # the result is printed below it
        self.status = str(stream.result.get("status"))
        return stream.result_payload

    def _start(self) -> None:
        """Start the device, with a new boot id."""
        self._device = LiveDevice(self._account.username, secrets.token_hex(4), self._chunk_samples)
        self._stethoscope = Stethoscope(
            self._device, self._event_loop, self._address, self._account, subscribe_live=True
        )
        self._stethoscope.on_command = self._obey

    def _restart(self, timeout_s: float) -> None:
        """End in order, as a device does that restarts, and start again."""
        self._is_restarting = False
        closing = self._stethoscope
        closing.close()
        self._event_loop.run_until(lambda: closing.connection.is_closed, _CONNECT_S)
        self._start()
        self._connect(timeout_s)

    def _close(self) -> None:
        self._stethoscope.close()
        self._event_loop.close()

    def _connect(self, timeout_s: float) -> None:
        self._stethoscope.connection.open()
        if not self._event_loop.run_until(lambda: self._stethoscope.connection.is_ready, _CONNECT_S):
            raise BrokerError(f"the broker at {self._address} accepted the connection and does not answer")
        has_analyser = self._event_loop.run_until(lambda: bool(self._stethoscope.analysers), _GRACE_S)
        self._show(oled.ready(self._device.device_id, has_analyser))
        if not has_analyser and not self._event_loop.run_until(
            lambda: bool(self._stethoscope.analysers), timeout_s
        ):
            raise BrokerError(f"no analyser is online; start `{stetho('worker')}`")

    def _obey(self, command: Command) -> Answer:
        """Do what a command says, now or in the loop that runs."""
        is_recording = self._device.is_recording or self._wanted is not None
        if command.name == "identify":
            self._identify_until = time.monotonic() + _IDENTIFY_S
            self._show(self._screen)
        elif command.name == "stop" and is_recording:
            self._is_stopped = True
        elif command.name == "stop":
            return Answer("refused", "not_recording")
        elif command.name == "record" and is_recording:
            return Answer("refused", "recording")
        elif not self._is_remote:
            return Answer("refused", "unsupported")
        elif command.name == "record":
            self._wanted, self._is_stopped = command, False
        else:
            self._is_restarting = True
            return Answer("done", "later" if is_recording else None)
        return Answer("done")

    def _record(self, source: AudioSource, stream: Stream, seconds: float | None) -> None:
        """Send what the source records, and show live values."""
        self._blocks = queue.Queue(_BLOCKS_WAITING)
        reader = threading.Thread(target=self._read, args=(source, self._blocks), name="source", daemon=True)
        reader.start()
        limit = float("inf") if seconds is None else seconds * source.sample_rate
        try:
            while (
                stream.recorded < limit
                and not self._is_stopped
                and stream.completeness is None
                and self._push_blocks()
            ):
                self._stethoscope.send_due_messages()
                self._event_loop.run_once(_TICK_S)
                self._show(oled.live(stream.live, stream.recorded / stream.sample_rate))
        except KeyboardInterrupt:
            self._is_ending = True
            self._display.say("ending the stream")
        finally:
            source.close()

    def _read(self, source: AudioSource, blocks: "queue.Queue[Block | StethoError | None]") -> None:
        """Read the source on a thread of its own, because a microphone blocks."""
        last: StethoError | None = None
        lost = 0
        try:
            for block in source:
                try:
                    blocks.put_nowait(Block(block.samples, block.lost + lost))
                    lost = 0
                except queue.Full:
                    lost += block.lost + len(block.samples)
        except StethoError as error:
            last = error
        blocks.put(last)

    def _push_blocks(self) -> bool:
        """Hand recorded blocks to the device; return whether the source goes on."""
        while True:
            try:
                block = self._blocks.get_nowait()
            except queue.Empty:
                return True
            if block is None:
                return False
            if isinstance(block, StethoError):
                raise block
            self._device.push(block)

    def _show(self, screen: oled.Screen) -> None:
        """Show a screen, while the device identifies itself that which says so."""
        self._screen = screen
        if time.monotonic() < self._identify_until:
            screen = oled.identify(self._device.device_id)
        self._display.show(screen)
