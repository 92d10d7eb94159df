"""Coverage-guided fuzzing of a reader: `fuzz_reader.py NAME [options of libFuzzer] CORPUS…`, or `--list`."""

import logging
import os
import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parent))  # its own folder, also where another starts it
with atheris.instrument_imports(include=["edge_worker", "history_api"], enable_loader_override=False):
    from readers import READERS, found_by_firmware, seed_folders


def main() -> None:
    """Fuzz until libFuzzer ends the process."""
    if sys.argv[1:] == ["--list"]:
        print(*READERS)
        return
    logging.disable()
    os.environ["PATH"] = ""  # a process of ffmpeg for each input would be all that is fuzzed
    name, *options = sys.argv[1:]
    arguments = [sys.argv[0], *options, *map(str, seed_folders(name) + found_by_firmware(name))]
    atheris.Setup(arguments, READERS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
