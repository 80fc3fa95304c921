"""Budget: what may be spent on a study: seconds, trials, epochs, or several of them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from evenfit.errors import BudgetError

_SECONDS = {"": 1.0, "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "m": 60.0, "min": 60.0, "minute": 60.0}
_SECONDS |= {"minutes": 60.0, "h": 3600.0, "hour": 3600.0, "hours": 3600.0}
_COUNTED = {"trial": "trials", "trials": "trials", "epoch": "epochs", "epochs": "epochs"}
_WANTED = (
    "a budget is a time such as 60s, 5m or 1h, a number of trials such as '40 trials', a number of epochs such as "
    "'3000 epochs', or several of them with commas"
)
UNITS = ("seconds", "trials", "epochs")


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Seconds, trials and epochs that may be spent; the one that is reached first ends the study.

    An epoch is one pass of one network over its training rows: a config with 32 epochs on 5 splits takes 160.

    Raises:
        BudgetError: none is given, or one is not above 0.

    Example:
        >>> Budget.parse("5m, 200 trials, 3000 epochs")
        Budget(seconds=300.0, trials=200, epochs=3000)
    """

    seconds: float | None = None
    trials: int | None = None
    epochs: int | None = None

    def __post_init__(self) -> None:
        if self.seconds is None and self.trials is None and self.epochs is None:
            raise BudgetError(f"{_WANTED}; got nothing")
        if self.seconds is not None and not (0 < self.seconds < math.inf):
            raise BudgetError(f"{_WANTED}, above 0; got {self.seconds:g} seconds")
        for unit in ("trials", "epochs"):
            value = getattr(self, unit)
            if value is not None and value < 1:
                raise BudgetError(f"{_WANTED}, at least 1; got {value} {unit}")

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Read a budget as a user writes it: ``60s``, ``1.5h``, ``90``, ``40 trials``, ``5m, 200 trials``.

        Raises:
            BudgetError: the text is not of that form, is 0, or says the same unit twice.
        """
        values: dict[str, float | int] = {}
        for part in re.split(r",|\bor\b", text.lower()):
            unit, number = _part(part, text)
            if unit in values:
                raise BudgetError(f"{_WANTED}; got {text!r}, which says {unit} twice")
            values[unit] = number
        return cls(**values)  # type: ignore[arg-type]

    @property
    def units(self) -> tuple[str, ...]:
        """The names of what is limited.

        Example:
            >>> Budget.parse("5m, 40 trials").units
            ('seconds', 'trials')
        """
        return tuple(unit for unit in UNITS if getattr(self, unit) is not None)

    @property
    def timed(self) -> bool:
        """Whether the clock has a part in it: then no two runs are the same."""
        return self.seconds is not None

    def extended(self, more: Budget) -> Budget:
        """Give the budget with so much more of its own units.

        Raises:
            BudgetError: it has no such unit.

        Example:
            >>> Budget.parse("5m, 40 trials").extended(Budget.parse("20 trials"))
            Budget(seconds=300.0, trials=60, epochs=None)
        """
        foreign = [unit for unit in more.units if unit not in self.units]
        if foreign:
            raise BudgetError(
                f"a budget of {budget_text(self)} can be extended by {' or '.join(self.units)} alone; "
                f"got {budget_text(more)}"
            )
        return replace(self, **{unit: getattr(self, unit) + getattr(more, unit) for unit in more.units})

    def to_json(self) -> dict[str, float | int | None]:
        """Give all limits by name."""
        return {unit: getattr(self, unit) for unit in UNITS}


def budget_text(budget: Budget) -> str:
    """A budget as a user writes it.

    Example:
        >>> budget_text(Budget(seconds=90, trials=40))
        '90s, 40 trials'
    """
    said = {unit: f"{getattr(budget, unit)} {unit}" for unit in budget.units}
    if budget.seconds is not None:
        said["seconds"] = f"{float(budget.seconds)!r}s".replace(".0s", "s")
    return ", ".join(said.values())


def _part(part: str, text: str) -> tuple[str, float | int]:
    """One limit: its unit and its number."""
    found = re.fullmatch(r"\s*\+?([0-9]*\.?[0-9]+(?:e[0-9]+)?)\s*([a-z]*)\s*", part)
    if not found:
        raise BudgetError(f"{_WANTED}; got {text!r}")
    number, unit = float(found[1]), found[2]
    if unit in _COUNTED:
        if not math.isfinite(number) or number != int(number):
            raise BudgetError(f"{_WANTED}; got {text!r}, which is not a whole number of {_COUNTED[unit]}")
        return _COUNTED[unit], int(number)
    if unit not in _SECONDS:
        raise BudgetError(f"{_WANTED}; got {text!r}, whose unit is not known")
    return "seconds", number * _SECONDS[unit]
