"""Placement: dropout where it does not do what it is for."""

from __future__ import annotations

from collections.abc import Iterator

from evenfit.regularize.auditing.checks.check import Sight
from evenfit.regularize.auditing.graph import Step
from evenfit.regularize.auditing.kinds import ACTIVATIONS, SAME_UNITS
from evenfit.regularize.auditing.view import View

_MAP_LAYER = {3: "nn.Dropout1d", 4: "nn.Dropout2d", 5: "nn.Dropout3d"}  # by the rank of maps with rows
_ALIKE = 0.2  # a correlation from which on a unit says something about its neighbour


def between_convolutions(view: View) -> Iterator[Sight]:
    """Find single units dropped from feature maps on their way from one convolution to the next."""
    for graph, step, drop in view.dropping():
        if drop.unit != "unit" or not _has_neighbours(step.shape):
            continue
        earlier = [each for each in graph.before(step, through=keeps_maps) if each.kind == "convolution"]
        later = [each for each in graph.after(step, through=keeps_maps) if each.kind == "convolution"]
        if not earlier or not later:
            continue
        maps = f" on maps {list(step.shape)}" if step.shape else ""
        layer = _MAP_LAYER.get(len(step.shape) if step.shape else 4, "nn.Dropout2d")
        yield Sight(
            severity="warning",
            layers=(step.layer,),
            evidence=f"{step.title} of rate {drop.rate:g} drops single units{maps} between {earlier[0].layer} and "
            f"{later[0].layer}{_likeness(step)}.",
            figure="" if step.likeness is None else f"correlation {step.likeness:.2f}",
            data={"rate": drop.rate, "shape": list(step.shape or ()), "neighbour_correlation": step.likeness}
            | {"between": [earlier[0].layer, later[0].layer]},
            mend=f"{layer}({drop.rate:g}), which drops whole maps",
        )


def on_output(view: View) -> Iterator[Sight]:
    """Find dropout behind the last layer that has weights."""
    for graph, step, drop in view.dropping():
        ends = graph.whole and graph.ends(step, through=_to_output)
        if not ends or any(graph.after(step, through=_to_output)):
            continue
        last = next((each for each in graph.before(step, through=_passes) if each.kind != "input"), None)
        if last is None:
            continue
        output = last.kind in ("linear", "convolution")
        unless = "" if output else "; right only if another layer follows outside of this model"
        yield Sight(
            severity="error" if output else "note",
            layers=(step.layer,),
            evidence=f"{step.title} follows {last.layer} ({last.name}), and nothing with weights follows it: it zeroes "
            f"{drop.rate:.0%} of the outputs in training{unless}.",
            figure=f"rate {drop.rate:g}",
            data={"rate": drop.rate, "after": last.layer},
            mend=f"delete it, or move it before {last.layer}",
        )


def twice(view: View) -> Iterator[Sight]:
    """Find dropout that is given what dropout has just given."""
    for graph, step, drop in view.dropping():
        for other in graph.before(step, through=lambda each: each.kind in SAME_UNITS):
            if other.kind == "dropout" and other.drop and other.drop.rate > 0:
                both = 1 - (1 - drop.rate) * (1 - other.drop.rate)
                yield Sight(
                    severity="warning",
                    layers=(other.layer, step.layer),
                    evidence=f"{step.named} (rate {drop.rate:g}) drops from what {other.named} (rate "
                    f"{other.drop.rate:g}) has left, with no layer between: {both:.3g} together.",
                    figure=f"{both:.3g} together",
                    data={"rates": [other.drop.rate, drop.rate], "together": both},
                    mend=f"keep one of them, at the rate {both:.3g} if that is what was meant",
                )


def keeps_maps(step: Step) -> bool:
    """Whether a step gives maps for maps, place for place."""
    if step.kind == "pool":
        return "pool" in step.name.lower() and "adaptive" not in step.name.lower()
    return step.kind in ACTIVATIONS - {"softmax", "log_softmax"} | {
        *("dropout", "resize", "scale", "join", "batch_norm", "instance_norm", "group_norm")
    }


def _likeness(step: Step) -> str:
    if step.likeness is None:
        return ""
    if step.likeness < _ALIKE:
        return f"; neighbouring units correlate {step.likeness:.2f} on this sample"
    return f"; neighbouring units correlate {step.likeness:.2f}: what is dropped can be read off its neighbours"


def _has_neighbours(shape: tuple[int, ...] | None) -> bool:
    """Whether maps of that shape have neighbours; yes where the shape is not known."""
    return shape is None or (len(shape) > 2 and max(shape[2:]) > 1)


def _to_output(step: Step) -> bool:
    """Whether a step has no weights, and hands on what it is given."""
    return _passes(step) or step.kind == "loss"


def _passes(step: Step) -> bool:
    return step.kind in ACTIVATIONS | SAME_UNITS | {"pool", "dropout"}
