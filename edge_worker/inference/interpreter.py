"""TFLite interpreter of a quantised model; no other module imports the TFLite runtime.

The runtime is LiteRT or, on boards that have no other, tflite-runtime; both give the same results.
"""

from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import numpy.typing as npt

from edge_worker.errors import ModelError
from edge_worker.signal.arrays import Float32Array

try:
    from ai_edge_litert.interpreter import Interpreter
except ImportError:
    from tflite_runtime.interpreter import Interpreter

_DTYPES = (np.int8, np.uint8, np.float32)


class ModelInterpreter:
    """Interpreter of a model with one input and one or more output tensors. Not thread-safe."""

    def __init__(self, content: bytes) -> None:
        """Allocate the tensors of a .tflite file, given as bytes, and run it once on zeros.

        Raises:
            ModelError: the runtime cannot read or run it; the message is a predicate, for a caller that knows
                the name of the model.
        """
        try:
            self._interpreter = Interpreter(model_content=content, num_threads=1)
            self._interpreter.allocate_tensors()
            self._input = self._interpreter.get_input_details()[0]
            self._outputs = self._interpreter.get_output_details()
            self.input_shape = _shape(self._input)
            self.output_shapes = tuple(_shape(output) for output in self._outputs)
            self._check_types()
            self.run(np.zeros((1, *self.input_shape), dtype=np.float32))
        except (ValueError, RuntimeError) as error:
            reason = str(error).split("\n", 1)[0]
            raise ModelError(f"does not load ({reason}): copy it again") from error

    def run(self, inputs: Float32Array) -> Float32Array:
        """Return the first output of inputs (n, *input_shape), (n, *output_shapes[0])."""
        return self.run_all(inputs)[0]

    def run_all(self, inputs: Float32Array) -> list[Float32Array]:
        """Return every output of inputs (n, *input_shape), in the order of `output_shapes`."""
        quantised = _quantise(inputs, self._input)
        raw = [
            np.empty((len(inputs), *shape), dtype=output["dtype"])
            for output, shape in zip(self._outputs, self.output_shapes, strict=True)
        ]
        for index in range(len(quantised)):
            self._interpreter.set_tensor(self._input["index"], quantised[index : index + 1])
            self._interpreter.invoke()
            for values, output in zip(raw, self._outputs, strict=True):
                values[index] = self._interpreter.get_tensor(output["index"])[0]
        return [_dequantise(values, output) for values, output in zip(raw, self._outputs, strict=True)]

    def _check_types(self) -> None:
        for tensor in (self._input, *self._outputs):
            if tensor["dtype"] not in _DTYPES:
                raise ModelError(f"has tensors of {tensor['dtype']}: convert it to int8")


def runtime_name() -> str:
    """Return the name and version of the TFLite runtime in use."""
    package = "ai-edge-litert" if Interpreter.__module__.startswith("ai_edge_litert") else "tflite-runtime"
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return package


def _shape(tensor: dict[str, Any]) -> tuple[int, ...]:
    """Return the shape of a tensor without its batch dimension."""
    return tuple(int(size) for size in tensor["shape"][1:])


def _quantise(values: Float32Array, tensor: dict[str, Any]) -> npt.NDArray[Any]:
    """Return values in the type of a tensor; they are clipped, because a cast to int8 wraps around."""
    dtype = tensor["dtype"]
    if dtype == np.float32:
        return values
    scale, zero_point = tensor["quantization"]
    limits = np.iinfo(dtype)
    steps = values / np.float32(scale)
    steps += np.float32(zero_point)
    np.rint(steps, out=steps)
    return steps.clip(limits.min, limits.max, out=steps).astype(dtype)


def _dequantise(values: npt.NDArray[Any], tensor: dict[str, Any]) -> Float32Array:
    if tensor["dtype"] == np.float32:
        return values
    scale, zero_point = tensor["quantization"]
    real: Float32Array = (values.astype(np.float32) - zero_point) * np.float32(scale)
    return real
