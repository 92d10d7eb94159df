"""Reading of a model.bin of CTranslate2."""

import struct

import numpy as np
import pytest

from models_tflite.training.teachers.ctranslate2_file import FormatError, read_weights


def text(value: str) -> bytes:
    return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"


def variable(name: str, array: np.ndarray[tuple[int, ...], np.dtype[np.float16]]) -> bytes:
    shape = b"".join(struct.pack("<I", size) for size in array.shape)
    return (
        text(name) + struct.pack("<B", array.ndim) + shape + struct.pack("<BI", 4, array.nbytes)
    ) + array.tobytes()


def model_bin(*variables: bytes) -> bytes:
    return struct.pack("<I", 6) + text("Spec") + struct.pack("<II", 3, len(variables)) + b"".join(variables)


MATRIX = np.arange(6, dtype=np.float16).reshape(2, 3)


def test_arrays_of_the_prefix_are_read_in_their_shape() -> None:
    weights = read_weights(
        model_bin(variable("decoder/a", MATRIX), variable("encoder/b", -MATRIX)), "encoder/"
    )

    assert list(weights) == ["b"]
    assert weights["b"].dtype == np.float32
    np.testing.assert_array_equal(weights["b"], -MATRIX)


@pytest.mark.parametrize(
    "content", [b"", struct.pack("<I", 5), model_bin(variable("encoder/b", MATRIX))[:-1]], ids=len
)
def test_another_version_and_a_content_that_ends_too_early_are_refused(content: bytes) -> None:
    with pytest.raises(FormatError):
        read_weights(content, "encoder/")


def test_a_shape_that_does_not_fit_is_refused() -> None:
    content = model_bin(variable("encoder/b", MATRIX)).replace(struct.pack("<I", 3) + b"\4", b"\4\0\0\0\4")

    with pytest.raises(FormatError, match="b has another size"):
        read_weights(content, "encoder/")
