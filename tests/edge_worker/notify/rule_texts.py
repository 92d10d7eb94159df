"""Rules as people write them, for tests."""

from edge_worker.notify import rules_file
from edge_worker.notify.occurrence import Occurrence
from edge_worker.notify.rule import Rules

LABELS = ("siren", "door_wood_knock", "normal", "abnormal")
SECRET = "s3cr3t"
RECEIVERS = f'[receivers]\nphone = "ntfy://user:{SECRET}@127.0.0.1:9/{SECRET}"\nward = "json://127.0.0.1:9/{SECRET}"\n'


def rule(name: str = "alarm", *lines: str, on: str = "sound", send_to: str = '["phone"]') -> str:
    """Return one rule as TOML."""
    return "\n".join(["[[rule]]", f'name = "{name}"', f'on = "{on}"', f"send_to = {send_to}", *lines, ""])


def parse(*rules: str, head: str = 'time_zone = "Europe/Berlin"\n', receivers: str = RECEIVERS) -> Rules:
    """Return the rules of a file."""
    return rules_file.parse(head + receivers + "".join(rules), LABELS)


def heard(
    number: int, label: str | None = "siren", device: str = "room-1", severity: str = "finding"
) -> Occurrence:
    """Return a sound that was heard."""
    recording = f"{number:016x}"
    return Occurrence(
        "sound", "heard", device, f"{device}/{recording}", f"2026-11-30T11:{number % 60:02}:00.000Z",
        severity, label, (label or "").capitalize(), 0.91, recording=recording,  # type: ignore[arg-type]
    )  # fmt: skip
