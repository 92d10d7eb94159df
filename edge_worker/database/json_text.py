"""Column of a document that is kept as the text in which it was published."""

from sqlalchemy import Dialect, Text, TypeDecorator

from edge_worker.protocol import strict_json


class JsonText(TypeDecorator[str]):
    """A document as it is published, JSON text; one of an earlier version is read as today's are written."""

    impl = Text
    cache_ok = True

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Return a document from the database as strict JSON."""
        return None if value is None else strict_json.rewrite(value)
