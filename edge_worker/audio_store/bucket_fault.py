"""What an S3-compatible store answers, as one sentence that says what to do."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from obstore.exceptions import BaseError

from edge_worker.errors import AudioAwayError, AudioStoreError

_STATUS: Final = re.compile(r"status code: (\d{3})")
_CODE: Final = re.compile(r"<Code>(\w+)</Code>")
_CREDENTIALS: Final = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken"}
_FULL: Final = re.compile("Quota|StorageFull|InsufficientStorage|NoSpace")
_NOT_FOUND, _INSUFFICIENT_STORAGE, _SERVER_ERRORS = 404, 507, 500
_FORBIDDEN: Final = (401, 403)
_METADATA_SERVICE: Final = "169.254.169.254"
"""Asked for credentials on a machine of Amazon's, and on any other one that has none."""
_ASKS_FOR_CREDENTIALS: Final = (
    "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or STETHO_AUDIO_SECRET_FILE"
)


@contextmanager
def sentences(place: str) -> Iterator[None]:
    """Raise what a store refuses as AudioStoreError, in a sentence about the sounds at `place`.

    That there is no such object stays FileNotFoundError; that there is no bucket does not.
    """
    try:
        yield
    except FileNotFoundError as error:
        if "NoSuchBucket" not in str(error):
            raise
        raise fault_of(str(error), place) from error
    except BaseError as error:
        raise fault_of(str(error), place) from error


def fault_of(answer: str, place: str) -> AudioStoreError:
    """Return the sentence for an answer of the library, which quotes that of the store."""
    if _METADATA_SERVICE in answer:
        return AudioStoreError(f"there are no credentials for {place}: {_ASKS_FOR_CREDENTIALS}")
    found = _STATUS.search(answer)
    if found is None:
        return AudioAwayError(f"{place} cannot be reached ({_reason(answer)}); recordings wait until it can")
    status, code = int(found[1]), (_CODE.search(answer) or ["", f"HTTP {found[1]}"])[1]
    is_full = status == _INSUFFICIENT_STORAGE or _FULL.search(code) is not None
    if status >= _SERVER_ERRORS and not is_full:
        return AudioAwayError(f"{place} fails ({code}); recordings wait until it works")
    rules = (
        (is_full, "is full: make room there, or raise its quota"),
        (code in _CREDENTIALS, f"refuses the credentials: {_ASKS_FOR_CREDENTIALS}"),
        (code == "RequestTimeTooSkewed", "refuses the time of this machine: set its clock"),
        (status in _FORBIDDEN, "forbids it: allow this account to list, get, put and delete objects there"),
        (status == _NOT_FOUND, "does not exist: make the bucket, or correct STETHO_AUDIO_URL"),
        (True, "refuses: look into the log of the store"),
    )
    predicate = next(text for holds, text in rules if holds)
    return AudioStoreError(f"{place} {predicate} ({code})")


def _reason(answer: str) -> str:
    """Return why a request had no answer, in a few words."""
    if "certificate" in answer:
        return "its certificate is not trusted: AWS_CA_BUNDLE names the CA's"
    if "kind: Timeout" in answer or "TimedOut" in answer:
        return "it does not answer in time"
    return "no connection" if "kind: Connect" in answer else "the connection broke"
