"""Ranks: spatial dropout that takes an axis for another."""

from __future__ import annotations

import re
from collections.abc import Iterator

from evenfit.regularize.auditing.checks.check import Sight
from evenfit.regularize.auditing.checks.placement import keeps_maps
from evenfit.regularize.auditing.view import View


def wrong_rank(view: View) -> Iterator[Sight]:
    """Find spatial dropout whose input has fewer or more axes than it is made for."""
    for graph, step, drop in view.dropping():
        made_for = re.search(r"dropout(\d)d", step.name.lower())
        if made_for is None or step.shape is None or len(step.shape) == int(made_for[1]) + 2:
            continue
        dimensions = int(made_for[1])
        from_maps = any(each.kind == "convolution" for each in graph.before(step, through=keeps_maps))
        severity, does, mend = _misread(dimensions, step.shape, from_maps=from_maps)
        yield Sight(
            severity=severity,
            layers=(step.layer,),
            evidence=f"{step.title} takes {dimensions + 2} axes and is given {len(step.shape)}, {list(step.shape)}: "
            f"{does}.",
            figure=str(list(step.shape)),
            data={"rate": drop.rate, "shape": list(step.shape), "dimensions": dimensions},
            mend=mend.format(rate=f"{drop.rate:g}"),
        )


def _misread(dimensions: int, shape: tuple[int, ...], *, from_maps: bool) -> tuple[str, str, str]:
    """Say how bad it is, what torch does with the input, and what to do."""
    rank = len(shape)
    if dimensions == 2 and rank == 3 and from_maps:
        does = "torch reads them as [rows, channels, length] today and as [channels, height, width] in a later release"
        return "warning", does, "nn.Dropout1d({rate})"
    if dimensions == 2 and rank == 3:
        does = (
            f"torch reads axis 1 as channels, and drops each of its {shape[1]} places whole: time steps, not features"
        )
        return "error", does, "er.VariationalDropout({rate}, batch_first=True), or nn.Dropout({rate})"
    if rank == dimensions + 1:
        does = f"torch takes them for one sample without rows, and drops whole rows of the {shape[0]}"
        return "error", does, "nn.Dropout({rate})"
    if rank < dimensions + 1:
        return "warning", "torch drops single units, and says that it will refuse to", "nn.Dropout({rate})"
    return "warning", "torch drops along the first two", f"nn.Dropout{rank - 2}d({{rate}})"
