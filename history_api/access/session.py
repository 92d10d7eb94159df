"""Cookie of a browser's session. What it opens, and whether it still does, is in the database."""

from typing import Final

COOKIE: Final = "stetho_session"
