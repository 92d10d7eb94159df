"""Simulated stethoscope: protocol state, MQTT connection and the network faults between them."""

import json
import time
from collections.abc import Callable
from typing import Final

from edge_worker.protocol import topics
from simulator.device.device import Device
from simulator.device.event_loop import EventLoop
from simulator.device.message import Message
from simulator.device.mqtt_connection import Account, Address, Connection
from simulator.device.network_fault import FaultInjector
from simulator.device.remote_command import Answer, Command, refuse

ASK_AFTER_S: Final = 20.0
"""Without a worker or a result for so long the device asks for both again, then after twice as long, ….

Its subscriptions are at QoS 0, so either may have been lost. Both are retained.
"""
_ASK_AT_MOST_S: Final = 300.0
_MAX_INFLIGHT: Final = 20
"""Unacknowledged messages at once; the others wait in the device, not in the MQTT client."""


class Stethoscope:
    """Connects one device to a broker. Everything happens in calls of `EventLoop.run_once`."""

    def __init__(
        self,
        device: Device,
        event_loop: EventLoop,
        address: Address,
        account: Account,
        fault_injector: FaultInjector | None = None,
        *,
        subscribe_live: bool = False,
    ) -> None:
        """Prepare the connection; `connection.open` starts it.

        Args:
            device: protocol state.
            event_loop: drives the connection.
            address: of the broker.
            account: of the device.
            fault_injector: applied to PCM chunks.
            subscribe_live: subscribe to live values, too.
        """
        self.device = device
        self.analysers: set[str] = set()
        """State topics of the workers that are ready."""
        self.on_change: Callable[[], None] = lambda: None
        """Called after messages were sent or received."""
        self.on_command: Callable[[Command], Answer] = refuse
        """Called with each command that is for now; returns the answer."""
        self._event_loop = event_loop
        self._fault_injector = fault_injector
        self._wakes_at = float("inf")
        self._last_command = ""
        self._last_answer = Answer("done")
        subscriptions = [
            topics.control(device.device_id),
            topics.device_result(device.device_id),
            topics.command(device.device_id),
            topics.worker("+"),
            *([topics.live(device.device_id)] if subscribe_live else []),
        ]
        self._retained = [topics.device_result(device.device_id), topics.worker("+")]
        self._ask_after_s, self._ask_at = ASK_AFTER_S, 0.0
        self.connection = Connection(event_loop, address, account, subscriptions, self._receive, qos=0)
        self.connection.on_turn = self._ask_again
        self.connection.set_will(device.will_message())
        self.connection.on_ready = device.on_connected
        self.connection.on_activity = self.send_due_messages

    def send_due_messages(self) -> None:
        """Send messages that are due, up to the inflight limit, and schedule the next call."""
        now = time.monotonic()
        while self.connection.is_ready and self.connection.unacknowledged < _MAX_INFLIGHT:
            message = self.device.next_message(now)
            if message is None:
                self._flush_faults()
                break
            if self._fault_injector is not None and message.topic == topics.pcm(self.device.device_id):
                for payload in self._fault_injector.send(message.payload):
                    self.connection.publish(message._replace(payload=payload))
            else:
                self.connection.publish(message)
        self._schedule(now)
        self.on_change()

    def close(self) -> None:
        """Publish `offline`, then disconnect."""
        if self.connection.is_ready:
            self.connection.publish(self.device.offline_message())
        self.connection.close()

    def _flush_faults(self) -> None:
        """Send chunks that the fault injector holds back when the device has no more to send."""
        if self._fault_injector is not None and not self.device.is_recording:
            for payload in self._fault_injector.flush():
                self.connection.publish(Message(topics.pcm(self.device.device_id), payload))

    def _schedule(self, now: float) -> None:
        """Schedule a call for the time when the device has a message; until then a PUBACK calls."""
        due_at = self.device.due_at()
        if now < due_at < self._wakes_at:
            self._wakes_at = due_at
            self._event_loop.call_at(due_at, self._wake)

    def _wake(self) -> None:
        self._wakes_at = float("inf")
        self.send_due_messages()

    def _ask_again(self, now: float) -> None:
        if not self.connection.is_ready or (self.analysers and not self.device.awaits_result):
            self._ask_after_s = ASK_AFTER_S
        elif now < self._ask_at:
            return
        else:
            self.connection.subscribe(self._retained)
            self._ask_after_s = min(2 * self._ask_after_s, _ASK_AT_MOST_S)
        self._ask_at = now + self._ask_after_s

    def _receive(self, message: Message) -> None:
        if message.topic.startswith(topics.worker("")):
            self._update_analyser(message.topic, message.payload)
        elif message.topic != topics.command(self.device.device_id):
            self.device.receive(message.topic, message.payload, time.monotonic())
        elif not message.retain:  # a retained one would run again at every connect
            self._obey(Command.parse(message.payload))

    def _obey(self, command: Command | None) -> None:
        """Do what a command says, once, and answer it; the answer may have got lost when it comes again."""
        if command is None:
            return
        if command.id != self._last_command:
            self._last_command = command.id
            self._last_answer = command.refusal() or self.on_command(command)
        self.connection.publish(self._last_answer.message(self.device.device_id, command.id))

    def _update_analyser(self, topic: str, payload: bytes) -> None:
        try:
            is_ready = json.loads(payload)["state"] == "ready"
        except (ValueError, TypeError, KeyError):
            is_ready = False
        (self.analysers.add if is_ready else self.analysers.discard)(topic)
