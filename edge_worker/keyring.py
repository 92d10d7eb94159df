"""Who may use the API: keys, kept as digests, and their roles."""

from sqlalchemy import Engine


class Keyring:
    """The keys of the API."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
