"""Variance shift: dropout whose change of variance a batch normalisation takes for the data's."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from evenfit.regularize.auditing.checks.check import Sight, listed
from evenfit.regularize.auditing.graph import Graph, Step
from evenfit.regularize.auditing.kinds import NORMS
from evenfit.regularize.auditing.measuring import Ratio, variance_ratios
from evenfit.regularize.auditing.view import View

_NOTED = 1.05  # a ratio below (or its inverse above) is no shift
_NOTABLE = 1.2  # a smaller one is small beside what batches of some dozen rows differ by


def before_batch_norm(view: View) -> Iterator[Sight]:
    """Find dropout between one normalisation and the next, if the next keeps running statistics."""
    for graph in view.flows:
        norms = [step for step in graph.steps if step.kind == "batch_norm"]
        drops = [_drops_before(graph, norm) if _keeps_statistics(view, norm) else [] for norm in norms]
        ratios: Sequence[Ratio | None] = variance_ratios(view.subject) if view.subject and any(drops) else []
        for place, norm in enumerate(norms):
            ratio = ratios[place] if place < len(ratios) else None
            shift = 1.0 if ratio is None else max(ratio.median, 1 / max(ratio.median, 1e-9))
            if drops[place] and (ratio is None or shift > _NOTED):
                yield _sight(norm, drops[place], ratio, severity="warning" if shift > _NOTABLE else "note")


def _sight(norm: Step, drops: Sequence[Step], ratio: Ratio | None, *, severity: str) -> Sight:
    strongest = max(drops, key=_rate)
    rate = _rate(strongest)
    theory = 1 / (1 - rate) if rate < 1 else math.inf
    names = tuple(dict.fromkeys(each.layer for each in drops))
    told = f"theory for units of mean zero behind {strongest.named} (rate {rate:g}): 1/k = {theory:.3g}"
    if ratio is None:
        evidence = (
            f"{listed(names)} before {norm.layer}: what that does to the variance there was not measured; {told}."
        )
    else:
        evidence = (
            f"the variance at the input of {norm.layer} is {ratio.median:.2f} times as large in training as in "
            f"evaluation, and evaluation normalises by the former (median of {ratio.channels} channels over "
            f"{ratio.passes} passes; middle 80%: {ratio.low:.2f} to {ratio.high:.2f}). {told[0].upper()}{told[1:]}."
        )
    return Sight(
        severity=severity,
        layers=(*names, norm.layer),
        evidence=evidence,
        figure="" if ratio is None else f"{ratio.median:.2f} times",
        data={
            "batch_norm": norm.layer,
            "rate": rate,
            "theory": theory,
            "ratio": None if ratio is None else ratio.median,
            "ratio_low": None if ratio is None else ratio.low,
            "ratio_high": None if ratio is None else ratio.high,
            "channels": None if ratio is None else ratio.channels,
            "passes": None if ratio is None else ratio.passes,
        },
        mend=f"move it behind the last batch normalisation, {norm.layer} or a later one; or lower the rate",
    )


def _keeps_statistics(view: View, norm: Step) -> bool:
    """Whether evaluation normalises by what training has seen."""
    return bool(getattr(norm.module, "track_running_stats", True)) and norm.path not in view.frozen


def _drops_before(graph: Graph, norm: Step) -> list[Step]:
    """Give the nearest steps with dropout, up to the normalisation before."""

    def passes(step: Step) -> bool:
        return step.kind not in NORMS and not _drops(step)

    return [each for each in graph.before(norm, through=passes) if _drops(each)]


def _drops(step: Step) -> bool:
    if step.constant or _rate(step) == 0:
        return False
    return step.kind != "recurrent" or getattr(step.module, "num_layers", 2) > 1


def _rate(step: Step) -> float:
    return step.drop.rate if step.drop else 0.0
