"""Request whose form files go to the data directory while they arrive: `/tmp` may be small, or full."""

import tempfile
from typing import IO, Final

from history_api.services import services
from history_api.uploads.upload_form import UploadRequest

_MEMORY_BYTES: Final = 1 << 19


class SpoolingRequest(UploadRequest):
    """A request of the history API, whose forms may come from small clients."""

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        """Return where a file of the form is written: memory first, then a file without a name."""
        folder = services().settings.data_dir / "uploads"
        folder.mkdir(parents=True, exist_ok=True)
        file: IO[bytes] = tempfile.SpooledTemporaryFile(_MEMORY_BYTES, dir=str(folder))  # noqa: SIM115 - the form's
        return file
