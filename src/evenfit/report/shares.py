"""Shares of a loss's variance, in words."""

from __future__ import annotations

from evenfit.report.words import value_word
from evenfit.results.hyperparameters import Hyperparameter, Hyperparameters, Pair

_WORTH_SAYING = 0.01  # share of a pair


def depended_on(known: Hyperparameters) -> str:
    """Which hyperparameters the losses depended on, and which pair; or why it is not known.

    Example:
        >>> depended_on(Hyperparameters(trials=8, refusal="importance needs 20 configs"))
        'not known: importance needs 20 configs'
    """
    if known.refusal:
        return f"not known: {known.refusal}"
    clear = [one for one in known.alone if one.clear]
    named = ", ".join(f"{label(one)} ({hundredths(one.share.mean)}%)" for one in clear[:3])
    said = named or "no hyperparameter is told from chance"
    pairs = [one for one in known.pairs if one.clear and one.share.mean >= _WORTH_SAYING]
    if pairs:
        said += f"; together, beyond that: {label(pairs[0])} ({hundredths(pairs[0].share.mean)}%)"
    return f"{said}: shares of the loss's variance over {known.trials} configs, as searched"


def label(one: Hyperparameter | Pair) -> str:
    """One hyperparameter, or two, in words."""
    return " with ".join(map(value_word, one.names)) if isinstance(one, Pair) else value_word(one.name)


def hundredths(share: float) -> str:
    """A share in hundredths, of which small ones keep a digit.

    Example:
        >>> hundredths(0.4249), hundredths(0.0042)
        ('42', '0.4')
    """
    return f"{100 * share:.0f}" if share >= 0.0095 else f"{100 * share:.1f}"
