"""Objectives: what a search is to make small beside the loss, and which of the best configs to prefer."""

from __future__ import annotations

import difflib

from evenfit.errors import ConfigError

LOSS, SIZE, LATENCY = "loss", "size", "latency"
OBJECTIVES = (LOSS, SIZE, LATENCY)

SMALL, KNEE = "small", "knee"
PREFERENCES = (LOSS, SMALL, KNEE)
"""The lowest loss; the smallest or fastest within one corrected standard error of it; the knee of the front."""


def second_objective(objectives: tuple[str, ...]) -> str | None:
    """Give what is to be small beside the loss: size or latency; None where the loss is all.

    Raises:
        ConfigError: an objective is not known, the loss is missing, or there is not one beside it.

    Example:
        >>> second_objective(("loss", "size")), second_objective(())
        ('size', None)
    """
    if not objectives:
        return None
    for name in objectives:
        if name not in OBJECTIVES:
            near = difflib.get_close_matches(name, OBJECTIVES, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigError(f"objectives must be loss and one of size, latency; got {name!r}{hint}")
    others = [name for name in dict.fromkeys(objectives) if name != LOSS]
    if len(others) != 1 or LOSS not in objectives:
        raise ConfigError(
            f"objectives must be loss and one of size, latency, such as loss,size; got {','.join(objectives)}"
            + ("; for the loss alone, leave the option out" if not others else "")
        )
    return others[0]


def check_preference(preference: str, objectives: tuple[str, ...]) -> None:
    """Refuse a preference that is not known, or that has no second objective to go by.

    Raises:
        ConfigError: it is one of these.
    """
    if preference not in PREFERENCES:
        near = difflib.get_close_matches(preference, PREFERENCES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ConfigError(f"prefer must be one of {', '.join(PREFERENCES)}; got {preference!r}{hint}")
    if preference != LOSS and not objectives:
        raise ConfigError(f"prefer {preference} needs objectives, such as loss,size")
