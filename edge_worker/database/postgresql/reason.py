"""What a database says about an error, in one line, with what to do where that is known."""

from typing import Final

_HINTS: Final = (
    ("authentication failed", "correct user and password in STETHO_DATABASE_URL"),
    ("no password supplied", "give the password in STETHO_DATABASE_URL"),
    (
        "no pg_hba.conf entry",
        "let this machine connect in pg_hba.conf, with TLS (?sslmode=require) or without",
    ),
    ("SSL", "set up TLS at the server, or ?sslmode= in STETHO_DATABASE_URL"),
    ("not currently accepting", "let the database accept connections (ALTER DATABASE)"),
    ('database "', "create it, or name another one in STETHO_DATABASE_URL"),
    ("permission denied", "let the user of STETHO_DATABASE_URL own the database"),
    ("no schema has been selected", "let the user of STETHO_DATABASE_URL own the database and its schema"),
    ("too many", "raise max_connections of the server, or the limit of the user"),
    ("remaining connection slots", "raise max_connections of the server"),
    ("onnection refused", "start the server, or correct host and port in STETHO_DATABASE_URL"),
    ("timeout expired", "see that the server runs, and that this machine reaches it"),
    ("failed to resolve host", "correct the host in STETHO_DATABASE_URL"),
    ("No space left", "make room on the disk of the server"),
)
"""Parts of what a database says, and what to do."""


def reason(error: BaseException) -> str:
    """Return what the driver says, without the statement."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines() or [type(error).__name__]
    # Of several addresses of a server, the last: the first line only says that all failed.
    said = lines[-1] if "attempts failed" in lines[0] else lines[0]
    said = said.rpartition("FATAL:")[2].strip()
    hint = next((what for part, what in _HINTS if part in said), "")
    return f"{said}; {hint}" if hint else said


def said(error: BaseException) -> str:
    """Return what disk or database say in one line, without the statement."""
    return reason(error) if getattr(error, "orig", None) else str(error).split("\n", 1)[0]
