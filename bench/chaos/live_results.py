"""Follower of the live stream of the history API: which results it told, over restarts of the API, too."""

import threading
import time
from collections import Counter
from collections.abc import Collection, Iterable
from http.client import HTTPException
from types import TracebackType
from typing import Final, Self
from urllib.error import URLError
from urllib.request import Request, urlopen

from edge_worker.protocol import strict_json
from simulator.site.site import NatsSite, Site

_AGAIN_S: Final = 0.2
_QUIET_S: Final = 30.0
"""The stream has a heartbeat every 10 s."""


class LiveResults(threading.Thread):
    """Follows the stream as a browser does: after a break from the last event on. A context manager."""

    def __init__(self, site: Site | NatsSite) -> None:
        super().__init__(name="live-results", daemon=True)
        self._site = site
        self.url = site.start_api()
        """Address of the API."""
        self._api = site.processes[-1]
        self._last_id = "0"
        self._is_over = threading.Event()
        self.told: Counter[tuple[str, str]] = Counter()
        """By device and recording id: how often its result was told."""

    def restart(self) -> None:
        """End the API in order, and start it again; the stream goes on where it ended."""
        self._api.stop()
        self.url = self._site.start_api()
        self._api = self._site.processes[-1]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_over.set()

    def untold(self, expected: Collection[tuple[str, str]], within_s: float) -> int:
        """Return how many recordings' results were not told once, after `within_s` seconds at most.

        Each is expected by its device and its id.
        """
        deadline = time.monotonic() + within_s
        while (untold := sum(self.told[each] != 1 for each in expected)) and time.monotonic() < deadline:
            time.sleep(_AGAIN_S)
        return untold

    def run(self) -> None:
        """Follow until stopped."""
        while not self._is_over.is_set():
            request = Request(f"{self.url}/api/v1/stream", headers={"Last-Event-ID": self._last_id})  # noqa: S310 - our own
            try:
                with urlopen(request, timeout=_QUIET_S) as stream:  # noqa: S310 - likewise
                    self._read(stream)
            except (URLError, HTTPException, OSError):
                time.sleep(_AGAIN_S)

    def _read(self, lines: Iterable[bytes]) -> None:
        event_id = kind = ""
        for line in lines:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name == "id":
                event_id = value
            elif name == "event":
                kind = value
            elif name == "data" and kind == "result":
                document = strict_json.read(value)
                self.told[document["device_id"], document["recording_id"]] += 1
                self._last_id = event_id
            if self._is_over.is_set():
                return
