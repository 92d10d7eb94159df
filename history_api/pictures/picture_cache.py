"""Bounded cache of drawn pictures, as files below the data directory; least recently used out first."""

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


def file_name(audio_sha256: str, kind: str, *also: object) -> str:
    """Return the cache file name of a picture of that audio and kind; `also` is all else that it shows.

    Names begin with the SHA-256 of the audio, so `remove` finds all pictures of a recording. They also serve
    as ETags.
    """
    rest = hashlib.sha256(repr((__version__, *also)).encode()).hexdigest()[:16]
    return f"{audio_sha256}-{rest}-{kind}"


class PictureCache:
    """Pictures by file name. A lost picture costs only time, so a failure to write is logged, not raised."""

    def __init__(self, directory: Path, limit_bytes: int) -> None:
        self._directory = directory
        self._limit = limit_bytes

    @classmethod
    def from_settings(cls, settings: ApiSettings) -> "PictureCache":
        """Return the cache that the settings describe."""
        return cls(settings.data_dir / "cache", settings.cache_mb * _MEBI)

    def read(self, name: str) -> bytes | None:
        """Return a cached picture, None if there is none."""
        path = self._directory / name
        try:
            content = path.read_bytes()
            os.utime(path)  # marks it as recently used
        except OSError:
            return None
        return content

    def put(self, name: str, content: bytes) -> None:
        """Write a picture atomically, then remove the least recently used ones above the limit."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._directory, suffix=".part", delete=False) as part:
                try:
                    part.write(content)
                    part.flush()
                    os.fsync(part.fileno())
                    Path(part.name).replace(self._directory / name)
                except OSError:
                    Path(part.name).unlink(missing_ok=True)
                    raise
            self._evict()
        except OSError as error:
            _LOG.warning(line("cache_refuses", reason=error))

    def remove(self, audio_sha256: str) -> None:
        """Remove every picture of an audio file, when its recording is deleted."""
        for path in self._directory.glob(f"{audio_sha256}-*"):
            path.unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove every picture, when many recordings were deleted; the others are drawn again on request."""
        for path in self._directory.glob("*"):
            path.unlink(missing_ok=True)

    def _evict(self) -> None:
        cached = []
        for path in self._directory.iterdir():
            with contextlib.suppress(FileNotFoundError):  # another thread removed it
                status = path.stat()
                cached.append((status.st_mtime_ns, status.st_size, path))
        total = sum(size for _, size, _ in cached)
        for _, size, path in sorted(cached):
            if total <= self._limit:
                break
            path.unlink(missing_ok=True)
            total -= size
