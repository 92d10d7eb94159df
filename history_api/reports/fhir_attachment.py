"""Files of this site as FHIR Attachments: the sound by its address, the report by its address and as data."""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge_worker.database.recording_query import RecordingEntry
from history_api import lookup
from history_api.access.public_address import public_url
from history_api.openapi.problem import ProblemError
from history_api.reports.fhir_resource import Resource
from history_api.results.recordings import links

MAX_DATA_BYTES: Final = 1 << 20
"""A larger report is only referred to: servers refuse Bundles that are too large."""
_PDF: Final = "application/pdf"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file, with what a receiver needs to know whether it got the right one."""

    content_type: str
    url: str
    size: int | None = None
    """Bytes."""
    sha1: str | None = None
    """Base64, as Attachment.hash requires."""
    data: str | None = None
    """Base64."""

    def element(self) -> Resource:
        """Return it as a FHIR Attachment."""
        known = {"data": self.data, "url": self.url, "size": self.size, "hash": self.sha1}
        return {"contentType": self.content_type} | {k: v for k, v in known.items() if v is not None}


def audio(entry: RecordingEntry, *, with_hash: bool = True) -> Attachment | None:
    """Return the WAV file of a recording; None where it was removed.

    `with_hash` reads all of it: FHIR R4 requires SHA-1; the SHA-256 of the PCM is an identifier of the Media.
    """
    try:
        with lookup.sound(entry).open() as file:
            digest = hashlib.sha1(usedforsecurity=False)
            if with_hash:
                digest = hashlib.file_digest(file, lambda: digest)
            size = file.seek(0, 2)
    except (ProblemError, OSError):
        return None
    sha1 = base64.b64encode(digest.digest()).decode() if with_hash else None
    return Attachment("audio/wav", public_url() + links(entry)["audio"], size, sha1)


def report_address(entry: RecordingEntry) -> str:
    """Return the address of the report of a recording below that of the site."""
    return links(entry)["self"].replace("?", "/report.pdf?")


def pdf(address: str, render: Callable[[], bytes] | None = None) -> Attachment:
    """Return a report by its address on this site; with `render`, which makes it, its data as well."""
    url = public_url() + address
    if render is None:
        return Attachment(_PDF, url)
    content = render()
    sha1 = base64.b64encode(hashlib.sha1(content, usedforsecurity=False).digest()).decode()
    data = base64.b64encode(content).decode() if len(content) <= MAX_DATA_BYTES else None
    return Attachment(_PDF, url, len(content), sha1, data)
