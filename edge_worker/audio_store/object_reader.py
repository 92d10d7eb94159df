"""An object of a store as a file: what is read is fetched, and nothing else."""

import io
from typing import TYPE_CHECKING

import obstore
from obstore.store import S3Store

from edge_worker.audio_store.bucket_fault import sentences

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class ObjectReader(io.RawIOBase):
    """Reads one object by ranges. Its errors are AudioStoreError, or FileNotFoundError once it is gone."""

    def __init__(self, store: S3Store, name: str, size: int, place: str) -> None:
        """Read the object `name`, which has `size` bytes, of the store at `place`."""
        super().__init__()
        self._store = store
        self._name = name
        self._size = size
        self._place = place
        self._position = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a place, which may be behind the end; return it."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._position

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Fetch as many bytes as fit into `buffer`; return how many, 0 at the end."""
        view = memoryview(buffer).cast("B")
        length = min(len(view), self._size - self._position)
        if length <= 0:
            return 0
        with sentences(self._place):
            content = obstore.get_range(self._store, self._name, start=self._position, length=length)
        view[: len(content)] = memoryview(content)
        self._position += len(content)
        return len(content)
