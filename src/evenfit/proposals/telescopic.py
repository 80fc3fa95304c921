"""Telescopic search: coarse orders of magnitude first, then finer and finer around the best."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from evenfit.results.trial import COMPLETE, DIVERGED, Trial
from evenfit.specs.config import Config
from evenfit.specs.space import Choice, Constant, Distribution, Range, Space

STEP = 24  # trials with a loss after which the view narrows
NARROWEST = 4  # times that it does
_COARSE = 5  # places of a range that has no orders of magnitude


def draw_telescopic(
    space: Space, history: Sequence[Trial], count: int, *, shared: Collection[str], seed: int
) -> tuple[Config, ...]:
    """Draw from a view of the space that narrows to half, time after time, around the best config.

    The coarse-to-fine search of Goodfellow, Bengio & Courville, "Deep learning", MIT Press 2016, 11.4.3. The first view
    is the whole space in coarse values: the powers of ten of a logarithmic range, a few places of others. The best may
    lie at an edge: a view is about its middle, so that it moves there. Choices keep the best's value the more often
    the narrower the view. Configs of one call agree in the ``shared`` values.
    """
    generator = np.random.default_rng(seed)
    known = [trial for trial in history if trial.status != DIVERGED and math.isfinite(trial.loss)]
    complete = [trial for trial in known if trial.status == COMPLETE]
    step = min(NARROWEST, len(known) // STEP) if complete else 0
    middle = min(complete, key=lambda trial: (trial.loss, trial.number)).config if step else space.default
    common = {
        name: _seen(known, getattr(middle, name), step, generator)
        for name, known in space.values.items()
        if name in shared
    }
    return tuple(
        space.config(
            common
            | {
                name: _seen(known, getattr(middle, name), step, generator)
                for name, known in space.values.items()
                if name not in shared
            }
        )
        for _ in range(count)
    )


def _seen(known: Distribution, value: Any, step: int, generator: np.random.Generator) -> Any:
    """Draw a value from the view: coarse where it is whole, else within its width of a value."""
    quantile = float(generator.random())
    if step == 0:
        return _coarse(known, quantile)
    width = 0.5**step
    if isinstance(known, Choice | Constant):
        return known.at(quantile) if generator.random() < width else value
    if known.zero > 0 and generator.random() < width:  # whether it is there at all is a choice too
        return known.at(quantile)
    if value == 0 and known.zero > 0:
        return value
    low = min(max(known.quantile_of(value) - width / 2, known.zero), 1 - width)
    return known.at(min(low + quantile * width, math.nextafter(1.0, 0.0)))


def _coarse(known: Distribution, quantile: float) -> Any:
    """The coarse value that is nearest to a quantile's."""
    value = known.at(quantile)
    if isinstance(known, Choice | Constant) or known.whole or known.step or (known.zero > 0 and value == 0):
        return value
    if not isinstance(known, Range) or known.width is not None:  # places of what is likely, not of the line
        share = round((quantile - known.zero) / (1 - known.zero) * (_COARSE - 1)) / (_COARSE - 1)
        return known.at(min(known.zero + (0.05 + 0.9 * share) * (1 - known.zero), math.nextafter(1.0, 0.0)))
    if known.log:
        return float(f"{min(max(10.0 ** round(math.log10(value)), known.low), known.high):.12g}")
    place = round((value - known.low) / (known.high - known.low or 1.0) * (_COARSE - 1)) / (_COARSE - 1)
    return known.low + place * (known.high - known.low)
