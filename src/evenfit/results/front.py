"""Front: the configs than which no other is better in both, the loss and what a network costs in use."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from evenfit.results.intervals import corrected_interval
from evenfit.results.selection import select, validation_rows
from evenfit.results.study import Front, FrontPoint, Truth
from evenfit.results.trial import COMPLETE, Trial
from evenfit.specs.objectives import KNEE, LOSS, SMALL

Numbers = npt.NDArray[np.floating]
Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Prices:
    """What each config of a search costs in use: one number a trial, in the order of the trials."""

    objective: str  # size or latency
    values: tuple[float, ...]  # parameters of one network, or microseconds a row of the networks of all splits
    how: str  # counted, measured, or by the cost model
    networks: int  # of one config: one for each split
    left: Mapping[int, float] = field(default_factory=dict)  # of complete trials: parameters that are not exactly 0


def non_dominated(losses: Numbers, prices: Numbers) -> Flags:
    """Say which points no other beats: none is at most as high in both and lower in one. [T] each.

    What is not finite is never among them; equals are there together.

    Example:
        >>> non_dominated(np.array([1.0, 2.0, 3.0, 2.5]), np.array([9.0, 5.0, 4.0, 6.0])).tolist()
        [True, True, True, False]
    """
    finite = np.isfinite(losses) & np.isfinite(prices)
    found = np.zeros(len(losses), dtype=bool)
    best = math.inf
    order = np.lexsort((losses, prices))
    for price in np.unique(prices[finite]):
        own = order[(prices[order] == price) & finite[order]]
        lowest = losses[own].min()
        if lowest < best:
            found[own[losses[own] == lowest]] = True
            best = lowest
    return found


def hypervolume(losses: Numbers, prices: Numbers, *, reference: tuple[float, float]) -> float:
    """Give the area between a set of points and a reference that is worse than they are: what the set dominates.

    Zitzler & Thiele, "Multiobjective optimization using evolutionary algorithms: a comparative case study", PPSN
    1998. Points that are not better than the reference in both add nothing.

    Example:
        >>> hypervolume(np.array([1.0, 2.0]), np.array([3.0, 1.0]), reference=(4.0, 4.0))
        7.0
    """
    inside = (losses < reference[0]) & (prices < reference[1])
    kept = inside & non_dominated(np.where(inside, losses, np.inf), prices)
    area, ceiling = 0.0, reference[0]
    for price, loss in sorted(set(zip(prices[kept].tolist(), losses[kept].tolist(), strict=True))):
        area += (reference[1] - price) * (ceiling - loss)
        ceiling = loss
    return area


def ranks(losses: Numbers, prices: Numbers) -> Array:
    """Rank points by fronts, and within one by how much of the front's area is theirs alone: [T], 0 is first.

    Deb, Pratap, Agarwal & Meyarivan, "A fast and elitist multiobjective genetic algorithm: NSGA-II", 2002, with
    the hypervolume in place of the crowding distance, as in Beume, Naujoks & Emmerich, "SMS-EMOA", 2007. Prices count
    by their logarithm, and both ends of a front come before the rest of it. What is not finite comes last.
    """
    prices = np.log(np.maximum(prices, 1e-300))
    left = np.isfinite(losses) & np.isfinite(prices)
    found = np.full(len(losses), float(len(losses)))
    place = 0
    while left.any():
        front = np.flatnonzero(non_dominated(np.where(left, losses, np.inf), prices))
        own = _contributions(losses[front], prices[front])
        for number in front[np.lexsort((front, -own))]:
            found[number] = place
            place += 1
        left[front] = False
    return found


def _contributions(losses: Numbers, prices: Numbers) -> Array:
    """The area that each point of a front alone dominates; without bound at both ends."""
    order = np.lexsort((losses, prices))
    found = np.full(len(losses), math.inf)
    for before, own, after in zip(order, order[1:], order[2:], strict=False):
        found[own] = (prices[after] - prices[own]) * (losses[before] - losses[own])
    return found


def make_front(truth: Truth, trials: Sequence[Trial], prices: Prices, *, rule: str) -> Front:
    """Give the complete trials that no other complete one beats, from the cheapest to that of the lowest loss.

    Raises:
        ValueError: no trial has a finite loss.
    """
    complete = [place for place, trial in enumerate(trials) if trial.status == COMPLETE and math.isfinite(trial.loss)]
    losses = np.array([trials[place].loss for place in complete])
    known = np.array([prices.values[place] for place in complete])
    kept = sorted(
        (complete[i] for i in np.flatnonzero(non_dominated(losses, known))), key=lambda place: prices.values[place]
    )
    chosen = {name: trials[select(truth, trials, rule=name, prices=prices.values)].number for name in (SMALL, KNEE)}
    return Front(
        objective=prices.objective,
        how=prices.how,
        networks=prices.networks,
        prefer=rule if rule in (SMALL, KNEE) else LOSS,
        points=tuple(_point(truth, trials[place], prices, place) for place in kept),
        small=chosen[SMALL],
        knee=chosen[KNEE],
        prices=tuple(prices.values),
    )


def _point(truth: Truth, trial: Trial, prices: Prices, place: int) -> FrontPoint:
    loss = corrected_interval(
        trial.selection_loss[trial.best], training_rows=truth.training_rows, validation_rows=validation_rows(truth)
    )
    return FrontPoint(trial=trial.number, loss=loss, price=prices.values[place], left=prices.left.get(trial.number))
