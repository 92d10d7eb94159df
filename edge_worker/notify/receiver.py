"""A receiver of messages: a phone, a mailbox, a chat, a program; the one door to Apprise.

Addresses contain passwords, and the secret topics of ntfy. What Apprise says of a failure may contain them,
so only a status code is taken from it.
"""

import logging
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from edge_worker.notify.message import Message

if TYPE_CHECKING:  # importing it takes half a second: only what sends or checks an address does
    from apprise import AppriseAsset, AppriseResult

_PROGRAMS: Final = ("json", "jsons", "xml", "xmls", "form", "forms")
"""Receivers that take named values beside title and text."""
_NTFY: Final = ("ntfy", "ntfys")
_WITHIN_S: Final = 20.0
"""Time that a receiver has to take a message."""
_STATUS: Final = re.compile(r"error=(\d{3})\b")


def keep_secrets_out_of_logs() -> None:
    """Have no logger write but our own: those of Apprise and of HTTP clients write addresses."""
    for handler in logging.root.handlers:
        handler.addFilter(lambda record: record.name.split(".", 1)[0] in ("edge_worker", "__main__"))


def is_address(url: str) -> bool:
    """Return whether Apprise knows what to do with an address; nothing is sent."""
    from apprise import Apprise  # noqa: PLC0415 - see above

    try:
        return Apprise.instantiate(url, asset=_asset(), suppress_exceptions=True) is not None
    except Exception:  # whatever a plugin raises, its text may have the address
        return False


def send(url: str, message: Message) -> str:
    """Send a message; return why the receiver did not take it, an empty text where it did."""
    from apprise import Apprise, NotifyFormat, NotifyType  # noqa: PLC0415 - see above

    try:
        client = Apprise(asset=_asset())
        if not client.add(_with_details(url, message)):
            return "its address is not one that Apprise knows"
        kind = NotifyType.WARNING if message.severity == "finding" else NotifyType.INFO
        with client.notify(message.body, message.title, kind, body_format=NotifyFormat.TEXT) as result:
            return "" if result else _reason(result)
    except Exception as error:  # as above
        return f"it failed with {type(error).__name__}"


def _reason(result: "AppriseResult") -> str:
    for entry in result.logs():
        if status := _STATUS.search(entry.message):
            return f"it answers HTTP {status.group(1)}"
    return "it cannot be reached, or refuses the message"


def _asset() -> "AppriseAsset":
    """Return what our messages look like: without pictures, which a phone would load from elsewhere."""
    from apprise import AppriseAsset  # noqa: PLC0415 - see above

    return AppriseAsset(
        app_id="Stetho",
        app_desc="Stetho Edge",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        image_path_mask=False,
        async_mode=False,
        storage_mode="memory",
        service_timeout=_WITHIN_S,
        result_log_disk_size=0,
        secure_logging=True,
    )


def _with_details(url: str, message: Message) -> str:
    """Return an address with which a program gets named values, and a phone a link to open."""
    scheme = url.split("://", 1)[0].lower()
    if scheme in _PROGRAMS:
        extra = urlencode({f":{name}": value for name, value in message.details.items()})
    elif scheme in _NTFY and message.link:
        extra = urlencode({"click": message.link})
    else:
        return url
    return f"{url}{'&' if '?' in url else '/?' if url.count('/') == 2 else '?'}{extra}"  # noqa: PLR2004 - of `://`
