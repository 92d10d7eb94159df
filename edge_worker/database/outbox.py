"""Outbox: MQTT messages saved in the transaction of their result, until the broker acknowledges them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from edge_worker.database.schema import outbox
from edge_worker.database.statements.compiled_statement import CompiledStatement

_INSERT = insert(outbox).returning(outbox.c.id, sort_by_parameter_order=True)
_INSERT_ONE = CompiledStatement(insert(outbox).returning(outbox.c.id))
_REMOVE = CompiledStatement(delete(outbox).where(outbox.c.id == bindparam("message")))


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """An MQTT message that must reach the broker, QoS 1."""

    topic: str
    payload: bytes
    retain: bool
    id: int = 0
    """Of its row; 0 until it has one."""


def add(connection: Connection, messages: Sequence[OutboxMessage]) -> list[OutboxMessage]:
    """Save messages; return them with their ids."""
    if not messages:
        return []
    rows = [{"topic": each.topic, "payload": each.payload, "retain": each.retain} for each in messages]
    if connection.dialect.name == "sqlite":  # each costs a round trip elsewhere
        ids = [_INSERT_ONE.found(connection, row)[0][0] for row in rows]
    else:
        ids = list(connection.execute(_INSERT, rows).scalars())
    return [replace(message, id=row_id) for message, row_id in zip(messages, ids, strict=True)]


def pending(connection: Connection) -> list[OutboxMessage]:
    """Return the messages that the broker has not acknowledged, oldest first."""
    rows = connection.execute(select(outbox).order_by(outbox.c.id))
    return [OutboxMessage(row.topic, row.payload, row.retain, row.id) for row in rows]


def count(connection: Connection) -> int:
    """Return how many messages the broker has not acknowledged."""
    return connection.execute(select(func.count()).select_from(outbox)).scalar_one()


def remove(connection: Connection, message_ids: Iterable[int]) -> None:
    """Delete messages: the broker has acknowledged them."""
    rows = [{"message": each} for each in message_ids]
    if rows:
        _REMOVE.run(connection, rows)
