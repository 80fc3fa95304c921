"""Portfolio: configs that together did well on many tables, then neighbours of the best, and others."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from evenfit.proposals.mixed import draw_mixed
from evenfit.proposals.near import draw_near_to
from evenfit.proposals.protocol import Propose
from evenfit.results.trial import Trial
from evenfit.specs.config import Config
from evenfit.specs.space import Choice, Constant, Distribution, Space
from evenfit.specs.space.numbers import nearest

Changes = dict[str, Any]  # of a default config: factors of what TIMES names, values of the rest

TIMES = ("width", "batch_rows", "epochs")  # what depends on the table's size, and so is changed by a factor


def draw_portfolio(
    space: Space,
    history: Sequence[Trial],
    count: int,
    *,
    shared: Collection[str],
    seed: int,
    kind: str = "classification",
    then: Propose = draw_mixed,
) -> tuple[Config, ...]:
    """Give the next configs of a portfolio that have not been tried; after the last, near the best or by TPE.

    Defaults and neighbours: greedy portfolios as of Feurer et al., "Auto-sklearn 2.0", JMLR 2022. A batch is the first
    config that is left and those after it that fit its fleet: not filled up, so that the next is tried sooner.
    ``kind`` says whose portfolio: classification or regression; ``then`` what comes after the last.
    """
    tried = {trial.config for trial in history}
    left = [config for config in members(space, stored_portfolio(kind)) if config not in tried]
    if not left:
        return then(space, history, count, shared=shared, seed=seed)
    return fitting(left, count, shared=shared)


def draw_listed(
    left: Sequence[Config],
    space: Space,
    count: int,
    *,
    shared: Collection[str],
    tried: Collection[Config],
    seed: int,
) -> tuple[Config, ...]:
    """Give the first config of a list, those after it that fit its fleet, and neighbours of the first to fill it up."""
    batch = fitting(left, count, shared=shared)
    free = frozenset(space.values) - set(shared)
    known = {*tried, *left}
    return (*batch, *draw_near_to(left[0], space, count - len(batch), free=free, tried=known, seed=seed))


def fitting(left: Sequence[Config], count: int, *, shared: Collection[str]) -> tuple[Config, ...]:
    """Give the first config of a list, and those after it that fit its fleet: at most so many."""
    first = tuple(getattr(left[0], name) for name in shared)
    return tuple([config for config in left if tuple(getattr(config, name) for name in shared) == first][:count])


def members(space: Space, portfolio: Sequence[Changes]) -> tuple[Config, ...]:
    """Give a portfolio's configs in a space, without those that come to the same or to the default."""
    found = dict.fromkeys(changed(space, changes) for changes in portfolio)
    return tuple(config for config in found if config != space.default)


def changed(space: Space, changes: Mapping[str, Any]) -> Config:
    """Give the default with these changes, as far as the space has room for them.

    Example:
        >>> from evenfit.specs.space import Range
        >>> values = {"width": Choice(values=(32, 64)), "l2": Range(low=0, high=1)}
        >>> space = Space(default=Config(width=64), values=values)
        >>> near = changed(space, {"width": 0.5, "l2": 3.0, "dropout": 0.5})
        >>> near.width, near.l2, near.dropout
        (32, 1.0, 0.0)
    """
    default = space.default.to_json()
    chosen = {}
    for name, value in changes.items():
        if name in space.values:
            wanted = default[name] * value if name in TIMES else value
            chosen[name] = nearest_to(space.values[name], wanted, otherwise=default[name])
    return space.config(chosen)


def nearest_to(known: Distribution, value: Any, *, otherwise: Any) -> Any:
    """The value of a distribution that is nearest to this one; the default's where none is near."""
    if isinstance(known, Constant):
        return known.value
    if isinstance(known, Choice):
        return value if known.place(value) is not None else otherwise
    if value == 0 and known.zero > 0:
        return value
    return nearest(known, value)


@cache
def stored_portfolio(kind: str) -> tuple[Changes, ...]:
    """Give the portfolio that was found for classification or for regression.

    ``benchmarks/portfolio.py`` found it; portfolio.json says on which tables.
    """
    text = files("evenfit.proposals").joinpath("portfolio.json").read_text(encoding="utf-8")
    return tuple(json.loads(text)[kind])
