"""Signs: the numbers that a verdict rests on, and what each of them speaks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from evenfit.results.diagnosis.diagnosis import DataSlope, Parts, SplitCheck
from evenfit.results.diagnosis.regime import (
    BALANCED,
    NOISE_LIMITED,
    OVERFIT,
    UNDERFIT,
    UNREPRESENTATIVE,
    Evidence,
)
from evenfit.results.diagnosis.remedy import HELPS, Remedy
from evenfit.results.study import Interval
from evenfit.results.verdict import FALLING, LEARNT, MOST, NOTABLE, SOME, WIDE

LESS_VARIANCE, LESS_BIAS = "less variance", "less bias"
ENSEMBLE = "ensemble"
WORTH = 2.0  # percent of the loss: a remedy that helps by less says nothing of the regime
LITTLE = 5.0  # percent of the loss: where nothing gains more, not even rows, what is left is mostly noise
SMALL_GAP = 0.2  # of the validation loss: a larger gap is never noise alone
EXPLAINED = 0.1  # of the constant prediction's loss: what loses less than this is a good fit, noise or not


@dataclass(frozen=True, kw_only=True)
class Signs:
    """What was measured, as far as the verdict looks at it."""

    loss: str  # squared error or log loss: what the first four are
    training: Interval
    validation: Interval
    gap: Interval
    constant: float  # of predicting the same for every row
    remedies: tuple[Remedy, ...]
    falling: Interval | None = None  # change of the validation loss over the last quarter of the epochs
    turned: Interval | None = None  # rise of the validation loss since its lowest epoch
    data: DataSlope | None = None
    parts: Parts | None = None
    split_check: SplitCheck | None = None
    error: float | None = None  # acceptable, as a loss of the headline metric
    training_headline: float | None = None  # loss of the headline metric on training rows
    headline: Interval | None = None  # on fresh rows

    @property
    def way(self) -> float:
        """How far training has come from the constant prediction."""
        return self.constant - self.training.mean

    @property
    def lost(self) -> float:
        """The share of that way that fresh rows do not share."""
        return self.gap.mean / self.way if self.way > 0 else float("inf") if self.gap.mean > 0 else 0.0

    @property
    def learnt(self) -> bool:
        """Whether training has come anywhere at all."""
        return self.way > LEARNT * abs(self.constant)

    def best(self, *, direction: str) -> Remedy | None:
        """The remedy of a direction that helps most, the ensemble aside; None where none helps."""
        known = [one for one in self.remedies if one.outcome == HELPS and one.direction == direction]
        known = [one for one in known if one.name != ENSEMBLE]
        return min(known, key=lambda one: one.effect.mean, default=None)

    def gains(self, *, direction: str) -> float:
        """What the best remedy of a direction gains, in percent of the loss; 0 where none helps."""
        found = self.best(direction=direction)
        return -found.percent.mean if found is not None else 0.0

    @property
    def ensemble(self) -> Remedy | None:
        """The mean of the copies' predictions."""
        return next((one for one in self.remedies if one.name == ENSEMBLE), None)

    @property
    def wide(self) -> bool:
        """Whether the gap alone is overfitting, by the rules of `verdict`."""
        if not self.gap.low > 0:
            return False
        turned = self.turned is not None and self.turned.low > 0
        return (
            self.lost >= WIDE
            or (self.lost >= SOME and self.gap.mean >= MOST * self.validation.mean)
            or (self.lost >= NOTABLE and turned)
        )

    @property
    def still_falling(self) -> bool:
        """Whether training ended before the validation loss did, by the rules of `verdict`."""
        known = self.falling
        return known is not None and known.high < 0 and -known.mean > FALLING * self.way and self.lost < NOTABLE

    @property
    def exhausted(self) -> bool:
        """Whether nothing that was measured gains much: no remedy, no ensemble, no rows."""
        tried = [one for one in self.remedies if one.direction in (LESS_BIAS, LESS_VARIANCE)]
        gained = [-one.percent.mean for one in self.remedies]  # undecided ones too: they may help
        if self.data is not None:
            gained.append(-self.data.percent.mean)
        small_gap = self.gap.mean <= SMALL_GAP * self.validation.mean
        return len(tried) >= 4 and small_gap and max(gained, default=0.0) < LITTLE


def evidence_of(signs: Signs) -> tuple[Evidence, ...]:
    """Collect what speaks for and against each regime, in the order of `SIGNS`."""
    found = (sign(signs) for sign in SIGNS)
    return tuple(one for one in found if one is not None)


def _split(signs: Signs) -> Evidence | None:
    check = signs.split_check
    if check is None:
        return None
    unlike = check.unlike
    return Evidence(
        name="split",
        words=check.sentence,
        value=check.told_apart,
        unit="auc",
        speaks_for=(UNREPRESENTATIVE,) if unlike else (),
        speaks_against=() if unlike else (UNREPRESENTATIVE,),
    )


def _gap(signs: Signs) -> Evidence:
    gap = signs.gap
    told = f"{100 * signs.lost:.0f}% of what training gained over a constant prediction is lost on fresh rows"
    if gap.low <= 0:
        told = "it cannot be told from zero"
    elif not signs.learnt:
        told = "training gained next to nothing over a constant prediction"
    return Evidence(
        name="gap",
        words=f"The gap between fresh and training rows is {_shown(gap)} of {signs.loss}: {told}.",
        value=gap,
        speaks_for=(OVERFIT,) if signs.wide else (UNDERFIT, BALANCED, NOISE_LIMITED) if signs.lost < NOTABLE else (),
        speaks_against=(UNDERFIT,) if signs.wide else (OVERFIT,) if gap.low <= 0 else (),
    )


