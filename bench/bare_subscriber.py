"""Baseline of `ingest`: a paho subscriber with its own loop that discards what it receives.

usage: python -m bench.bare_subscriber PORT USERNAME MESSAGES, password on stdin; prints seconds from the
first message to the last.
"""

import sys
import time

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion


def main() -> None:
    """Receive as many messages of a persistent session and print how long that took."""
    port, username, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    times: list[float] = []
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=username, clean_session=False)
    client.username_pw_set(username, sys.stdin.read())

    def on_message(*_: object) -> None:
        times.append(time.monotonic())
        if len(times) == count:
            client.disconnect()

    client.on_message = on_message
    client.connect("127.0.0.1", port)
    client.loop_forever()
    print(times[-1] - times[0])


if __name__ == "__main__":
    main()
