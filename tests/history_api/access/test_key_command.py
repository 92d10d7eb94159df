"""The command `stetho key` as a process."""

import os
import subprocess
import sys
from pathlib import Path

from archive import Archive

from edge_worker.database.access.api_key import ApiKeys, digest


def run(data_dir: Path, *arguments: str, database: str = "") -> "subprocess.CompletedProcess[str]":
    own = {name: value for name, value in os.environ.items() if not name.startswith("STETHO_")}
    return subprocess.run(
        [sys.executable, "-m", "history_api", "key", *arguments],
        env=own | {"STETHO_DATA_DIR": str(data_dir), "STETHO_DATABASE_URL": database},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_a_key_is_printed_once_and_can_be_removed(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    database = archive.settings.database_url
    added = run(tmp_path, "add", "bob", "--role", "owner", "--device", "st-01", database=database)
    token = added.stdout.strip()
    key = ApiKeys(archive.settings.database).find(digest(token))
    assert (key.name, key.device_id) == ("bob", "st-01") if key else False
    listed = run(tmp_path, "list", database=database).stdout
    assert listed.startswith("bob\towner\tst-01\t")
    assert token not in listed
    assert run(tmp_path, "remove", "bob", database=database).returncode == 0
    assert run(tmp_path, "list", database=database).stdout == ""


def test_a_failure_is_reported_in_one_sentence(tmp_path: Path) -> None:
    refused = run(tmp_path, "add", "bob", "--role", "admin")
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert "start the worker" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_help_has_examples(tmp_path: Path) -> None:
    shown = run(tmp_path, "--help").stdout
    assert shown.startswith("usage: stetho key")
    assert "stetho key add bob --role owner --device st-01" in shown
