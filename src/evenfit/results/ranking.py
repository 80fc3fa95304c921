"""Ranking: which regularisers mattered, as it was measured, or as the search suggests."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from evenfit.results.ablation import Effect
from evenfit.results.leaning import Lean

ABLATION, SEARCH, NONE = "ablation", "search", "none"


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """The regularisers, the most important first, and how that is known.

    Effects are of the selected config, which was trained anew without each; where there was no time for it, the
    leaning of the search takes their place: an average over all configs that were tried.
    """

    effects: tuple[Effect, ...] = ()
    leaning: tuple[Lean, ...] = ()
    unmeasured: tuple[str, ...] = ()  # regularisers of the selected config that time did not suffice for

    @property
    def method(self) -> str:
        """Ablation, search, or none where neither could be had."""
        if self.effects:
            return ABLATION
        return SEARCH if self.leaning else NONE

    def to_json(self) -> dict[str, Any]:
        """Give the ranking as plain values; what is infinite is None."""
        return {
            "method": self.method,
            "measured": [
                {
                    "name": effect.name,
                    "value": effect.value,
                    "rise": {
                        "mean": _finite(effect.rise.mean),
                        "low": _finite(effect.rise.low),
                        "high": _finite(effect.rise.high),
                        "level": effect.rise.level,
                    },
                    "chance": effect.chance,
                    "verdict": effect.verdict,
                }
                for effect in self.effects
            ],
            "unmeasured": list(self.unmeasured),
            "search": [
                {
                    "name": lean.name,
                    "importance": lean.importance,
                    "among_best": lean.among_best,
                    "among_all": lean.among_all,
                }
                for lean in self.leaning
            ],
        }


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
