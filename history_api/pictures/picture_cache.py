"""Pictures that were drawn, kept below the data directory and bounded: the longest unused go first."""

import contextlib
import hashlib
import logging
import os
import tempfile
from pathlib import Path
from typing import Final

from edge_worker import __version__
from edge_worker.telemetry.logfmt import line
from history_api.settings import ApiSettings

_LOG: Final = logging.getLogger(__name__)
_MEBI: Final = 1 << 20


def name(audio_sha256: str, kind: str, *also: object) -> str:
    """Return the name of a picture: of this sound, this kind, and of all else that is drawn."""
    rest = hashlib.sha256(repr((__version__, *also)).encode()).hexdigest()[:16]
    return f"{audio_sha256}-{rest}-{kind}"


class PictureCache:
    """Files by name. Losing them costs time only, so a disk that refuses is logged and no more."""

    def __init__(self, directory: Path, limit_bytes: int) -> None:
        self._directory = directory
        self._limit = limit_bytes

    @classmethod
    def of(cls, settings: ApiSettings) -> "PictureCache":
        """Return the cache that the settings describe."""
        return cls(settings.data_dir / "cache", settings.cache_mb * _MEBI)

    def read(self, name: str) -> bytes | None:
        """Return a picture that was kept; None: it has to be drawn."""
        path = self._directory / name
        try:
            content = path.read_bytes()
            os.utime(path)  # what is used stays
        except OSError:
            return None
        return content

    def put(self, name: str, content: bytes) -> None:
        """Keep a picture, whole or not at all, and make room for it."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._directory, suffix=".part", delete=False) as draft:
                try:
                    draft.write(content)
                    draft.flush()
                    os.fsync(draft.fileno())
                    Path(draft.name).replace(self._directory / name)
                except OSError:
                    Path(draft.name).unlink(missing_ok=True)
                    raise
            self._make_room()
        except OSError as error:
            _LOG.warning(line("cache_refuses", reason=error))

    def forget(self, audio_sha256: str) -> None:
        """Remove every picture of a sound: what was deleted is not to be seen either."""
        for path in self._directory.glob(f"{audio_sha256}-*"):
            path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove every picture, where many sounds were deleted: what is left is drawn again."""
        for path in self._directory.glob("*"):
            path.unlink(missing_ok=True)

    def _make_room(self) -> None:
        kept = []
        for path in self._directory.iterdir():
            with contextlib.suppress(FileNotFoundError):  # another thread made room
                found = path.stat()
                kept.append((found.st_mtime_ns, found.st_size, path))
        total = sum(size for _, size, _ in kept)
        for _, size, path in sorted(kept):
            if total <= self._limit:
                break
            path.unlink(missing_ok=True)
            total -= size
