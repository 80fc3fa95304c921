"""The trade of loss against size or latency, in words."""

from __future__ import annotations

from evenfit.report.digits import count, short
from evenfit.report.words import metric_word
from evenfit.results.study import Front, FrontPoint, Study
from evenfit.specs.objectives import LATENCY, SIZE, SMALL


def traded(study: Study, front: Front) -> str:
    """What the front offers: its ends, what a smaller network costs in loss, and how the selected one was chosen."""
    loss = metric_word(study.truth.metric)
    cheapest, lowest = front.points[0], front.points[-1]
    if len(front.points) == 1:
        said = f"one config is best in both, {point_words(lowest, front, loss=loss)}"
    else:
        said = (
            f"{count(len(front.points), 'config')} from {point_words(cheapest, front, loss=loss)} to "
            f"{point_words(lowest, front, loss=loss)}"
        )
    own = {trial.number: price for trial, price in zip(study.trials, front.prices, strict=True)}
    less = own[lowest.trial] / own[front.small] if own[front.small] > 0 else 1.0
    if front.small != lowest.trial:
        said += f"; within one standard error of that: {amount(own[front.small], front)}, {short(less)} times less"
    else:
        said += "; none that is cheaper lies within one standard error of that"
    chosen = {SMALL: f"the {superlative(front)} of these is selected", "knee": "the knee of the front is selected"}
    said += f"; {chosen.get(front.prefer, 'the lowest loss is selected')}"
    return f"{said}. {unit(front)}"


def point_words(point: FrontPoint, front: Front, *, loss: str) -> str:
    """A point of the front: its price and its loss."""
    return f"{amount(point.price, front)} ({loss} {short(point.loss.mean, digits=4)})"


def amount(price: float, front: Front) -> str:
    """A price with its unit."""
    return count(round(price), "parameter") if front.objective == SIZE else f"{short(price)} µs"


def superlative(front: Front) -> str:
    """What the cheapest is."""
    return "smallest" if front.objective == SIZE else "fastest"


def unit(front: Front) -> str:
    """What a price is, how it is known, and of how many networks."""
    if front.objective == LATENCY:
        return f"Microseconds to predict one row by a config's {count(front.networks, 'network')}, {front.how}."
    return f"Parameters of one network; a config has {front.networks}, one for each split."
