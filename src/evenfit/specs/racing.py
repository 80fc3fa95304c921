"""Racing: when the worse configs of a heat leave it.

To add a way, write the function and name it in `RACINGS`; `tests/specs/test_racing.py` then holds it
to the laws that all share.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from evenfit.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Racing:
    """How the configs of one heat are raced.

    Raises:
        ConfigError: a share is out of its range, or the rungs do not rise.
    """

    rungs: tuple[float, ...] = ()  # shares of the epochs at which 1 / thinning of the configs that are left survive
    thinning: float = 2.0
    first: float = 0.0  # share of the splits that are trained before the others; 0 trains all together
    configs: float = 1.0  # configs of the heat, as a share of those of a good fleet

    def __post_init__(self) -> None:
        if not all(0 < rung < 1 for rung in self.rungs) or list(self.rungs) != sorted(set(self.rungs)):
            raise ConfigError(f"rungs must be rising shares of the epochs between 0 and 1, got {self.rungs}")
        if not self.thinning > 1:
            raise ConfigError(f"thinning must be above 1, got {self.thinning}")
        if not 0 <= self.first < 1 or not 0 < self.configs <= 1:
            raise ConfigError(f"shares must lie between 0 and 1, got first {self.first} and configs {self.configs}")

    def entries(self, most: int) -> int:
        """Say how many configs a heat takes, where ``most`` make a good fleet."""
        return max(1, math.ceil(most * self.configs))

    def rungs_of(self, configs: int) -> tuple[float, ...]:
        """Give the rungs that so many configs need until one of them is left: the last ones.

        Example:
            >>> halving(1).rungs_of(8), halving(1).rungs_of(2), halving(1).rungs_of(1)
            ((0.25, 0.5), (0.5,), ())
        """
        needed = 0
        while configs > 1 and needed < len(self.rungs):
            configs, needed = survivors(configs, self.thinning), needed + 1
        return self.rungs[len(self.rungs) - needed :]

    def trained(self, configs: int) -> float:
        """Estimate the share of all epochs of all splits that a race of so many configs trains.

        Where some splits come first, half of the configs are taken to go on.

        Example:
            >>> halving(1).trained(8), without(1).trained(8)
            (0.5, 1.0)
        """
        if self.first:
            return self.first + (1 - self.first) / 2
        left, spent, since = configs, 0.0, 0.0
        for rung in self.rungs_of(configs):
            spent += left * (rung - since)
            left, since = survivors(left, self.thinning), rung
        return (spent + left * (1 - since)) / configs


def survivors(configs: int, thinning: float) -> int:
    """Say how many of so many configs pass a rung.

    Example:
        >>> survivors(8, 2.0), survivors(1, 2.0)
        (4, 1)
    """
    return max(1, round(configs / thinning))


def halving(heat: int) -> Racing:
    """Keep the better half after a quarter of the epochs, and the better half of those after half of them.

    Successive halving: Jamieson & Talwalkar, "Non-stochastic best arm identification and hyperparameter
    optimization", AISTATS 2016.
    """
    del heat
    return Racing(rungs=(0.25, 0.5))


def hyperband(heat: int) -> Racing:
    """Take turns between many configs that are thinned early, and few that are not.

    Li, Jamieson, DeSalvo, Rostamizadeh & Talwalkar, "Hyperband: a novel bandit-based approach to hyperparameter
    optimization", JMLR 2018, with epochs as the resource and eta = 3: a third survives a rung. A heat is a bracket,
    named by its number, and a bracket is one fleet: 9, 5 or 3 configs of nine.

    Example:
        >>> [len(hyperband(heat).rungs) for heat in (1, 2, 3, 4)], [hyperband(heat).entries(9) for heat in (1, 2, 3)]
        ([2, 1, 0, 2], [9, 5, 3])
    """
    earliest = _EARLIEST - (heat - 1) % (_EARLIEST + 1)
    rungs = tuple(_ETA ** -float(rung) for rung in range(earliest, 0, -1))
    configs = math.ceil((_EARLIEST + 1) / (earliest + 1) * _ETA**earliest)
    return Racing(rungs=rungs, thinning=float(_ETA), configs=configs / _ETA**_EARLIEST)


def finish_best(heat: int) -> Racing:
    """Train all for an eighth of the epochs, and finish the best quarter.

    "i-Epoch": Egele, Mohr, Viering & Balaprakash, "The unreasonable effectiveness of early discarding after one
    epoch in neural network hyperparameter optimization", Neurocomputing 2024.
    """
    del heat
    return Racing(rungs=(0.125,), thinning=4.0)


def forgiving(heat: int) -> Racing:
    """Train two fifths of the folds, and the others where the mean so far is below the incumbent's worst fold.

    Bergman, Purucker & Hutter, "Don't waste your time: early stopping cross-validation", AutoML 2024.
    """
    del heat
    return Racing(first=0.4)


def without(heat: int) -> Racing:
    """Train every config to its end."""
    del heat
    return Racing()


RACINGS: Mapping[str, Callable[[int], Racing]] = {
    "halving": halving,
    "hyperband": hyperband,
    "finish-best": finish_best,
    "forgiving": forgiving,
    "none": without,
}
"""What each name makes of a heat's number, and of nothing else."""

RACING = "halving"
"""The default."""

_ETA, _EARLIEST = 3, 2  # a third survives a rung; the first rung of the longest bracket is at 1/9 of the epochs


def racing_of(name: str) -> Callable[[int], Racing]:
    """Find a way to race by its name.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in RACINGS:
        raise ConfigError(f"racing must be one of {', '.join(RACINGS)}; got {name!r}")
    return RACINGS[name]
