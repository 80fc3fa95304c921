"""Inference: dropout that is still there when it should be gone."""

from __future__ import annotations

from collections.abc import Iterator

from torch import fx

from evenfit.regularize.auditing.checks.check import Sight, count, listed
from evenfit.regularize.auditing.drops import Drop, drop_of_layer
from evenfit.regularize.auditing.graph import Step
from evenfit.regularize.auditing.view import View
from evenfit.regularize.dropout.droppers import is_dropper

_MOST = 3  # steps that draw, and are told; later ones may follow from the first
_NOTABLE = 1e-4  # spread of two calls that no order of additions explains


def at_inference(view: View) -> Iterator[Sight]:
    """Find layers that drop in evaluation, and whatever else makes two calls differ."""
    active = list(_active(view))
    for step, drop in active:
        if _is_function(view, step):
            continue  # what `without_training` reports
        why, mend = _why(view, step)
        yield Sight(
            severity="error",
            layers=(step.layer,),
            evidence=f"{step.title} of rate {drop.rate:g} {why}{_differ(view)}.",
            figure=f"rate {drop.rate:g}",
            data={"rate": drop.rate, "spread": view.spread},
            mend=mend,
        )
    other = list(_other_chance(view, [step for step, _ in active]))
    for step in other[:_MOST]:
        severity, layer = _seriousness(step)
        yield Sight(
            severity=severity,
            layers=(layer,),
            evidence=f"{step.title} gives other numbers in each call in evaluation{_differ(view)}.",
            data={"function": step.name, "spread": view.spread},
            mend="draw only `if self.training`; leave it if the model is meant to sample, or to remember",
        )
    if not active and not other and view.spread is not None and view.spread > _NOTABLE:
        yield Sight(
            severity="error",
            layers=("forward",),
            evidence=f"no step that draws could be seen{_differ(view)}.",
            data={"spread": view.spread},
            mend="look for chance or memory in compiled or foreign code that the forward calls",
        )


def without_training(view: View) -> Iterator[Sight]:
    """Find functions that drop in evaluation, since nobody told them that it is."""
    for step, drop in _active(view):
        if not _is_function(view, step):
            continue
        code = f": {step.site.code}" if step.site and step.site.code else ""
        if isinstance(view.layers.get(""), fx.GraphModule):
            mend = "model.eval() before it is traced: a trace keeps the mode"
        elif drop.unit == "attention" and "scaled" in step.name:
            mend = "dropout_p=self.dropout if self.training else 0.0"
        else:
            mend = f"{step.name}(x, p={drop.rate:g}, training=self.training)"
        yield Sight(
            severity="error",
            layers=(step.layer,),
            evidence=f"{step.title} of rate {drop.rate:g} drops in evaluation, too{_differ(view)}{code}",
            data={"rate": drop.rate, "spread": view.spread, "site": str(step.site) if step.site else None},
            mend=mend,
        )


def original_form(view: View) -> Iterator[Sight]:
    """Find dropout in the original form, which scales units at every call in evaluation."""
    for name, layer in view.layers.items():
        drop = drop_of_layer(layer)
        if drop and drop.form == "original" and drop.rate > 0:
            yield Sight(
                severity="note",
                layers=(name,),
                evidence=f"evaluation multiplies by {1 - drop.rate:.3g} in every call; weights could hold that.",
                data={"rate": drop.rate},
                mend="er.fold_dropout(model) before it is deployed",
            )


def reused(view: View) -> Iterator[Sight]:
    """Find one dropout layer that several places share."""
    seen: set[int] = set()
    for graph in view.flows:
        calls: dict[int, list[Step]] = {}
        for step in graph.steps:
            if (
                step.kind == "dropout"
                and step.is_layer
                and step.drop
                and step.drop.rate > 0
                and step.module is not None
            ):
                calls.setdefault(id(step.module), []).append(step)
        for module, steps in calls.items():
            places: list[frozenset[str]] = []
            for each in (graph.sources(step) for step in steps):
                if not any(each & other or each == other for other in places):
                    places.append(each)
            if len(places) > 1 and module not in seen:
                seen.add(module)
                behind = [_layer_of(next(iter(sorted(each)), "the input")) for each in places]
                yield Sight(
                    severity="note",
                    layers=(steps[0].layer,),
                    evidence=f"one layer drops in {count(len(places), 'place')}, behind {listed(behind)}: they share "
                    "one rate, and none can be tuned, moved or folded alone.",
                    figure=count(len(places), "place"),
                    data={"places": behind, "calls": len(steps), "rate": steps[0].drop.rate if steps[0].drop else None},
                    mend="an nn.Dropout of its own for each place",
                )


def _seriousness(step: Step) -> tuple[str, str]:
    """Say how serious a step that draws is, and which layer it is in: a dropper, masks by hand, or a sampler."""
    if step.module is not None and is_dropper(step.module):
        return "error", step.path
    if step.kind == "opaque" or (step.is_layer and "drop" in step.name.lower()):
        return "error", step.layer
    mask = any(word in step.name.lower().replace("randn", "") for word in ("bernoulli", "rand", "mask"))
    return "warning" if mask else "note", step.layer


def _is_function(view: View, step: Step) -> bool:
    """Whether a dropout is a function that a forward of the user's calls."""
    return not step.is_layer and not view.exported and step not in view.compiled


def _other_chance(view: View, active: list[Step]) -> Iterator[Step]:
    """Yield what else draws in evaluation, each line once."""
    compiled = [step.path for step in view.compiled if step in active]
    seen = set()
    for step in view.random:
        known = step.drop is not None or (
            step.kind == "opaque" and any(each.startswith(step.path) for each in compiled)
        )
        if not known and (step.layer, step.site) not in seen:  # a layer, too, may draw in several lines
            seen.add((step.layer, step.site))
            yield step


def _active(view: View) -> Iterator[tuple[Step, Drop]]:
    """Yield what drops in evaluation, each layer or line once."""
    seen = set()
    for step in (*(view.evaluation.steps if view.evaluation else ()), *view.compiled):
        if step.drop and step.drop.active and step.place not in seen:
            seen.add(step.place)
            yield step, step.drop


def _why(view: View, step: Step) -> tuple[str, str]:
    """Say why a layer drops in evaluation, and what to do."""
    if view.exported or step in view.compiled:
        return "was exported switched on", "model.eval() before the export"
    module = step.module
    if module is not None and not step.training:
        return (
            "drops though it is in evaluation mode",
            f"training=self.training in the forward of {type(module).__name__}",
        )
    if module is not None and all(module is not each for each in view.layers.values()):
        if "[" in step.path:
            return "is not registered, so that eval() does not reach it", "keep layers in an nn.ModuleList"
        return "is made anew in the forward, in training mode", "make it in __init__: self.dropout = nn.Dropout(...)"
    return (
        "is in training mode while the model is in evaluation",
        "model.eval() after the last train(); a train() of your own must pass its mode on",
    )


def _differ(view: View) -> str:
    if view.spread is None:
        return ""
    return f": two calls on the same rows differ by {view.spread:.2g} of the outputs' standard deviation"


def _layer_of(parameter: str) -> str:
    """Give the layer of a parameter."""
    path, _, name = parameter.rpartition(".")
    return path if path and ("weight" in name or "bias" in name) else parameter
