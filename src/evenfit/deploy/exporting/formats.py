"""Formats: what a model can be exported as; to add one, write its module and name it here."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

import numpy.typing as npt
import polars as pl

from evenfit.deploy.exporting.recipe import Recipe
from evenfit.errors import ExportError

# Its module, the one for any torch module, and the packages that it needs beside evenfit's own.
FORMATS = {
    "onnx": ("evenfit.deploy.exporting.onnx_file", "evenfit.deploy.exporting.onnx_module", ("onnx", "onnxruntime")),
    "torch": ("evenfit.deploy.exporting.torch_file", "evenfit.deploy.exporting.torch_module", ()),
    "safetensors": (
        "evenfit.deploy.exporting.safetensors_file",
        "evenfit.deploy.exporting.safetensors_module",
        (),
    ),
}


class Format(Protocol):
    """How a recipe becomes files, and how the files predict."""

    PRECISIONS: tuple[str, ...]  # of the networks, the one to try first in front
    PACKAGES: tuple[str, ...]  # whose versions matter

    def signature(self, recipe: Recipe) -> dict[str, Any]:
        """Inputs and outputs: what ``signature.json`` holds."""

    def write(self, recipe: Recipe, folder: Path, *, precision: str, facts: Mapping[str, str]) -> str:
        """Write the files, checked for dropout and chance; give what was checked, in words."""

    def opened(self, recipe: Recipe, folder: Path) -> Callable[[pl.DataFrame], npt.NDArray[Any]]:
        """Load the files: what predicts for a frame, ``[rows, outputs]``."""

    def example(self, recipe: Recipe, cells: Mapping[str, list[Any]]) -> str:
        """Python that loads the files and predicts these cells, to be run in their folder."""


def format_of(name: str) -> Format:
    """Give the format of a name.

    Raises:
        ExportError: there is none, or a package that it needs is not installed.
    """
    return cast(Format, load(name, 0))


def load(name: str, position: int) -> Any:
    """Give the module of a format, for deployed models (0) or for any torch module (1)."""
    if name not in FORMATS:
        near = difflib.get_close_matches(name.lower(), FORMATS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ExportError(f"format must be one of {', '.join(FORMATS)}; got {name!r}{hint}")
    needs = FORMATS[name][2]
    for package in needs:
        try:
            import_module(package)
        except ImportError as error:
            raise ExportError(
                f"format {name!r} needs {' and '.join(needs)}; install them with: pip install 'evenfit[onnx]'"
            ) from error
    return import_module(str(FORMATS[name][position]))
