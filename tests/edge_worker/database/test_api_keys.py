"""API keys: shown once, found by their digest, invalid when they are removed."""

import sqlite3
from pathlib import Path

import pytest

from edge_worker.database.access.api_key import ApiKeyError, ApiKeys, digest
from edge_worker.database.store import Store
from edge_worker.errors import StoreError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    Store.open(f"sqlite:///{tmp_path / 'stetho.db'}").close()
    return tmp_path / "stetho.db"


@pytest.fixture
def keys(path: Path) -> ApiKeys:
    return ApiKeys(f"sqlite:///{path}")


def test_a_key_is_found_by_its_digest_until_it_is_removed(keys: ApiKeys) -> None:
    token = keys.add("bob", "owner", "st-01")
    key = keys.find(digest(token))
    assert key is not None
    assert (key.name, key.role, key.device_id) == ("bob", "owner", "st-01")
    keys.remove("bob")
    assert keys.find(digest(token)) is None
    assert keys.all() == []


def test_keys_differ_and_are_listed_by_name(keys: ApiKeys) -> None:
    tokens = {keys.add(name, "operator") for name in ("bob", "ann")}
    assert len(tokens) == 2
    assert all(len(token) >= 43 for token in tokens), "256 bits"
    assert [key.name for key in keys.all()] == ["ann", "bob"]


def test_the_database_does_not_hold_the_key(keys: ApiKeys, path: Path) -> None:
    token = keys.add("ann", "admin")
    with sqlite3.connect(path) as connection:
        rows = str(connection.execute("SELECT * FROM api_keys").fetchall())
    assert digest(token) in rows
    assert token not in rows
    assert keys.find(token) is None


def test_a_new_key_is_not_the_removed_one_of_that_name(keys: ApiKeys) -> None:
    removed = keys.add("ann", "admin")
    keys.remove("ann")
    keys.add("ann", "admin")  # SQLite gives it the same id
    assert keys.find(digest(removed)) is None


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
def test_an_invalid_key_is_refused(keys: ApiKeys, name: str, role: str, device: str | None) -> None:
    keys.add("ann", "admin")
    with pytest.raises(ApiKeyError):
        keys.add(name, role, device)  # type: ignore[arg-type]
    assert [key.name for key in keys.all()] == ["ann"]


def test_a_key_cannot_be_removed_twice(keys: ApiKeys) -> None:
    with pytest.raises(ApiKeyError, match="key list"):
        keys.remove("ann")


def test_a_missing_database_is_an_error_and_is_not_created(tmp_path: Path) -> None:
    keys = ApiKeys(f"sqlite:///{tmp_path / 'stetho.db'}")
    with pytest.raises(StoreError, match="start the worker"):
        keys.add("ann", "admin")
    assert not (tmp_path / "stetho.db").exists()
    Store.open(f"sqlite:///{tmp_path / 'stetho.db'}").close()
    keys.add("ann", "admin")


def test_a_missing_table_is_a_short_error(keys: ApiKeys, path: Path) -> None:
    keys.all()
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE api_keys")
    with pytest.raises(StoreError, match="the keys cannot be reached"):
        keys.find("0" * 64)
