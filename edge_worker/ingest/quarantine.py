"""Quarantine: input that the code could not process, set aside for an operator to look at.

    quarantine/<id>.json        what it is, where it came from, when, and why it is here
    quarantine/<id>.payload     as it came: a message, a chunk file, or the directory of a stream

A message that raises an unexpected exception would raise it again at each delivery, and a file at each start.
Here it harms nobody. The quarantine is bounded in entries and in bytes; the oldest entry leaves first.
"""

import contextlib
import hashlib
import json
import logging
import shutil
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeVar, get_args

from edge_worker.protocol import strict_json
from edge_worker.protocol.timestamp import rfc3339
from edge_worker.protocol.topics import DEVICE_ID
from edge_worker.telemetry.logfmt import line

_LOG = logging.getLogger(__name__)
MAX_ENTRIES: Final = 200
MAX_BYTES: Final = 2**28
"""Of all payloads together: four recordings of the default maximum size."""
_MAX_TEXT: Final = 300
"""Characters of a text in the description of an entry."""
_MAX_CAUSES: Final = 100
"""Causes that are logged; more are only counted."""

Kind = Literal["message", "spool", "outgoing"]
"""A message that arrived; a file or directory of the spool; a message that cannot leave."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Origin:
    """What an entry is, and where it came from."""

    kind: Kind
    device: str | None = None
    recording: str | None = None
    topic: str | None = None


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """Description of one entry, as it is in its JSON file."""

    id: str
    kind: str
    at: str
    """When it was set aside, RFC 3339 in UTC."""
    device: str | None
    recording: str | None
    topic: str | None
    reason: str
    bytes: int
    """Of the payload."""

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Return the entry that a JSON file describes; None: it cannot be read, or describes none."""
        try:
            document = json.loads(path.read_bytes())
            entry = cls(**{name: document[name] for name in cls.__dataclass_fields__})
            int(entry.id.split("-", 1)[0])
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None
        return entry if entry.id == path.stem and isinstance(entry.bytes, int) else None


