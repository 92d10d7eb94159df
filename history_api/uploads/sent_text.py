"""The sound that the current request sends as a data URI: as its body, or as a value or file in it."""

import shutil
import tempfile
from typing import IO, Final

from flask import request

from history_api.openapi.problem import ProblemError
from history_api.openapi.schemas import TEXT, Schema
from history_api.services import services
from history_api.uploads.data_uri import START, Kind, SoundInText
from history_api.uploads.upload_form import has_form
from history_api.uploads.upload_request import sent_sound

_MOST_BASE64: Final = 32 * 2**20
"""Characters."""
DATA_URI: Final[Schema] = {
    "application/json": {"schema": {"type": "object", "properties": {"audio": TEXT}, "required": ["audio"]}},
    "text/plain": {"schema": TEXT},
}


def sent_text() -> SoundInText | IO[bytes]:
    """Return the sound in a data URI: the body, or a value of a JSON object or a form; or a form's file."""
    # One in large chunks has no length until it has come, and would be cut at the limit.
    if (request.content_length or 0) > _MOST_BASE64 or "Transfer-Encoding" in request.headers:
        raise ProblemError(
            413, f"a data URI has at most {_MOST_BASE64} characters, and states it; send a file to /predict"
        )
    if has_form(request):
        file = sent_sound().stream
        is_text = file.read(len(START)) == START
        file.seek(0)
        return SoundInText(_spooled(file), "text") if is_text else file
    return SoundInText(_spooled(request.stream), _kind())


def _kind() -> Kind:
    if request.is_json:
        return "json"
    return "form" if request.mimetype == "application/x-www-form-urlencoded" else "text"


def _spooled(stream: IO[bytes]) -> IO[bytes]:
    """Return a file without a name that holds what is sent."""
    folder = services().settings.data_dir / "uploads"
    folder.mkdir(parents=True, exist_ok=True)
    file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed with the sound in it
    shutil.copyfileobj(stream, file)
    file.flush()
    return file
