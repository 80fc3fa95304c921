"""Expected: a forecast in words, alone and against what happened."""

from __future__ import annotations

from evenfit.report.digits import count, duration
from evenfit.results.forecast import Forecast, Range


def expected(known: Forecast) -> str:
    """What a search is expected to come to.

    Example:
        >>> trials, seconds, epochs = Range(low=60, high=90), Range(low=60, high=60), Range(low=5000, high=9000)
        >>> expected(Forecast(default_seconds=1.5, speed=1.0, trials=trials, seconds=seconds, epochs=epochs))
        '60 to 90 configs and 5,000 to 9,000 epochs in 60 s'
    """
    spent = duration(known.seconds.low)
    if known.seconds.high > known.seconds.low:
        spent = f"{spent} to {duration(known.seconds.high)}"
    return f"{_between(known.trials, 'config')} and {_between(known.epochs, 'epoch')} in {spent}"


def against(known: Forecast, *, trials: int, seconds: float, epochs: int) -> str:
    """What was expected, and what came of it."""
    return (
        f"{expected(known)}, after the default config; it was {count(trials, 'config')} and "
        f"{count(epochs, 'epoch')} in {duration(seconds)}"
    )


def _between(known: Range, noun: str) -> str:
    low, high = round(known.low), round(known.high)
    return count(low, noun) if low == high else f"{low:,} to {count(high, noun)}"
