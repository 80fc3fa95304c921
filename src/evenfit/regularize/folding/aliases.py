"""Aliases: dropout of the original form gives a new tensor, a folded model the old one, which may be changed in place.

``h = drop(x)`` then ``h += 1`` leaves ``x`` alone in the original model. Once ``drop`` is gone ``h`` is ``x``, and
whatever else uses ``x`` would see the change.
"""

from __future__ import annotations

from collections.abc import Collection

from torch import fx, nn

from evenfit.errors import FoldError
from evenfit.regularize.folding.calls import is_dropout_call
from evenfit.regularize.folding.layers import drops_units
from evenfit.regularize.folding.passing import converts, moves
from evenfit.regularize.folding.rules import FUNCTIONS, in_place, layer_rule, name_of
from evenfit.regularize.folding.tracing import Trace


def check_aliases(trace: Trace, gone: Collection[fx.Node]) -> None:
    """Refuse what changes a dropout's result in place, if its input has other uses.

    Raises:
        FoldError: without the dropout, another use would see the change.
    """
    for node in trace.graph.nodes:
        if node.op.startswith("call_") and in_place(node, _module(trace, node)):
            _check(trace, node, gone)


def _check(trace: Trace, node: fx.Node, gone: Collection[fx.Node]) -> None:
    """Refuse one change in place, if it would reach further without the dropouts that are gone."""
    dropout: fx.Node | None = None
    behind = node
    while behind.all_input_nodes:
        behind = behind.all_input_nodes[0]
        if dropout is not None and (len(behind.users) > 1 or behind.op in {"placeholder", "get_attr"}):
            raise FoldError(
                f"cannot fold {trace.place(dropout)}: {trace.place(node)} changes its result in place, and without "
                f"the dropout that would change {behind.name!r} too, which has other uses; drop inplace=True there"
            )
        if behind in gone:
            dropout = behind
        elif not _may_give_its_input(trace, behind):
            return


def _may_give_its_input(trace: Trace, node: fx.Node) -> bool:
    """Whether a step's result may lie in the memory of its input."""
    module = _module(trace, node)
    if in_place(node, module):
        return True
    if module is not None:
        return drops_units(module) or isinstance(module, nn.Identity) or layer_rule(module) is moves
    return is_dropout_call(node) or FUNCTIONS.get(name_of(node)) in {converts, moves} or name_of(node) in VIEWS


VIEWS = {"contiguous", "detach", "real"}


def _module(trace: Trace, node: fx.Node) -> nn.Module | None:
    """Give the layer that a step calls, if it calls one."""
    return trace.module(str(node.target)) if node.op == "call_module" else None
