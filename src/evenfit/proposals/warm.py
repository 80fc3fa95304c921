"""Warm: configs of another search first, as far as they fit; then any other way of proposing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from evenfit.proposals.portfolio import draw_listed, nearest_to
from evenfit.proposals.protocol import Propose
from evenfit.results.trial import Trial
from evenfit.specs.config import Config
from evenfit.specs.space import Space

MOST_WARM = 10  # configs of another search; more would leave little of a short one for itself


@dataclass(frozen=True, kw_only=True)
class WarmFirst:
    """Proposes the configs of a list that have not been tried, in its order; after the last, as ``then`` says."""

    configs: tuple[Config, ...]
    then: Propose

    def __call__(
        self, space: Space, history: Sequence[Trial], count: int, *, shared: Collection[str], seed: int
    ) -> tuple[Config, ...]:
        """Give the first config that is left, those that fit its fleet, and neighbours of it to fill that up."""
        tried = {trial.config for trial in history}
        left = [config for config in self.configs if config not in tried]
        if not left:
            return self.then(space, history, count, shared=shared, seed=seed)
        return draw_listed(left, space, count, shared=shared, tried=tried, seed=seed)


def warm_configs(space: Space, configs: Sequence[Config], *, most: int = MOST_WARM) -> tuple[Config, ...]:
    """Give configs of another search as this space has them, the first of those that come to the same.

    A value that the space does not vary, or has nothing near to, is the default's.

    Example:
        >>> from evenfit.specs.space import Choice
        >>> space = Space(default=Config(width=64), values={"width": Choice(values=(32, 64))})
        >>> [config.width for config in warm_configs(space, [Config(width=32, dropout=0.5), Config(width=512)])]
        [32]
    """
    found = dict.fromkeys(
        space.config(
            {
                name: nearest_to(known, getattr(config, name), otherwise=getattr(space.default, name))
                for name, known in space.values.items()
            }
        )
        for config in configs
    )
    return tuple(config for config in found if config != space.default)[:most]
