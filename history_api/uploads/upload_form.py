"""Forms with sound, as small clients send them: without file names, with names in Latin-1, or cut off.

Werkzeug takes a part without a file name for a short text, held in memory, and a name that is not UTF-8 for
the end of the form.
"""

from collections.abc import Iterator
from io import BytesIO
from typing import IO, Any, Final

from flask import Request
from werkzeug.datastructures import FileStorage, Headers, MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from history_api.openapi.problem import ProblemError

FILE_KEYS: Final = ("file", "files", "audio", "audio_data", "sound", "data")
"""Names of parts that are sound, with or without a file name."""
_READ_BYTES: Final = 65_536
_FORM: Final = "multipart/form-data"


def has_form(request: Request) -> bool:
    """Return whether the body is a form with files: what else it calls itself, it is the sound itself."""
    return request.mimetype == _FORM and bool(request.mimetype_params.get("boundary", "").strip())


class UploadFormParser(FormDataParser):
    """Parser of the forms of requests; use it as `form_data_parser_class` of a request."""

    def _parse_multipart(
        self, stream: IO[bytes], mimetype: str, content_length: int | None, options: dict[str, str]
    ) -> tuple[IO[bytes], MultiDict[str, str], MultiDict[str, FileStorage]]:
        form: list[tuple[str, str]] = []
        files: list[tuple[str, FileStorage]] = []
        text_bytes = 0
        part: Field | File | None = None
        target: IO[bytes] = BytesIO()
        for event in _events(stream, options.get("boundary", ""), self.max_form_parts):
            if isinstance(event, Field | File):
                part = event
                target = self._file(event, content_length) if isinstance(event, File) else BytesIO()
            elif isinstance(event, Data) and part is not None:
                text_bytes += 0 if isinstance(part, File) else len(event.data)
                if self.max_form_memory_size is not None and text_bytes > self.max_form_memory_size:
                    raise RequestEntityTooLarge
                target.write(event.data)
                if not event.more_data:
                    target.seek(0)
                    if isinstance(part, File):
                        file = FileStorage(target, part.filename, part.name, headers=part.headers)
                        files.append((part.name, file))
                    else:
                        form.append((part.name, target.read().decode(errors="replace")))
        return stream, self.cls(form), self.cls(files)

    def _file(self, part: File, content_length: int | None) -> IO[bytes]:
        kind = part.headers.get("Content-Type", "")
        return self.stream_factory(content_length, kind, part.filename, None)


def _events(stream: IO[bytes], boundary: str, max_parts: int | None) -> Iterator[Event]:
    """Yield the events of a form.

    Raises:
        ProblemError: it is no form, or it ends before its last boundary (400).
    """
    decoder = _Decoder(boundary.encode("latin-1", "replace"), max_parts=max_parts)
    try:
        while True:
            decoder.receive_data(stream.read(_READ_BYTES) or None)
            while not isinstance(event := decoder.next_event(), NeedData):
                yield event
                if isinstance(event, Epilogue):
                    return
    except ValueError:
        reason = "the form is damaged, or ends before its last boundary"
        raise ProblemError(400, f"{reason}; send it again, or the sound itself as the body") from None


class _Decoder(MultipartDecoder):
    """Decoder that knows sound by the name of its part, and names in Latin-1."""

    def next_event(self) -> Event:
        event = super().next_event()
        if isinstance(event, Field) and event.name in FILE_KEYS:
            return File(event.name, "", event.headers)
        return event

    def _parse_headers(self, data: bytes | bytearray) -> Headers:
        try:
            return super()._parse_headers(data)
        except UnicodeDecodeError:
            return super()._parse_headers(data.decode("latin-1").encode())


class UploadRequest(Request):
    """A request whose form is parsed so."""

    form_data_parser_class: Any = UploadFormParser
