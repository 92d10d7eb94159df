"""Every reader on its seeds, and on seeds with errors, the same in each run; `make fuzz` searches further."""

import random
import re
import subprocess
from pathlib import Path

import pytest
from readers import PROJECT, READERS, SEEDS, seed_folders

MUTATIONS = 60


def seeds(name: str) -> list[bytes]:
    return [path.read_bytes() for folder in seed_folders(name) for path in sorted(folder.iterdir())]


def mutated(seed: bytes, chance: random.Random) -> bytes:
    """Return a seed with some bytes changed, cut, or repeated."""
    content = bytearray(seed)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(content) + 1)
        kind = chance.randrange(3)
        if kind == 0:
            content[at : at + 1] = chance.randbytes(1)
        elif kind == 1:
            del content[at : at + chance.randint(1, 8)]
        else:
            content[at:at] = content[max(0, at - chance.randint(1, 64)) : at]
    return bytes(content)


@pytest.mark.parametrize("name", READERS)
def test_a_reader_takes_or_refuses_whatever_comes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")  # no process of ffmpeg for each
    known = seeds(name)
    assert len(known) >= 4
    chance = random.Random(name)
    for content in [*known, *(mutated(chance.choice(known), chance) for _ in range(MUTATIONS)), b""]:
        READERS[name](content)


def test_seeds_are_files_of_the_repository() -> None:
    """What a fuzzer finds comes and goes while it runs, beside these tests."""
    listing = ["git", "ls-files", "-z"]
    listed = subprocess.run(listing, cwd=PROJECT, capture_output=True, text=True, check=True)
    known = {PROJECT / each for each in listed.stdout.split("\0")}
    used = {path for name in READERS for folder in seed_folders(name) for path in folder.iterdir()}
    assert used
    assert used <= known


def test_every_folder_of_seeds_is_used() -> None:
    used = {each for folders in SEEDS.values() for each in folders}
    assert {path.name for path in (PROJECT / "tests/fuzz/corpus").iterdir()} <= used


def test_the_script_names_every_reader(tmp_path: Path) -> None:
    """With a stand-in for the fuzzer, which is not installed here: `make test` runs the real one."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\n[ "$2" != --list ] || echo {" ".join(READERS)}\n')
    python.chmod(0o755)
    done = subprocess.run(
        [PROJECT / "tests/fuzz/fuzz.sh", python, "1"], capture_output=True, text=True, check=True
    )
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == list(READERS)


def test_each_reader_has_its_share_of_the_time() -> None:
    """`make fuzz SECONDS=60` takes 60 s: the Makefile divides by the number of readers."""
    of_firmware = list((PROJECT / "firmware/tests/fuzz").glob("*_fuzz.cpp"))
    share = re.search(r"^FUZZ_EACH_S = .* / (\d+)\)$", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    assert share is not None
    assert int(share[1]) == len(READERS) + len(of_firmware)
