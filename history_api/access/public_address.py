"""Address at which people and programs outside reach the API: that of the settings, else of the request."""

from urllib.parse import urlsplit

from flask import request

from history_api.services import services


def public_url() -> str:
    """Return the address before every path of ours, without a slash at its end.

    A path below it is `public_url() + "/api/v1/results"`; it contains the prefix of a proxy.
    """
    return services().settings.api_public_url.rstrip("/") or request.root_url.rstrip("/")


def public_origin() -> str | None:
    """Return the origin that a browser names when it uses the address of the settings; None without one."""
    url = urlsplit(services().settings.api_public_url)
    return f"{url.scheme}://{url.netloc}".lower() if url.netloc else None
