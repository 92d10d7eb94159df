"""No module goes around the store of sounds."""

import re
import subprocess
from pathlib import Path

PROJECT = Path(__file__).parents[2]
DOOR = "edge_worker/audio_store/"
PATH = re.compile(r"""/ ["']audio|["']audio/|data_dir / [\w.]*audio_file|/ ["']orphans|["']orphans/""")
"""What a path to a sound looks like, made by hand."""
MEDIA_TYPES = re.compile(r"""["']audio/(wav|\*|["'])""")


def test_no_module_goes_around_the_store_of_sounds() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "edge_worker/*.py", "history_api/*.py", "models_tflite/*.py"],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    modules = [name for name in listed.stdout.split() if not name.startswith(DOOR)]
    assert len(modules) > 300
    around = [
        f"{name}: {text.strip()}"
        for name in modules
        for text in (PROJECT / name).read_text(encoding="utf-8").splitlines()
        if PATH.search(text) and not MEDIA_TYPES.search(text)
    ]
    assert around == []
