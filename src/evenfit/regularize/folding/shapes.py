"""Shapes of a graph's tensors, from a sample of the model's input."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

import torch
from torch import Size, Tensor, fx, nn

from evenfit.errors import FoldError
from evenfit.regularize.folding.tracing import Trace

Sample = Tensor | tuple[object, ...] | Mapping[str, object]


def arguments(model: nn.Module, sample: Sample) -> dict[str, object]:
    """Give a sample as arguments of forward by name.

    Raises:
        FoldError: forward does not take them.
    """
    args = sample if isinstance(sample, tuple) else () if isinstance(sample, Mapping) else (sample,)
    kwargs = sample if isinstance(sample, Mapping) else {}
    try:
        return dict(inspect.signature(model.forward).bind(*args, **kwargs).arguments)
    except TypeError as error:
        raise FoldError(f"the sample does not fit the model's forward: {error}") from error


@torch.no_grad()
def shapes_of(trace: Trace, sample: Mapping[str, object]) -> dict[fx.Node, Size]:
    """Run a graph on a sample, and give the shape of each step's result that is a tensor.

    None of a graph of another way to call the model, if the sample does not fit it.

    Raises:
        FoldError: the model does not run on the sample.
    """
    recorder = Recorder(trace)
    open_names = sample.keys() - trace.fixed
    placeholders = trace.graph.find_nodes(op="placeholder")
    given = {node: sample[str(node.target)] for node in placeholders if str(node.target) in open_names}
    try:
        recorder.run(initial_env={**given})
    except Exception as error:
        if trace.called:
            return {}
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise FoldError(f"the model does not run on the sample: {reason}") from error
    for node, value in given.items():
        if isinstance(value, Tensor):
            recorder.shapes[node] = value.shape
    return recorder.shapes


class Recorder(fx.Interpreter):
    """Runs a graph and keeps the shapes."""

    def __init__(self, trace: Trace) -> None:
        super().__init__(trace.root, graph=trace.graph)
        self.extra_traceback = False
        self.shapes: dict[fx.Node, Size] = {}

    def run_node(self, n: fx.Node) -> object:
        """Run one step."""
        result = super().run_node(n)
        if isinstance(result, Tensor):
            self.shapes[n] = result.shape
        return result
