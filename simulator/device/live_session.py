"""Session of one device that streams one sound, from the connection to the result; display on stderr."""

import queue
import secrets
import sys
import threading
import time
from collections.abc import Sequence
from typing import Final

from edge_worker.errors import BrokerError, StethoError
from simulator.device import oled
from simulator.device.event_loop import EventLoop
from simulator.device.live_device import LiveDevice, Stream
from simulator.device.mqtt_connection import Account, Address
from simulator.device.recording import encode_meta
from simulator.device.stethoscope import Stethoscope
from simulator.sound.audio_source import AudioSource, Block

_CONNECT_S: Final = 10.0
_GRACE_S: Final = 0.5
_TICK_S: Final = 0.02
_BLOCKS_WAITING: Final = 500
"""Ten seconds; samples of a source that is not read for longer are lost."""


class LiveSession:
    """Device that streams one sound. An instance is used once."""

    def __init__(self, address: Address, account: Account, chunk_samples: int) -> None:
        self._event_loop = EventLoop()
        self._address = address
        self._device = LiveDevice(account.username, secrets.token_hex(4), chunk_samples)
        self._stethoscope = Stethoscope(self._device, self._event_loop, address, account, subscribe_live=True)
        self._blocks: queue.Queue[Block | StethoError | None] = queue.Queue(_BLOCKS_WAITING)
        self._shown: oled.Screen = []
        self.status = ""
        """Status of the result: `ok`, `inconclusive` or `error`; empty without a result."""

    def play(
        self,
        source: AudioSource,
        *,
        models: Sequence[str],
        site: str | None,
        exam: str | None = None,
        seconds: float | None,
        timeout_s: float,
    ) -> bytes | None:
        """Stream `source` until its end, `seconds` or Ctrl-C; return the compact result as published.

        Returns None without a result within `timeout_s` after the end.

        Raises:
            BrokerError: there is no broker, or it refuses the account.
            StethoError: the source stopped working.
        """
        try:
            self._connect(timeout_s)
            number = secrets.randbits(64)
            stream = Stream(number, source.sample_rate, source.channels, encode_meta(models, site, exam))
            self._device.begin(stream)
            self._record(source, stream, seconds)
            self._device.end(time.monotonic())
            self._stethoscope.send_due_messages()
            self._show(oled.waiting(False))
            self._event_loop.run_until(lambda: stream.result is not None, timeout_s)
            if stream.result is None:
                return None
            self._show(oled.result(stream.result))
            self.status = str(stream.result.get("status"))
            return stream.result_payload
        finally:
            source.close()
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
            raise BrokerError("no analyser is online; start `stetho worker`")

    def _record(self, source: AudioSource, stream: Stream, seconds: float | None) -> None:
        """Send what the source records, and show live values."""
        reader = threading.Thread(target=self._read, args=(source,), name="source", daemon=True)
        reader.start()
        limit = float("inf") if seconds is None else seconds * source.sample_rate
        try:
            while stream.recorded < limit and stream.completeness is None and self._push_blocks():
                self._stethoscope.send_due_messages()
                self._event_loop.run_once(_TICK_S)
                self._show(oled.live(stream.live, stream.recorded / stream.sample_rate))
        except KeyboardInterrupt:
            print("ending the stream", file=sys.stderr)
        finally:
            source.close()

    def _read(self, source: AudioSource) -> None:
        """Read the source on a thread of its own, because a microphone blocks."""
        last: StethoError | None = None
        lost = 0
        try:
            for block in source:
                try:
                    self._blocks.put_nowait(Block(block.samples, block.lost + lost))
                    lost = 0
                except queue.Full:
                    lost += block.lost + len(block.samples)
        except StethoError as error:
            last = error
        self._blocks.put(last)

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
        """Print a screen if it has changed."""
        if screen != self._shown:
            self._shown = screen
            print(oled.framed(screen), file=sys.stderr, flush=True)
