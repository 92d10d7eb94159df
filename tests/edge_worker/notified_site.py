"""Site of real processes whose `stetho notify` sends to receivers on loopback, for tests."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from conftest import Client, wait_until
from receivers import MailReceiver, WebReceiver

from edge_worker.notify.notice_queue import NAME
from edge_worker.protocol import topics
from simulator.site.process import Process
from simulator.site.site import Site

SECRET = "s3cr3t"
RESULT: dict[str, Any] = {
    "captured_at": "2026-11-30T11:00:00.000Z",
    "status": "ok",
    "verdict": {
        "label": "siren", "model": "esc50", "severity": "finding", "confidence": 0.9, "disagree": [],
        "text": "Siren",
    },
}  # fmt: skip


class NotifiedSite(Site):
    """Site whose `stetho notify` sends to receivers of this test."""

    def __init__(self, directory: Path, settings: Mapping[str, str] | None = None) -> None:
        super().__init__(directory, settings)
        self.web, self.mail = WebReceiver(), MailReceiver()
        self._account = self.broker.add_user("notify")
        self.rules_path = self.data_dir / "notify" / "rules.toml"
        self.rules_path.parent.mkdir(parents=True)
        self._sent = 0

    def __enter__(self) -> Self:
        self.web.__enter__()
        self.mail.__enter__()
        super().__enter__()
        self.worker_client = Client(self.broker, self._worker_account)
        self.worker_client.publish(topics.worker("another"), '{"state":"ready"}', retain=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.worker_client.__exit__(None, None, None)
        super().__exit__(kind, error, trace)
        self.web.__exit__(None, None, None)
        self.mail.__exit__(None, None, None)

    @property
    def environ(self) -> dict[str, str]:
        """Settings of all programs."""
        return super().environ | {"STETHO_NOTIFY_MQTT_PASSWORD": self._account.password}

    def write_rules(self, *rules: str) -> None:
        """Write the rules, with receivers for all tests."""
        receivers = (
            f'[receivers]\nphone = "json://127.0.0.1:{self.web.port}/{SECRET}"\n'
            f'topic = "ntfy://user:{SECRET}@127.0.0.1:{self.web.port}/{SECRET}"\n'
            f'ward = "mailto://127.0.0.1:{self.mail.port}/?from=a@example.org&to=ward@example.org&mode=insecure"\n'
        )
        self.rules_path.write_text(receivers + "".join(rules))

    def start_notify(self) -> Process:
        """Start `stetho notify`, and return when the broker sends it messages: retained ones come first."""
        process = self._start("edge_worker.notify")
        process.wait_for("event=connected")
        wait_until(self._has_subscribed, "the subscription")
        return process

    def _has_subscribed(self) -> bool:
        with closing(sqlite3.connect(self.rules_path.with_name(NAME))) as queue:
            return queue.execute("SELECT 1 FROM presence WHERE name = 'another'").fetchone() is not None

    def publish(self, recording: int, device: str = "room-1", **changes: object) -> None:
        """Publish a result as the worker does."""
        document = RESULT | {"device_id": device, "recording_id": f"{recording:016x}"} | changes
        self.worker_client.publish(topics.result(device), json.dumps(document))

    def ids(self) -> list[str]:
        """Return which occurrences the phone was told of."""
        return [each["id"] for each in list(self.web.posted) if "id" in each]
