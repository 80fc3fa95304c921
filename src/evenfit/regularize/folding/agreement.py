"""Agreement of a folded model with scaled inference, on a sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from evenfit.errors import FoldError
from evenfit.regularize.folding.layers import described
from evenfit.regularize.folding.shapes import Sample
from evenfit.regularize.folding.sketch import sketched

TOLERANCE = 1e-3  # of the largest output: more than rounding, less than any scale; half precision has 50 times that


@torch.no_grad()
def check_on(sample: Sample, model: nn.Module, folded: nn.Module) -> None:
    """Compare the folded model with the given one on a sample.

    Raises:
        FoldError: they differ by more than rounding: the forward does something that the trace has not seen.
    """
    original = _outputs(sketched(model), sample)
    for wanted, came in zip(original, _outputs(sketched(folded), sample), strict=True):
        size = float(wanted.abs().max()) if wanted.numel() else 0.0
        tolerance = TOLERANCE * (1 if torch.finfo(wanted.dtype).bits > 16 else 50)
        difference = float((wanted - came).abs().nan_to_num().max()) if wanted.numel() else 0.0
        if difference > tolerance * max(size, torch.finfo(wanted.dtype).tiny):
            raise FoldError(
                f"cannot fold the dropout of {described('', model)}: on the sample the folded model differs by "
                f"{difference:.2g} from scaled inference, of outputs up to {size:.2g}; its forward depends on "
                f"something that a trace does not see"
            )


def _outputs(model: nn.Module, sample: Sample) -> Iterator[Tensor]:
    """Yield the floating tensors that a model gives for a sample."""
    own = pytree.tree_map(lambda one: one.clone() if isinstance(one, Tensor) else one, sample)
    args = own if isinstance(own, tuple) else () if isinstance(own, Mapping) else (own,)
    for output in pytree.tree_leaves(model(*args, **(own if isinstance(own, Mapping) else {}))):
        if isinstance(output, Tensor) and output.is_floating_point():
            yield output
