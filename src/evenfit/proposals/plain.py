"""Plain: where the default learns nothing or nearly all, training without regularisers before any other proposals."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evenfit.proposals.mixed import draw_mixed
from evenfit.proposals.portfolio import fitting, nearest_to
from evenfit.proposals.protocol import Propose
from evenfit.results.trial import COMPLETE, Trial
from evenfit.specs.config import REGULARISERS, Config
from evenfit.specs.space import Space

UNLEARNT = 0.9  # of the constant prediction's loss: above it next to nothing is learnt
LEARNT = 0.02  # of it: below, hardly any of what is left can be noise
RATES = (1.0, 1 / 3, 3.0)  # times the default's learning rate
_MORE = 2  # times the default's epochs, where it has learnt nearly all


@dataclass(frozen=True, kw_only=True)
class PlainFirst:
    """Proposes training without regularisers where the default learns nothing or nearly all; else as ``draw`` says.

    What is hard to learn shows after many epochs that it can be learnt at all, and a regulariser may hide it for good.
    Searches of short or regularised training then follow chance: among losses near that of the constant prediction
    there is always a lowest. To see first whether a network can fit the rows is the old advice of practice
    (Goodfellow, Bengio & Courville, "Deep Learning", 2016, section 11.5: "fit a tiny dataset"). And where nearly all is
    learnt, hardly any of what is left can be noise, which is what regularisers are for.

    Args:
        constant: base loss of predicting the same for every row.
        epochs: the most that a plain config may train for.
        draw: how configs are proposed where the default config learns something, but not nearly all.
        then: how they are proposed after plain ones that were better, or where nothing was learnt; not from the
            default, as a portfolio does.
    """

    constant: float
    epochs: int
    draw: Propose
    then: Propose = draw_mixed

    def __call__(
        self, space: Space, history: Sequence[Trial], count: int, *, shared: Collection[str], seed: int
    ) -> tuple[Config, ...]:
        """Give the first plain config that is left and those that fit its fleet, or another way's configs."""
        losses = {trial.config: base_loss(trial) for trial in history if trial.status == COMPLETE}
        known = losses.get(space.default, self.constant / 2)
        unlearnt, learnt = known > UNLEARNT * self.constant, known < LEARNT * self.constant
        if not (unlearnt or learnt):
            return self.draw(space, history, count, shared=shared, seed=seed)
        plain = plain_configs(space, epochs=self.epochs)
        if learnt:
            plain = plain_configs(space, epochs=min(self.epochs, _MORE * space.default.epochs))[: len(RATES)]
        if learnt or min(losses.values()) > UNLEARNT * self.constant:
            tried = {trial.config for trial in history}
            left = [
                config for config in plain if config not in tried and (unlearnt or config.inputs == plain[0].inputs)
            ]
            if left:
                return fitting(left, count, shared=shared)
        best = min(losses, key=lambda config: losses[config])
        draw = self.then if unlearnt or best in plain else self.draw
        return draw(space, history, count, shared=shared, seed=seed)


def base_loss(trial: Trial) -> float:
    """A trial's log loss or squared error on the rows left out, at its epoch; infinite where it is no number."""
    return float(np.nan_to_num(np.mean(trial.validation_loss[trial.best]), nan=np.inf))


def plain_configs(space: Space, *, epochs: int) -> tuple[Config, ...]:
    """Give the default without regularisers, trained for long, at three learning rates; then in other encodings.

    What the space does not vary stays the default's; none has more than ``epochs``, unless the default has.

    Example:
        >>> from evenfit.specs.space import Choice, Range
        >>> values = {"epochs": Choice(values=(8, 64, 512)), "dropout": Range(low=0.1, high=0.5, zero=0.2)}
        >>> space = Space(default=Config(epochs=8, dropout=0.3, l2=0.1), values=values)
        >>> [(config.epochs, config.dropout, config.l2) for config in plain_configs(space, epochs=100)]
        [(64, 0.0, 0.1)]
    """
    default = space.default
    off = {name: 0.0 for name in REGULARISERS if name in space.values}
    encodings = [default.inputs, *(values_of(space, "inputs") or ())]
    found = dict.fromkeys(
        _config(space, {**off, "epochs": longest(space, epochs), "learning_rate": rate, "inputs": inputs})
        for inputs in dict.fromkeys(encodings)
        for rate in (factor * default.learning_rate for factor in RATES)
    )
    return tuple(config for config in found if config != default)


def longest(space: Space, epochs: int) -> int:
    """The most epochs that a space has, at most so many, and no fewer than the default's."""
    default = space.default.epochs
    known = values_of(space, "epochs")
    if known is None:
        return max(default, epochs)
    return max([default, *(int(value) for value in known if value <= epochs)])


def values_of(space: Space, name: str) -> tuple[Any, ...] | None:
    """The values of a name that are counted, none where it is not varied; None where there are too many to count."""
    known = space.values.get(name)
    return () if known is None else known.values_or_none()


def _config(space: Space, wanted: dict[str, Any]) -> Config:
    return space.config(
        {
            name: nearest_to(space.values[name], value, otherwise=getattr(space.default, name))
            for name, value in wanted.items()
            if name in space.values
        }
    )
