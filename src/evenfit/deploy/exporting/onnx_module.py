"""ONNX of any torch module, by torch's exporter."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import torch
from torch import Tensor, nn
from torch.export import ExportedProgram

from evenfit.deploy.exporting.programs import trace
from evenfit.deploy.exporting.randomness import check_graph
from evenfit.deploy.exporting.samples import Sample
from evenfit.errors import ExportError

FILE = "model.onnx"
PACKAGES = ("evenfit", "onnx", "onnxruntime", "onnxscript", "torch")
_MOST_BYTES = 1_800_000_000  # in one file, which protobuf limits to 2 GB; beyond, weights lie beside it


def write(module: nn.Module, sample: Sample, folder: Path, *, shapes: Any, names: tuple[list[str], list[str]]) -> str:
    """Trace, convert, look for dropout and chance, write."""
    if any(tensor.dtype == torch.bfloat16 for tensor in (*sample.tensors, *module.state_dict().values())):
        raise ExportError("onnxruntime in Python takes no bfloat16: export module.float() with a float sample")
    program = trace(module, sample.args, sample.kwargs, dynamic_shapes=shapes)
    made = _converted(program, names, of=type(module).__name__)
    size = sum(tensor.numel() * tensor.element_size() for tensor in program.state_dict.values())
    made.save(str(folder / FILE), external_data=size > _MOST_BYTES)
    return check_graph(onnx.load(folder / FILE, load_external_data=False))


def opened(module: nn.Module, folder: Path) -> Callable[[Sample], Sequence[Tensor]]:
    """Load the file with onnxruntime."""
    try:
        session = onnxruntime.InferenceSession(folder / FILE, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions have no common kind
        raise ExportError(f"onnxruntime cannot load {type(module).__name__}: {_line(error)}") from error
    names = [value.name for value in session.get_inputs()]

    def run(sample: Sample) -> list[Tensor]:
        arrays = [tensor.detach().cpu().numpy() for tensor in sample.tensors]
        return [torch.from_numpy(output) for output in session.run(None, dict(zip(names, arrays, strict=True)))]

    return run


def example(sample: Sample, names: Sequence[str]) -> str:
    """Give Python that runs the file on zeros."""
    lines = ["import numpy as np", "import onnxruntime", "", f'session = onnxruntime.InferenceSession("{FILE}")']
    lines += ["inputs = {"]
    for name, tensor in zip(names, sample.tensors, strict=True):
        dtype = str(tensor.dtype).removeprefix("torch.")
        lines.append(f'    {json.dumps(name)}: np.zeros({tuple(tensor.shape)}, "{dtype}"),')
    return "\n".join([*lines, "}", "print(session.run(None, inputs))"])


def _converted(program: ExportedProgram, names: tuple[list[str], list[str]], *, of: str) -> Any:
    """Convert; where an operator has no counterpart, once more with operators taken apart."""
    quiet = logging.getLogger("torch.onnx")
    level = quiet.level
    quiet.setLevel(logging.ERROR)  # it warns of packages that are not installed
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch's own, about its own parts
            try:
                return _convert(program, names)
            except Exception:  # noqa: BLE001 - whatever it was, simpler operators may do
                return _convert(program.run_decompositions(), names)
    except Exception as error:
        raise ExportError(f"{of} cannot be written as ONNX: {_line(error)}") from error
    finally:
        quiet.setLevel(level)


def _convert(program: ExportedProgram, names: tuple[list[str], list[str]]) -> Any:
    return torch.onnx.export(
        program, dynamo=True, verbose=False, input_names=names[0], output_names=names[1], external_data=False
    )


def _line(error: BaseException) -> str:
    """The first cause, in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__