def _level(signs: Signs) -> Evidence:
    share = signs.validation.mean / signs.constant if signs.constant > 0 else float("nan")
    return Evidence(
        name="level",
        words=f"{signs.loss.capitalize()} is {_shown(signs.training)} on training rows and "
        f"{_shown(signs.validation)} on fresh ones; predicting the same for every row gives {signs.constant:.3g}.",
        value=signs.validation,
        speaks_for=(UNDERFIT, NOISE_LIMITED) if not signs.learnt else (BALANCED,) if share < EXPLAINED else (),
    )


def _curve(signs: Signs) -> Evidence | None:
    if signs.falling is None or signs.turned is None:
        return None
    if signs.turned.low > 0:
        words = f"The validation loss rose by {_shown(signs.turned)} after its lowest epoch."
        return Evidence(
            name="curve", words=words, value=signs.turned, speaks_for=(OVERFIT,), speaks_against=(UNDERFIT,)
        )
    if signs.falling.high < 0:
        words = f"The validation loss changed by {_shown(signs.falling)} in the last quarter of the epochs"
        enough = -signs.falling.mean > FALLING * signs.way
        words += ": training ended before it did." if enough else ", which is little."
        return Evidence(name="curve", words=words, value=signs.falling, speaks_for=(UNDERFIT,) if enough else ())
    words = f"The validation loss is flat over the last quarter of the epochs: {_shown(signs.falling)}."
    return Evidence(name="curve", words=words, value=signs.falling)


def _bias(signs: Signs) -> Evidence | None:
    tried = [one for one in signs.remedies if one.direction == LESS_BIAS]
    if not tried:
        return None
    best = signs.best(direction=LESS_BIAS)
    if best is None or -best.percent.mean < WORTH:
        words = f"None of {len(tried)} changes that lower bias helps by {WORTH:.0f}% or more."
        return Evidence(name="less_bias", words=words, speaks_against=(UNDERFIT,))
    words = f"What lowers bias helps: {best.words} changes the loss by {_percent(best.percent)}."
    return Evidence(
        name="less_bias",
        words=words,
        value=best.percent,
        unit="percent",
        speaks_for=(UNDERFIT,),
        speaks_against=(NOISE_LIMITED,) if -best.percent.mean >= LITTLE else (),
    )


def _variance(signs: Signs) -> Evidence | None:
    tried = [one for one in signs.remedies if one.direction == LESS_VARIANCE and one.name != ENSEMBLE]
    if not tried:
        return None
    best = signs.best(direction=LESS_VARIANCE)
    if best is None or -best.percent.mean < WORTH:
        words = f"None of {len(tried)} changes that lower variance helps by {WORTH:.0f}% or more."
        return Evidence(name="less_variance", words=words)
    words = f"What lowers variance helps: {best.words} changes the loss by {_percent(best.percent)}."
    return Evidence(
        name="less_variance",
        words=words,
        value=best.percent,
        unit="percent",
        speaks_for=(OVERFIT,),
        speaks_against=(NOISE_LIMITED,) if -best.percent.mean >= LITTLE else (),
    )


def _ensemble(signs: Signs) -> Evidence | None:
    known = signs.ensemble
    if known is None:
        return None
    much = -known.percent.mean >= LITTLE
    return Evidence(
        name="ensemble",
        words=f"Averaging copies from several seeds changes the loss by {_percent(known.percent)}.",
        value=known.percent,
        unit="percent",
        speaks_for=(OVERFIT,) if much else (),
        speaks_against=(NOISE_LIMITED,) if much else (),
    )


def _data(signs: Signs) -> Evidence | None:
    if signs.data is None:
        return None
    much = signs.data.slope.high < 0 and -signs.data.percent.mean >= LITTLE
    flat = signs.data.percent.low > -LITTLE
    if signs.still_falling:  # fewer rows are fewer steps, which is what it lacks
        words = f"{signs.data.sentence} More rows are more steps, too."
        return Evidence(name="more_data", words=words, value=signs.data.percent, unit="percent")
    return Evidence(
        name="more_data",
        words=signs.data.sentence,
        value=signs.data.percent,
        unit="percent",
        speaks_for=(OVERFIT,) if much else (NOISE_LIMITED, UNDERFIT) if flat else (),
        speaks_against=(NOISE_LIMITED,) if much else (),
    )


def _parts(signs: Signs) -> Evidence | None:
    if signs.parts is None:
        return None
    return Evidence(name="parts", words=signs.parts.sentence)


def _error(signs: Signs) -> Evidence | None:
    if signs.error is None or signs.headline is None:
        return None
    if signs.headline.mean <= signs.error:
        words = "The loss on fresh rows is within the acceptable error."
        return Evidence(name="error", words=words, speaks_for=(BALANCED,))
    if signs.training_headline is None:
        return Evidence(name="error", words="The loss on fresh rows is above the acceptable error.")
    if signs.training_headline > signs.error:
        words = "The loss is above the acceptable error on training rows already: high bias, or noise."
        return Evidence(name="error", words=words, speaks_for=(UNDERFIT, NOISE_LIMITED), speaks_against=(OVERFIT,))
    words = "The loss is within the acceptable error on training rows, and above it on fresh ones: high variance."
    return Evidence(name="error", words=words, speaks_for=(OVERFIT,), speaks_against=(UNDERFIT,))


SIGNS: tuple[Callable[[Signs], Evidence | None], ...] = (
    _split,
    _error,
    _gap,
    _level,
    _curve,
    _bias,
    _variance,
    _data,
    _ensemble,
    _parts,
)


def _shown(interval: Interval) -> str:
    return f"{interval.mean:.3g} ({interval.low:.3g} to {interval.high:.3g})"


def _percent(interval: Interval) -> str:
    return f"{interval.mean:+.1f}% ({interval.low:+.1f} to {interval.high:+.1f})"