class Quarantine:
    """Entries in one directory, which is made with the first of them. Safe from any thread.

    `put` and `take` do not raise: they are the last resort, and a disk that refuses them is logged.
    """

    def __init__(
        self, directory: Path, *, max_entries: int = MAX_ENTRIES, max_bytes: int = MAX_BYTES
    ) -> None:
        """Use `directory`; the entries of earlier processes count."""
        self._directory = directory
        self._max_entries, self._max_bytes = max_entries, max_bytes
        self._lock = threading.Lock()
        found = (QuarantineEntry.read(path) for path in sorted(directory.glob("*.json")))
        self._entries = {entry.id: entry for entry in found if entry is not None}
        """By id, the oldest first."""
        self._counts: Counter[str] = Counter(dict.fromkeys(get_args(Kind), 0))
        self._causes: set[str] = set()
        """Those that were logged."""

    def put(self, origin: Origin, payload: bytes, error: Exception | str) -> None:
        """Set a payload aside; one that is here already is only counted."""
        digest = hashlib.sha256(repr(origin).encode() + payload).hexdigest()[:8]
        with self._lock:
            self._note(origin, error)
            if not self._with_digest(digest):
                self._add(origin, digest, len(payload), error, lambda path: path.write_bytes(payload))

    def take(self, path: Path, error: Exception | str) -> None:
        """Move a file or a directory of the spool here; it replaces the entry of the same name."""
        name = f"{path.parent.name}/{path.name}"
        digest = hashlib.sha256(name.encode()).hexdigest()[:8]
        device = path.parent.name if DEVICE_ID.fullmatch(path.parent.name) else None
        origin = Origin("spool", device, path.stem if device else None)
        with self._lock:
            self._note(origin, error)
            for entry_id in self._with_digest(digest):
                self._remove(entry_id)
            self._add(origin, digest, _size(path), f"{name}: {sentence(error)}", path.replace)

    def entries(self) -> list[QuarantineEntry]:
        """Return all entries, the oldest first; those that another process deleted are gone."""
        with self._lock:
            self._entries = {
                name: entry for name, entry in self._entries.items() if self._description(name).exists()
            }
            return list(self._entries.values())

    def payload_path(self, entry_id: str) -> Path:
        """Return where the payload of an entry is: a file, or a directory."""
        return self._directory / f"{entry_id}.payload"

    def remove(self, entry_id: str) -> None:
        """Delete an entry; raise OSError when the disk refuses."""
        with self._lock:
            self._remove(entry_id)

    def document(self) -> dict[str, Any]:
        """Return the number and bytes of the entries, and how many of each kind came since the start."""
        entries = self.entries()
        return {
            "entries": len(entries),
            "bytes": sum(entry.bytes for entry in entries),
            "counts": dict(self._counts),
        }

    def _note(self, origin: Origin, error: Exception | str) -> None:
        """Count an entry; log each cause once, because a device decides how often it comes."""
        self._counts[origin.kind] += 1
        cause = error if isinstance(error, str) else _cause(error)
        if cause in self._causes or len(self._causes) >= _MAX_CAUSES:
            return
        self._causes.add(cause)
        facts = {"kind": origin.kind, "device": origin.device, "recording": origin.recording}
        trace = error if isinstance(error, Exception) else None
        _LOG.error(line("quarantined", **facts, reason=sentence(error)), exc_info=trace)

    def _add(
        self, origin: Origin, digest: str, size: int, error: Exception | str, place: Callable[[Path], object]
    ) -> None:
        number = 1 + max((int(name.split("-", 1)[0]) for name in self._entries), default=0)
        entry = QuarantineEntry(
            id=f"{number:06}-{digest}",
            at=rfc3339(datetime.now(UTC)),
            reason=_shown(sentence(error)),
            kind=origin.kind,
            device=origin.device,
            recording=origin.recording,
            topic=None if origin.topic is None else _shown(origin.topic),
            bytes=size,
        )
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            # The description first: a file that was not moved after it comes again at the next start.
            text = strict_json.write(asdict(entry), indent=2)
            self._description(entry.id).write_text(f"{text}\n", encoding="utf-8")
            place(self.payload_path(entry.id))
        except OSError as refusal:
            _LOG.error(line("storage_refuses", where="quarantine", error=refusal))
            with contextlib.suppress(OSError):
                self._remove(entry.id)
            return
        self._entries[entry.id] = entry
        with contextlib.suppress(OSError):
            self._make_room()

    def _make_room(self) -> None:
        size = sum(entry.bytes for entry in self._entries.values())
        while self._entries and (len(self._entries) > self._max_entries or size > self._max_bytes):
            oldest = next(iter(self._entries.values()))
            size -= oldest.bytes
            self._remove(oldest.id)

    def _remove(self, entry_id: str) -> None:
        self._entries.pop(entry_id, None)
        path = self.payload_path(entry_id)
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        self._description(entry_id).unlink(missing_ok=True)

    def _with_digest(self, digest: str) -> list[str]:
        return [name for name in self._entries if name.endswith(f"-{digest}")]

    def _description(self, entry_id: str) -> Path:
        return self._directory / f"{entry_id}.json"


def sentence(error: Exception | str) -> str:
    """Return why something is set aside; of an exception: what it is, where it was raised, its text."""
    if isinstance(error, str):
        return error
    try:
        return f"{_cause(error)}: {error}"
    except Exception:  # an exception may hold what cannot be written, such as a number of 5,000 digits
        return _cause(error)


def guarded(items: Iterator[T], set_aside: Callable[[Exception], None]) -> Iterator[T]:
    """Yield `items`; an exception that these raise ends them, and is handed to `set_aside`."""
    try:
        yield from items
    except Exception as error:
        set_aside(error)


def _cause(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"


def _shown(text: str) -> str:
    """Return a text from outside as it may stand in a file: short, and of printable characters."""
    short = text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]}…"
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in short)


def _size(path: Path) -> int:
    """Return the bytes of a file, or of all files of a directory; 0 where they cannot be counted."""
    try:
        files = path.rglob("*") if path.is_dir() else [path]
        return sum(file.stat().st_size for file in files if file.is_file())
    except OSError:
        return 0
