"""torch of any torch module: a program of ``torch.export``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from evenfit.deploy.exporting.programs import check_program, load, save, trace
from evenfit.deploy.exporting.samples import Sample, output_tensors

FILE = "model.pt2"
PACKAGES = ("evenfit", "torch")


def write(module: nn.Module, sample: Sample, folder: Path, *, shapes: Any, names: tuple[list[str], list[str]]) -> str:
    """Trace, look for dropout and chance, write."""
    del names
    program = trace(module, sample.args, sample.kwargs, dynamic_shapes=shapes)
    save(program, folder / FILE)
    return check_program(program)


def opened(module: nn.Module, folder: Path) -> Callable[[Sample], Sequence[Tensor]]:
    """Load the program."""
    del module
    loaded = load(folder / FILE)
    return lambda sample: output_tensors(loaded(*sample.args, **sample.kwargs))


def example(sample: Sample, names: Sequence[str]) -> str:
    """Give Python that runs the program on zeros."""
    del names
    shown = sample.mapped(lambda leaf: _Code(leaf) if isinstance(leaf, Tensor) else leaf)
    lines = ["import torch", "", f'module = torch.export.load("{FILE}").module()']
    return "\n".join([*lines, f"print(module(*{shown.args!r}, **{dict(shown.kwargs)!r}))"])


@dataclass(frozen=True, eq=False, repr=False)
class _Code:
    """A tensor, shown as Python that makes one of zeros."""

    tensor: Tensor

    def __repr__(self) -> str:
        return f"torch.zeros({tuple(self.tensor.shape)}, dtype={self.tensor.dtype})"
