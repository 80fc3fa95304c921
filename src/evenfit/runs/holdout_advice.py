"""Holdout advice: where many rows make folds too dear for a budget in seconds, what costs less."""

from __future__ import annotations

from evenfit.data.cells import times

_MANY_ROWS = 20_000  # of fewer, a holdout has too little to judge by, and folds cost seconds
_FEW_CONFIGS = 3  # complete ones, the default among them


def or_holdout(rows: int, *, splits: int) -> str:
    """Say what costs less than to judge many rows by folds; nothing where rows are few, or there is one split.

    Example:
        >>> or_holdout(100_000, splits=5)
        ', or hold rows out (holdout 0.25), which trains each config once instead of 5 times'
        >>> or_holdout(100_000, splits=1), or_holdout(500, splits=5)
        ('', '')
    """
    if rows < _MANY_ROWS or splits == 1:
        return ""
    return f", or hold rows out (holdout 0.25), which trains each config once instead of {splits} times"


def few_configs(complete: int, *, rows: int, splits: int) -> tuple[str, ...]:
    """Give the note for a search of many rows that time ended when few configs were complete.

    Example:
        >>> few_configs(2, rows=500, splits=5), few_configs(9, rows=100_000, splits=5)
        ((), ())
    """
    advice = or_holdout(rows, splits=splits)
    if complete > _FEW_CONFIGS or not advice:
        return ()
    return (f"time sufficed for {times(complete, 'complete config')} alone: give it more{advice}",)
