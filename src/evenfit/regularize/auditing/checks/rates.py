"""Rates: too high, named the wrong way round, or without any effect."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator

from torch import nn

from evenfit.regularize.auditing.checks.check import Sight
from evenfit.regularize.auditing.drops import drop_of_layer
from evenfit.regularize.auditing.kinds import WEIGHTED
from evenfit.regularize.auditing.view import Rated, View
from evenfit.regularize.dropout.modules import InputDropout
from evenfit.regularize.dropout.recurrent import RecurrentDropout

HIDDEN, INPUT = 0.5, 0.3  # the highest rates that are no finding
_KEEP = re.compile(r"keep|retain|surviv", re.IGNORECASE)
_KEPT_MOST = 0.75  # from here on a rate may well be a share to keep: 0.75, 0.8, 0.9


def too_high(view: View) -> Iterator[Sight]:
    """Find rates above a half, and above 0.3 at the input."""
    for rated in view.rates():
        bound, place = (INPUT, "input") if _at_input(view, rated) else (HIDDEN, "hidden")
        rate = rated.drop.rate
        if rate <= bound or rated.drop.unit == "branch":
            continue
        evidence = "rate 1 drops everything: what follows sees zeros in training."
        if rate < 1:
            evidence = (
                f"rate {rate:g} keeps {1 - rate:.0%} of the {place} units in each step; more than {bound:g} dropped "
                f"mostly underfits."
            )
        yield Sight(
            severity="error" if rate >= 1 else "warning",
            layers=(rated.layer,),
            evidence=evidence,
            figure=f"rate {rate:g}",
            data={"rate": rate, "bound": bound, "place": place},
            mend=f"{'0.1 to 0.2' if place == 'input' else '0.2 to 0.5'}, unless a validation loss says that more is "
            "better",
        )


def keep_probability(view: View) -> Iterator[Sight]:
    """Find rates that were written as the share to keep."""
    named = dict(_named_as_kept(view))
    for layer, said in named.items():
        known = drop_of_layer(view.layers[layer]) if layer in view.layers else None
        rate = known.rate if known else None
        yield Sight(
            severity="error",
            layers=(layer,),
            evidence=f"{said}, but it is the probability to drop"
            + (f": {rate:.0%} of the units are dropped." if rate is not None else "."),
            data={"rate": rate, "written": said},
            mend="nn.Dropout(1 - keep)" if rate is None else f"nn.Dropout({1 - rate:.3g})",
        )
    for rated in view.rates():
        rate = rated.drop.rate
        if rated.layer not in named and _KEPT_MOST <= rate < 1 and rated.drop.unit != "branch":
            yield Sight(
                severity="note",
                layers=(rated.layer,),
                evidence=f"the rate is the probability to drop; {rate:g} is a usual share to keep.",
                figure=f"rate {rate:g}",
                data={"rate": rate, "written": None},
                mend=f"{1 - rate:.3g}, if {rate:g} was meant as the share to keep",
            )


def no_effect(view: View) -> Iterator[Sight]:
    """Find dropout that never drops: rate 0, a recurrent layer that has nothing between its layers, never called."""
    recurrent = tuple(f"{name}." for name, layer in view.layers.items() if isinstance(layer, RecurrentDropout))
    for name, layer in view.layers.items():
        drop = drop_of_layer(layer)
        if drop is None or name.startswith(recurrent):  # whose parts may rest
            continue
        if isinstance(layer, nn.RNNBase):
            if layer.dropout > 0 and layer.num_layers == 1:
                kind = type(layer).__name__
                yield Sight(
                    severity="warning",
                    layers=(name,),
                    evidence=f"{kind}(dropout={layer.dropout:g}) drops between its layers, and it has one: nothing is "
                    "dropped.",
                    data={"rate": layer.dropout, "num_layers": 1},
                    mend=f"nn.Dropout({layer.dropout:g}) on its output, or num_layers=2",
                )
        elif isinstance(layer, nn.MultiheadAttention):
            continue
        elif drop.rate == 0:
            yield _idle(name, "its rate is 0.", "delete it, or give it a rate", rate=0.0)
        elif view.called and id(layer) not in view.called:
            yield _idle(name, "the forward never calls it on this sample.", "call it, or delete it", rate=drop.rate)


def _idle(name: str, evidence: str, mend: str, *, rate: float) -> Sight:
    return Sight(severity="note", layers=(name,), evidence=evidence, data={"rate": rate}, mend=mend)


def _at_input(view: View, rated: Rated) -> bool:
    """Whether no layer with weights has touched what is dropped from."""
    if isinstance(view.layers.get(rated.layer), InputDropout):
        return True
    if rated.graph is None or rated.step is None or rated.step.constant or rated.step.kind != "dropout":
        return False
    earlier = list(rated.graph.before(rated.step, through=lambda each: each.kind not in WEIGHTED | {"input"}))
    return bool(earlier) and all(each.kind == "input" for each in earlier)


def _named_as_kept(view: View) -> Iterator[tuple[str, str]]:
    """Yield layers whose rate is, in the source of the module that makes them, called something like keep."""
    trees: dict[type, ast.AST | None] = {}
    for path, owner in view.layers.items():
        kind = type(owner)
        if kind.__module__.startswith(("torch.", "evenfit.")):
            continue
        if kind not in trees:
            trees[kind] = _tree(kind)
        tree = trees[kind]
        if tree is not None:
            for place, said in _written(tree):
                yield f"{path}.{place}".strip(".") if place else (f"{path}.forward" if path else "forward"), said


def _tree(kind: type) -> ast.AST | None:
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(kind)))
    except (OSError, TypeError, SyntaxError):  # made by exec, in a shell, or compiled
        return None


def _written(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield, for each call of dropout with a rate named keep, the attribute that it is assigned to, and the code."""
    assigned: dict[int, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Attribute):
                assigned |= {id(each): place for each, place in _places(node.value, target.attr)}
    for node in ast.walk(tree):
        called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        if isinstance(node, ast.Call) and "dropout" in called.lower() and not called.startswith("self."):
            given = [each.value for each in node.keywords if each.arg in ("p", "rate")]
            functional = called.rpartition(".")[2].islower()
            given += node.args[1:2] if functional else node.args[:1]
            name = ast.unparse(given[0]) if given else ""
            if isinstance(given[0] if given else None, ast.Name | ast.Attribute) and _KEEP.search(name):
                yield assigned.get(id(node), ""), f"{ast.unparse(node)} is given {name!r}, a share to keep"


def _places(value: ast.AST, attribute: str) -> Iterator[tuple[ast.AST, str]]:
    """Yield the calls in an assigned value, with the names that an nn.Sequential gives what they make."""
    yield value, attribute
    if isinstance(value, ast.Call) and ast.unparse(value.func).endswith("Sequential"):
        for position, each in enumerate(value.args):
            yield from _places(each, f"{attribute}.{position}")
