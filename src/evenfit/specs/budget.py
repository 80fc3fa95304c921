"""Budget: what may be spent on a study, in seconds or in trials."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from evenfit.errors import BudgetError

_UNITS = {"s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "m": 60.0, "min": 60.0, "minute": 60.0, "minutes": 60.0}
_UNITS |= {"h": 3600.0, "hour": 3600.0, "hours": 3600.0, "": 1.0}
_WANTED = "a budget is a time such as 60s, 5m or 1h, or a number of trials such as '40 trials'"


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Seconds or trials that may be spent; the one that is reached first ends the study.

    Raises:
        BudgetError: neither is given, or one is not above 0.

    Example:
        >>> Budget.parse("5m").seconds
        300.0
    """

    seconds: float | None = None
    trials: int | None = None

    def __post_init__(self) -> None:
        if self.seconds is None and self.trials is None:
            raise BudgetError(f"{_WANTED}; got nothing")
        if self.seconds is not None and not (0 < self.seconds < math.inf):
            raise BudgetError(f"{_WANTED}, above 0; got {self.seconds:g} seconds")
        if self.trials is not None and self.trials < 1:
            raise BudgetError(f"{_WANTED}, at least 1; got {self.trials} trials")

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Read a budget as a user writes it: ``60s``, ``5m``, ``1.5h``, ``90``, ``40 trials``.

        Raises:
            BudgetError: the text is not of that form, or is 0.
        """
        found = re.fullmatch(r"\s*([0-9]*\.?[0-9]+(?:e[0-9]+)?)\s*([a-z]*)\s*", text.lower())
        if not found:
            raise BudgetError(f"{_WANTED}; got {text!r}")
        number, unit = float(found[1]), found[2]
        if unit in ("trial", "trials"):
            if number != int(number):
                raise BudgetError(f"{_WANTED}; got {text!r}, which is not a whole number of trials")
            return cls(trials=int(number))
        if unit not in _UNITS:
            raise BudgetError(f"{_WANTED}; got {text!r}, whose unit is not known")
        return cls(seconds=number * _UNITS[unit])

    def to_json(self) -> dict[str, float | int | None]:
        """Give both limits by name."""
        return {"seconds": self.seconds, "trials": self.trials}
