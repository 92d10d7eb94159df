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
    """Interpreter of a model with one input and one output tensor. Not thread-safe."""

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
            self._output = self._interpreter.get_output_details()[0]
            self.input_shape = _shape(self._input)
            self.output_shape = _shape(self._output)
            self._check_types()
            self.run(np.zeros((1, *self.input_shape), dtype=np.float32))
        except (ValueError, RuntimeError) as error:
            reason = str(error).split("\n", 1)[0]
            raise ModelError(f"does not load ({reason}): copy it again") from error

    def run(self, inputs: Float32Array) -> Float32Array:
        """Return the outputs (n, *output_shape) of inputs (n, *input_shape), one invocation each."""
        quantised = _quantise(inputs, self._input)
        outputs = np.empty((len(inputs), *self.output_shape), dtype=self._output["dtype"])
        for index in range(len(quantised)):
            self._interpreter.set_tensor(self._input["index"], quantised[index : index + 1])
            self._interpreter.invoke()
            outputs[index] = self._interpreter.get_tensor(self._output["index"])[0]
        return _dequantise(outputs, self._output)

    def _check_types(self) -> None:
        for tensor in (self._input, self._output):
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
