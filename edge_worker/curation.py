"""What people change in the history: reviews, deletions, retention, keys of uploads."""

from sqlalchemy import Engine


class Curation:
    """The API's writing half of the database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
