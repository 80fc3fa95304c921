"""SELU: it and alpha dropout belong together."""

from __future__ import annotations

from collections.abc import Iterator

from evenfit.regularize.auditing.checks.check import Sight
from evenfit.regularize.auditing.graph import Step
from evenfit.regularize.auditing.kinds import ACTIVATIONS, NORMS, SAME_UNITS
from evenfit.regularize.auditing.view import View


def unpaired(view: View) -> Iterator[Sight]:
    """Find alpha dropout without SELU, and SELU with another dropout."""
    for graph, step, drop in view.dropping():
        earlier = graph.before(step, through=_no_activation)
        before = next((each for each in earlier if each.kind in ACTIVATIONS | {"linear", "convolution"}), None)
        if before is None:
            continue
        if drop.alpha and before.kind != "selu":
            evidence = (
                f"{step.title} follows {before.name}: the value that it sets units to, and the scale that keeps mean 0 "
                "and variance 1, are those of SELU."
            )
            mend = f"nn.Dropout({drop.rate:g}), or nn.SELU() before it"
        elif before.kind == "selu" and not drop.alpha and drop.unit in ("unit", "map"):
            variance = 1 / (1 - drop.rate) if drop.rate < 1 else 0
            evidence = (
                f"{step.title} of rate {drop.rate:g} follows SELU, and makes of the mean 0 and variance 1 that SELU "
                f"keeps a variance of {variance:.3g}."
            )
            mend = f"nn.{'AlphaDropout' if drop.unit == 'unit' else 'FeatureAlphaDropout'}({drop.rate:g})"
        else:
            continue
        yield Sight(
            severity="warning",
            layers=(step.layer,),
            evidence=evidence,
            figure=f"rate {drop.rate:g}",
            data={"rate": drop.rate, "after": before.name},
            mend=mend,
        )


def _no_activation(step: Step) -> bool:
    return step.kind in SAME_UNITS | NORMS | {"pool", "dropout"}
