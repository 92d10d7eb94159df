"""Command `stetho explain`: occlusion map of a file, as JSON and as a picture."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import wav_files

from models_tflite.explain import main


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    time = np.arange(16_000) / 4000
    beat = 0.5 * np.exp(-(time % 0.8) / 0.05) * np.sin(2 * np.pi * 60 * time)
    path = tmp_path / "beat.wav"
    wav_files.write(path, (beat * 32767).astype("<i2").tobytes(), 4000, 1)
    return path


def test_a_file_is_explained_as_json_and_as_a_picture(
    sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["heart2", str(sound)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["model"] == "heart2"
    assert len(document["drop"]) == len(document["time_edges_s"]) - 1
    assert len(document["drop"][0]) == len(document["hz_edges"]) - 1

    assert main(["heart2", str(sound), "--label", "abnormal", "--svg", str(tmp_path / "why.svg")]) == 0
    assert "Abnormal" in "".join(ET.parse(tmp_path / "why.svg").getroot().itertext())  # noqa: S314


def test_wrong_input_gets_one_sentence(
    sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = {
        "does not have the label 'music'": ["heart2", str(sound), "--label", "music"],
        "heart9.json cannot be read": ["heart9", str(sound)],
        "gone.wav is missing": ["heart2", str(tmp_path / "gone.wav")],
        "No such file or directory": ["heart2", str(sound), "--svg", str(tmp_path / "gone" / "x.svg")],
    }
    for sentence, arguments in wrong.items():
        assert main(arguments) == 2
        assert sentence in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["heart2"])
    assert "one of the two" in capsys.readouterr().err
