"""How many processes a worker is where nobody says it: by cores, memory and accounts."""

import os
from pathlib import Path
from typing import Any

import pytest

from broker import provision
from edge_worker.settings import Settings
from edge_worker.upkeep.sizing.machine_share import MachineShare
from edge_worker.upkeep.sizing.process_count import ProcessCount

GIB = 2**30
CLUSTER = {"broker": "nats", "database_url": "postgresql://site"}


@pytest.mark.parametrize(
    ("machine", "accounts", "set_to", "expected"),
    [
        (MachineShare(2, 24 * GIB), "4", {}, (2, "one for each core")),
        (MachineShare(1, 24 * GIB), "4", {}, (1, "one for each core")),
        (MachineShare(64, 256 * GIB), "32", {}, (4, "more are not worth it")),
        (MachineShare(4, 906 * 2**20), "4", {}, (1, "one for each GiB of memory")),  # a Pi with 1 GB
        (MachineShare(4, 3800 * 2**20), "4", {}, (3, "one for each GiB of memory")),
        (MachineShare(4, 8 * GIB), "2", {}, (2, "provision worker --processes 4")),
        (MachineShare(4, 8 * GIB), None, {}, (1, "provision worker --processes 4")),
        (MachineShare(4, 8 * GIB), "many", {}, (1, "provision worker --processes 4")),
        (MachineShare(1, GIB), None, {"processes": 3}, (3, "STETHO_PROCESSES")),
        (MachineShare(8, 8 * GIB), "4", CLUSTER, (1, "STETHO_PROCESSES is not set")),
    ],
)
def test_cores_memory_and_accounts_bound_the_processes(
    tmp_path: Path,
    machine: MachineShare,
    accounts: str | None,
    set_to: dict[str, Any],
    expected: tuple[int, str],
) -> None:
    password = tmp_path / "password"
    password.write_text("secret\n")
    if accounts is not None:
        (tmp_path / "processes").write_text(f"{accounts}\n")
    found = ProcessCount.of(Settings(mqtt_password_file=password, **set_to), machine)
    assert found.number == expected[0]
    assert expected[1] in found.reason


def test_a_new_site_has_the_accounts_and_one_of_before_goes_on_as_it_was(tmp_path: Path) -> None:
    def count() -> int:
        settings = Settings(mqtt_password_file=tmp_path / "worker" / "password")
        return ProcessCount.of(settings, MachineShare(8, 8 * GIB)).number

    def run(*arguments: str) -> None:
        assert provision.main(["--dir", str(tmp_path), *arguments]) == 0

    run("worker")  # as long ago
    run("init")
    assert count() == 1
    run("worker", "--processes", "2")
    assert count() == 2
    run("remove", "worker")
    assert "worker" not in (tmp_path / "passwords").read_text()
    run("worker")
    assert count() == 1
    run("remove", "worker")
    run("init")
    assert count() == 4
    assert "worker-p4:" in (tmp_path / "passwords").read_text()


def test_a_control_group_may_have_less_than_the_machine(tmp_path: Path) -> None:
    own = tmp_path / "own"
    unit = tmp_path / "system.slice" / "stetho@worker.service"
    unit.mkdir(parents=True)
    machine = MachineShare(len(os.sched_getaffinity(0)), 0)
    assert MachineShare.current(tmp_path, own).cores == machine.cores, "there are no groups"
    own.write_text("1:name=systemd:/\n0::/system.slice/stetho@worker.service\n")
    (unit / "cpu.max").write_text("max 100000\n")
    (unit / "memory.max").write_text("max\n")
    (tmp_path / "system.slice" / "memory.max").write_text(f"{GIB}\n")
    assert MachineShare.current(tmp_path, own) == (machine.cores, GIB)
    (unit / "cpu.max").write_text("50000 100000\n")
    assert MachineShare.current(tmp_path, own) == (1, GIB), "half of a core is one process, too"
