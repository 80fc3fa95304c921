"""Ways of proposing by name: what ``--proposals`` offers.

To add one, write the function in a file of its own and name it in ``WAYS``;
``tests/proposals/test_proposals.py`` then holds it to the laws that all share, and
``tests/runs/test_proposals.py`` to its place among the options.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from evenfit.errors import ConfigError
from evenfit.proposals.draws import draw_random
from evenfit.proposals.gp import draw_gp
from evenfit.proposals.grid import draw_grid, grid_levels
from evenfit.proposals.key_first import KeyFirst
from evenfit.proposals.mixed import draw_mixed
from evenfit.proposals.near import draw_near
from evenfit.proposals.portfolio import draw_portfolio
from evenfit.proposals.protocol import Propose
from evenfit.proposals.quasi_random import draw_quasi_random
from evenfit.proposals.telescopic import draw_telescopic
from evenfit.proposals.tpe import draw_tpe
from evenfit.specs.space import Space


@dataclass(frozen=True, kw_only=True)
class Way:
    """A way of proposing, and what a search may add to it."""

    draw: Propose
    weighed: bool = False  # several batches are drawn, and the one of most expected gain a second is tried
    keyed: bool = False  # key hyperparameters first
    plain: bool = False  # while nothing is learnt, long training without regularisers


WAYS: Mapping[str, Way] = {
    "grid": Way(draw=draw_grid),
    "random": Way(draw=draw_random),
    "quasi-random": Way(draw=draw_quasi_random),
    "tpe": Way(draw=draw_tpe),
    "near": Way(draw=draw_near, weighed=True),
    "mixed": Way(draw=draw_mixed, keyed=True),
    "gp": Way(draw=draw_gp),
    "portfolio": Way(draw=draw_portfolio, weighed=True, plain=True),
    "telescopic": Way(draw=draw_telescopic),
}


def way_of(name: str, *, space: Space, seed: int, classification: bool) -> Way:
    """Give a way by its name, ready for a search of this space with this seed.

    Args:
        name: one of WAYS; ``grid=3`` is a grid with 3 points a range.
        space: where it will look.
        seed: the search's own.
        classification: whether classes are to be learnt, or numbers.

    Raises:
        ConfigError: there is no such way, or the space has no such grid.
    """
    known, _, points = name.partition("=")
    if known not in WAYS:
        raise ConfigError(f"proposals must be one of {', '.join(WAYS)}; got {name!r}")
    way = WAYS[known]
    if known == "grid":
        grid_levels(space, **({"points": int(points)} if points else {}))
        return replace(way, draw=partial(draw_grid, points=int(points))) if points else way
    if known == "portfolio":
        kind = "classification" if classification else "regression"
        return replace(way, draw=partial(draw_portfolio, kind=kind))
    if known == "quasi-random":
        return replace(way, draw=partial(draw_quasi_random, scramble=seed))
    return replace(way, draw=KeyFirst(draw=way.draw)) if way.keyed else way
