"""Hyperband as W&B stops runs by it: one asynchronous bracket of successive halving."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evenfit.errors import SweepError
from evenfit.sweeps.parameters import check_keys


@dataclass(frozen=True, kw_only=True)
class Hyperband:
    """At which counts of logged values runs are compared, and how.

    Li et al., "A system for massively parallel hyperparameter tuning", MLSys 2020, is the algorithm; W&B's own
    code the rule.
    """

    bands: tuple[int, ...]  # ascending
    eta: float = 3
    strict: bool = True  # judged by the value at the band, not by the best so far

    @classmethod
    def parse(cls, given: Any) -> Hyperband:
        """Make it of a sweep file's ``early_terminate``.

        >>> Hyperband.parse({"type": "hyperband", "max_iter": 27, "s": 2}).bands
        (3, 9)

        Raises:
            SweepError: it is not as the schema has it.
        """
        if not isinstance(given, Mapping):
            raise SweepError(f"early_terminate must be a mapping with type, got {given!r}")
        check_keys(given, ["type", "min_iter", "max_iter", "s", "eta", "strict"], where="early_terminate")
        if given.get("type") != "hyperband":
            raise SweepError(f"early_terminate.type must be hyperband, got {given.get('type')!r}")
        for key in ("min_iter", "max_iter", "s"):
            value = given.get(key, 1)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise SweepError(f"early_terminate.{key} must be a whole number of at least 1, got {value!r}")
        eta, strict = given.get("eta", 3), given.get("strict", True)
        if isinstance(eta, bool) or not isinstance(eta, int | float) or not 1 < eta < float("inf"):
            raise SweepError(f"early_terminate.eta must be a number above 1, got {eta!r}")
        if not isinstance(strict, bool):
            raise SweepError(f"early_terminate.strict must be true or false, got {strict!r}")
        if "max_iter" in given and "s" not in given:
            raise SweepError("early_terminate with max_iter needs s, the number of bands; or give min_iter alone")
        if "max_iter" in given:
            bands = _below(given["max_iter"], eta, count=given["s"])
        elif "min_iter" in given:
            bands = _above(given["min_iter"], eta)
        else:
            raise SweepError("early_terminate needs min_iter, or max_iter and s")
        if not bands:
            raise SweepError(f"early_terminate has no band: max_iter {given['max_iter']} is below eta {eta:g}")
        return cls(bands=tuple(bands), eta=eta, strict=strict)

    def stops(self, history: Sequence[float], others: Sequence[Sequence[float]]) -> bool:
        """Whether a running run is stopped now.

        Args:
            history: Its finite values so far, lower is better.
            others: Those of all runs, its own among them, whether they run or have ended.
        """
        reached = [band for band in self.bands if band <= len(history)]
        if not reached:
            return False
        band = reached[-1]
        value = history[band - 1] if self.strict else min(history)
        there = sorted(other[band - 1] for other in others if len(other) >= band)
        return value > there[int(len(there) / self.eta)]


def _below(last: float, eta: float, *, count: int) -> list[int]:
    """The bands below a last one; divided again and again, as W&B does, for powers round differently."""
    bands: list[int] = []
    while len(bands) < count and (last := last / eta) >= 1:
        bands.append(int(last))
    return bands[::-1]


def _above(first: float, eta: float) -> list[int]:
    """A first band and a hundred above it; whole numbers stay exact."""
    bands: list[int] = []
    for _ in range(100):
        bands.append(int(first))
        first *= eta
        if first > 1e300:
            break
    return bands
