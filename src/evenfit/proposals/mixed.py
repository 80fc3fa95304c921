"""Mixed: every other batch near the best configs, the others by TPE."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from evenfit.proposals.near import draw_near
from evenfit.proposals.tpe import draw_tpe
from evenfit.results.trial import Trial
from evenfit.specs.config import Config
from evenfit.specs.space import Space


def draw_mixed(
    space: Space, history: Sequence[Trial], count: int, *, shared: Collection[str], seed: int
) -> tuple[Config, ...]:
    """Draw a batch near the best configs or by TPE, with equal chances."""
    draw = draw_near if seed % 2 else draw_tpe
    return draw(space, history, count, shared=shared, seed=seed // 2)
