"""Modules: any torch module as files for other programs, in evaluation mode, its dropout folded or gone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from evenfit.deploy.exporting.card import FILE as CARD_FILE
from evenfit.deploy.exporting.card import Card, card_text, plain
from evenfit.deploy.exporting.checking import difference
from evenfit.deploy.exporting.exported import Check, Exported
from evenfit.deploy.exporting.formats import load
from evenfit.deploy.exporting.place import check_free, new_folder
from evenfit.deploy.exporting.samples import BATCH, Sample, batch_shapes, input_names, make_sample, output_tensors
from evenfit.errors import ExportError
from evenfit.regularize.dropout.modules import DropoutLayer
from evenfit.regularize.folding.fold import fold_dropout

SIGNATURE = "signature.json"
# Allowed relative to an output's size, or to the median size where that is more; by its least precise floating type.
_ALLOWED = {torch.float64: 1e-9, torch.float32: 1e-4, torch.float16: 2e-2, torch.bfloat16: 1e-1}


class ModuleFormat(Protocol):
    """How a module becomes files, and how the files are called."""

    PACKAGES: tuple[str, ...]  # whose versions matter

    def write(self, module: nn.Module, sample: Sample, folder: Path, *, shapes: Any, names: Names) -> str:
        """Write the files, checked for dropout and chance; give what was checked, in words."""

    def opened(self, module: nn.Module, folder: Path) -> Callable[[Sample], Sequence[Tensor]]:
        """Load the files: what gives the outputs for a sample."""

    def example(self, sample: Sample, names: Sequence[str]) -> str:
        """Python that loads the files and calls them with zeros, to be run in their folder."""


Names = tuple[list[str], list[str]]  # of inputs, of outputs


def export_module(
    module: object, sample: Any, *, format: str, path: Path, card: Card | None, dynamic_shapes: Any
) -> Exported:
    """Write a module to a new folder and check it on its sample; see `export`."""
    if not isinstance(module, nn.Module):
        hint = "; give its model_" if hasattr(module, "model_") else ""
        raise ExportError(
            f"model must be a run's model (evenfit.load_model) or a torch module, got {type(module).__name__}{hint}"
        )
    target = cast(ModuleFormat, load(format, 1))
    check_free(path)
    given = make_sample(module, sample)
    _check_ready(module)
    batches = [given]
    if dynamic_shapes is None:
        batches = [given.resized(rows) for rows in sorted({given.rows, 1, 2, given.rows + 3})]
    with evaluation(module), torch.no_grad():
        _called(module, given, usual=True)  # first: if it fails, that is not the batch's fault
        wanted = [_called(module, batch, usual=False) for batch in batches]
        still = without_dropout(module, sample)
        traced = (
            given if given.rows > 1 or dynamic_shapes is not None else given.resized(2)
        )  # of 1, torch makes a constant
        shapes = batch_shapes(module, traced) if dynamic_shapes is None else dynamic_shapes
        names = (input_names(module, given), _output_names(len(wanted[0])))
        with evaluation(still), new_folder(path) as folder:
            graph = target.write(still, traced, folder, shapes=shapes, names=names)
            run = target.opened(still, folder)
            check = _compared(format, wanted, [run(batch) for batch in batches], batches)
            signature = _signature(
                format, given, list(zip(*wanted, strict=True)), names, dynamic=dynamic_shapes is None
            )
            example = target.example(given.resized(2) if dynamic_shapes is None else given, names[0])
            _describe(folder, card or _card(module), signature, check, graph, example=example, packages=target.PACKAGES)
            sizes = {file.name: file.stat().st_size for file in sorted(folder.iterdir())}
    notes = ("its dropout of the original form was folded into the weights",) if still is not module else ()
    return Exported(folder=path, format=format, files=sizes, signature=signature, check=check, notes=notes)


def without_dropout(module: nn.Module, sample: Any) -> nn.Module:
    """Give a module that has no dropout of the original form: a folded copy if it has one, else itself.

    Raises:
        FoldError: it cannot be folded exactly; the message names the layer and the reason.
    """
    scaled = any(
        isinstance(layer, DropoutLayer) and layer.form == "original" and layer.rate > 0 for layer in module.modules()
    )
    return fold_dropout(module, sample) if scaled else module


@contextmanager
def evaluation(module: nn.Module) -> Iterator[None]:
    """Put a module into evaluation mode, and every layer back as it was in the end."""
    before = [(layer, layer.training) for layer in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for layer, training in before:
            layer.training = training


def _check_ready(module: nn.Module) -> None:
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if is_lazy(tensor):
            raise ExportError(f"{name} has no shape yet: run the module on one batch before it is exported")


def _compared(
    name: str, wanted: Sequence[Sequence[Tensor]], found: Sequence[Sequence[Tensor]], batches: Sequence[Sample]
) -> Check:
    """Compare the outputs of all batches.

    Raises:
        ExportError: they differ by more than is allowed.
    """
    floating = {tensor.dtype for outputs in wanted for tensor in outputs if tensor.is_floating_point()}
    floating |= {tensor.dtype for batch in batches for tensor in batch.tensors if tensor.is_floating_point()}
    allowed = max((_ALLOWED.get(dtype, 1e-4) for dtype in floating), default=0.0)
    greatest = 0.0
    for one, other in zip(wanted, found, strict=True):
        if len(one) != len(other):
            raise ExportError(
                f"the {name} file gives {len(other)} outputs, and the module {len(one)}; nothing was kept"
            )
        greatest = max(
            [greatest, *(_apart(first, second) for first, second in zip(one, other, strict=True))],
        )
    sizes = ", ".join(str(batch.rows) for batch in batches)
    check = Check(
        rows=f"the sample, as batches of {sizes}",
        what="outputs, relative to their size,",
        difference=greatest,
        allowed=allowed,
        precision=", ".join(sorted(str(dtype).removeprefix("torch.") for dtype in floating)) or "whole numbers",
    )
    if not greatest <= allowed:
        raise ExportError(f"the {name} file does not give what the module gives: {check.text()}; nothing was kept")
    return check


def _apart(wanted: Tensor, found: Tensor) -> float:
    """Give how far apart outputs are, relative to their size; numbers that are not finite must be the same."""
    one, other = (tensor.cpu().to(torch.float64) for tensor in (wanted, found))
    if one.shape != other.shape:
        return float("inf")
    finite = torch.isfinite(one)
    same = torch.equal(torch.nan_to_num(one[~finite], nan=7.0), torch.nan_to_num(other[~finite], nan=7.0))
    if not same or not torch.equal(finite, torch.isfinite(other)):
        return float("inf")
    return difference(one[finite].numpy(), other[finite].numpy(), relative=True)


def _called(module: nn.Module, sample: Sample, *, usual: bool) -> list[Tensor]:
    """Call the module.

    Raises:
        ExportError: it fails, on its own sample (``usual``) or on a batch of another size.
    """
    try:
        return output_tensors(module(*sample.args, **sample.kwargs))
    except ExportError:
        raise
    except Exception as error:  # whatever a user's module raises
        name, reason = type(module).__name__, " ".join(str(error).split())[:300]
        if usual:
            raise ExportError(f"{name} fails on its sample: {reason}") from error
        raise ExportError(
            f"{name} takes its sample, but fails on {sample.rows} rows of it ({reason}); "
            "to export it for batches of the sample's size alone, give dynamic_shapes={}"
        ) from error


def _output_names(count: int) -> list[str]:
    return ["output"] if count == 1 else [f"output_{number}" for number in range(count)]


def _signature(
    name: str, sample: Sample, outputs: Sequence[Sequence[Tensor]], names: Names, *, dynamic: bool
) -> dict[str, Any]:
    """Say what goes in and what comes out; ``outputs`` holds each output for all batches."""
    inputs = []
    for called, tensor in zip(names[0], sample.tensors, strict=True):
        varying = dynamic and sample.varies(tensor)
        inputs.append(_value(called, tensor, [BATCH, *tensor.shape[1:]] if varying else list(tensor.shape)))
    made = []
    for called, tensors in zip(names[1], outputs, strict=True):
        lengths = zip(*(tensor.shape for tensor in tensors), strict=True)
        made.append(_value(called, tensors[0], [one[0] if len(set(one)) == 1 else BATCH for one in lengths]))
    return {"format": name, "inputs": inputs, "outputs": made}


def _value(name: str, tensor: Tensor, shape: list[Any]) -> dict[str, Any]:
    return {"name": name, "type": str(tensor.dtype).removeprefix("torch."), "shape": shape}


def _describe(
    folder: Path,
    card: Card,
    signature: Mapping[str, Any],
    check: Check,
    graph: str,
    *,
    example: str,
    packages: Sequence[str],
) -> None:
    """Write the signature and the card."""
    (folder / SIGNATURE).write_text(json.dumps(signature, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    files = sorted(file.name for file in folder.iterdir())
    text = card_text(
        card, signature=signature, files=files, check=check, graph=graph, example=example, packages=packages
    )
    (folder / CARD_FILE).write_text(text, encoding="utf-8", errors="replace")


def _card(module: nn.Module) -> Card:
    """Give what is known of any module."""
    weights = sum(parameter.numel() for parameter in module.parameters())
    return Card(
        title=type(module).__name__,
        config=(
            f"A torch module, {plain(type(module).__name__)}, with {weights:,} parameters, in evaluation mode.",
            "Dropout acted in training alone: there is none in the file.",
        ),
    )
