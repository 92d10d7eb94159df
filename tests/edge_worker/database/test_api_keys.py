"""Keys: made once, known by their digest, gone when they are removed."""

import sqlite3
from pathlib import Path

import pytest

from edge_worker.database.api_key import ApiKeyError, ApiKeys, digest
from edge_worker.database.store import Store
from edge_worker.errors import StoreError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    Store.open(f"sqlite:///{tmp_path / 'stetho.db'}").close()
    return tmp_path / "stetho.db"


@pytest.fixture
def keyring(path: Path) -> ApiKeys:
    return ApiKeys(f"sqlite:///{path}")


def test_a_key_is_found_by_its_digest_until_it_is_removed(keyring: ApiKeys) -> None:
    token = keyring.add("bob", "owner", "st-01")
    key = keyring.find(digest(token))
    assert key is not None
    assert (key.name, key.role, key.device_id) == ("bob", "owner", "st-01")
    keyring.remove("bob")
    assert keyring.find(digest(token)) is None
    assert keyring.all() == []


def test_keys_differ_and_are_listed_by_name(keyring: ApiKeys) -> None:
    tokens = {keyring.add(name, "operator") for name in ("bob", "ann")}
    assert len(tokens) == 2
    assert all(len(token) >= 43 for token in tokens), "256 bits"
    assert [key.name for key in keyring.all()] == ["ann", "bob"]


def test_the_database_does_not_hold_the_key(keyring: ApiKeys, path: Path) -> None:
    token = keyring.add("ann", "admin")
    with sqlite3.connect(path) as connection:
        rows = str(connection.execute("SELECT * FROM api_keys").fetchall())
    assert digest(token) in rows
    assert token not in rows
    assert keyring.find(token) is None


def test_a_key_that_is_made_later_is_not_one_that_was_removed(keyring: ApiKeys) -> None:
    removed = keyring.add("ann", "admin")
    keyring.remove("ann")
    keyring.add("ann", "admin")  # SQLite gives it the same id
    assert keyring.find(digest(removed)) is None


@pytest.mark.parametrize(
    ("name", "role", "device"),
    [
        ("ann", "operator", None),
        ("", "operator", None),
        ("a\nb", "operator", None),
        ("a" * 65, "operator", None),
        ("../x", "operator", None),
        ("bob", "owner", None),
        ("bob", "operator", "st-01"),
        ("bob", "owner", "ST 01"),
        ("bob", "owner", "../st-01"),
        ("bob", "root", None),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(
    keyring: ApiKeys, name: str, role: str, device: str | None
) -> None:
    keyring.add("ann", "admin")
    with pytest.raises(ApiKeyError):
        keyring.add(name, role, device)  # type: ignore[arg-type]
    assert [key.name for key in keyring.all()] == ["ann"]


def test_nobody_can_be_removed_twice(keyring: ApiKeys) -> None:
    with pytest.raises(ApiKeyError, match="key list"):
        keyring.remove("ann")


def test_without_a_database_it_says_what_to_do_and_makes_none(tmp_path: Path) -> None:
    keyring = ApiKeys(f"sqlite:///{tmp_path / 'stetho.db'}")
    with pytest.raises(StoreError, match="start the worker"):
        keyring.add("ann", "admin")
    assert not (tmp_path / "stetho.db").exists()
    Store.open(f"sqlite:///{tmp_path / 'stetho.db'}").close()
    keyring.add("ann", "admin")


def test_a_table_that_is_gone_is_one_sentence(keyring: ApiKeys, path: Path) -> None:
    keyring.all()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE api_keys")
    with pytest.raises(StoreError, match="the keys cannot be reached"):
        keyring.find("0" * 64)
