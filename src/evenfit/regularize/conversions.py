"""Conversions: the same penalty as torch, scikit-learn, and the original form of dropout say it.

Strengths are those of the notes: J + lambda R, where L2 is sum w^2 without a half and J is a mean per row. Each
function says what J is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from evenfit.errors import RegularizeError
from evenfit.regularize.penalties.elastic_net import ElasticNet
from evenfit.regularize.penalties.group_lasso import GroupLasso
from evenfit.regularize.penalties.l1 import L1
from evenfit.regularize.penalties.l2 import L2
from evenfit.regularize.penalties.max_norm import MaxNorm
from evenfit.regularize.penalties.penalty import Penalty, Total
from evenfit.regularize.penalties.sparse_group_lasso import SparseGroupLasso
from evenfit.regularize.penalties.spectral_bound import SpectralBound
from evenfit.regularize.selection import Strength

Fed = TypeVar("Fed", bound=Penalty)  # a penalty on the weights that dropped units feed


def to_weight_decay(penalty: L2 | ElasticNet, *, learning_rate: float | None = None) -> float:
    """Give torch's ``weight_decay`` that equals an L2 penalty, or an elastic net with beta 0.

    Without a learning rate it is the ``weight_decay`` of SGD, and of all optimisers that add it to the gradient (Adam
    too): 2 lambda, for the penalty in the loss. With the learning rate it is that of AdamW, and of all that decay
    weights apart from the gradient: 2 lambda / (1 + 2 eta lambda), which shrinks weights in each step as the proximal
    step of ``Proximal`` does.

    Raises:
        RegularizeError: the penalty is another, or has more than one strength.

    Example:
        >>> to_weight_decay(L2(strength=0.5)), to_weight_decay(L2(strength=0.5), learning_rate=1.0)
        (1.0, 0.5)
    """
    squares = _squares(penalty)
    return 2 * squares / (1 + 2 * _rate(learning_rate) * squares)


def from_weight_decay(weight_decay: float, *, learning_rate: float | None = None) -> L2:
    """Give the L2 penalty that equals torch's ``weight_decay``; the inverse of ``to_weight_decay``.

    torch decays every parameter of a group, biases too; this penalty sees weights alone, unless ``kinds`` says more.

    Raises:
        RegularizeError: a negative decay, or one of AdamW that takes all of a weight in a step.

    Example:
        >>> from_weight_decay(1.0).strength, from_weight_decay(0.5, learning_rate=1.0).strength
        (0.5, 0.5)
    """
    decay = _number("weight_decay", weight_decay)
    left = 1 - _rate(learning_rate) * decay
    if left <= 0:
        raise RegularizeError(f"a weight_decay of {decay:g} at a learning rate of {learning_rate} leaves no weight")
    return L2(strength=decay / (2 * left))


def from_lasso(alpha: float, *, targets: int = 1) -> L1:
    """Give the penalty of scikit-learn's ``Lasso(alpha)`` for J = ``nn.MSELoss()``: lambda = 2 alpha.

    scikit-learn minimises 1/(2n) ||y - Xw||^2 + alpha sum|w|, and J is its first part, doubled; with several targets,
    of which scikit-learn takes the sum and J the mean, also divided by their number.

    Example:
        >>> from_lasso(0.1).strength
        0.2
    """
    return L1(strength=2 * _number("alpha", alpha) / _count("targets", targets))


def to_lasso(penalty: L1, *, targets: int = 1) -> float:
    """Give the ``alpha`` of scikit-learn's ``Lasso``; the inverse of ``from_lasso``."""
    return _single(_kind(penalty, L1).strength) * _count("targets", targets) / 2


def from_ridge(alpha: float, *, rows: float, targets: int = 1) -> L2:
    """Give the penalty of scikit-learn's ``Ridge(alpha)`` for J = ``nn.MSELoss()``: lambda = alpha / n.

    scikit-learn minimises ||y - Xw||^2 + alpha sum w^2. With sample weights n is their sum.

    Example:
        >>> from_ridge(5.0, rows=100).strength
        0.05
    """
    return L2(strength=_number("alpha", alpha) / (_count("rows", rows) * _count("targets", targets)))


def to_ridge(penalty: L2 | ElasticNet, *, rows: float, targets: int = 1) -> float:
    """Give the ``alpha`` of scikit-learn's ``Ridge``; the inverse of ``from_ridge``."""
    return _squares(penalty) * _count("rows", rows) * _count("targets", targets)


def from_elastic_net(alpha: float, *, l1_ratio: float, targets: int = 1) -> ElasticNet:
    """Give the penalty of scikit-learn's ``ElasticNet`` for J = ``nn.MSELoss()``: lambda = 2 alpha, beta = l1_ratio.

    Example:
        >>> net = from_elastic_net(0.1, l1_ratio=0.7)
        >>> net.strength, net.beta
        (0.2, 0.7)
    """
    return ElasticNet(strength=2 * _number("alpha", alpha) / _count("targets", targets), beta=l1_ratio)


def to_elastic_net(penalty: ElasticNet | L1 | L2, *, targets: int = 1) -> tuple[float, float]:
    """Give the ``alpha`` and ``l1_ratio`` of scikit-learn's ``ElasticNet``; the inverse of ``from_elastic_net``."""
    if isinstance(penalty, ElasticNet):
        return _single(penalty.strength) * _count("targets", targets) / 2, penalty.beta
    if isinstance(penalty, L1):
        return to_lasso(penalty, targets=targets), 1.0
    return _squares(penalty) * _count("targets", targets), 0.0


def from_logistic_regression(C: float, *, rows: float, l1_ratio: float = 0.0) -> ElasticNet:
    """Give the penalty of scikit-learn's ``LogisticRegression(C)`` for J = the mean log loss: lambda = 1 / (C n).

    J is ``nn.CrossEntropyLoss()``, or ``nn.BCEWithLogitsLoss()`` of one logit. scikit-learn minimises
    C sum(log loss) + l1_ratio sum|w| + (1 - l1_ratio) / 2 sum w^2. With sample weights n is their sum.

    Example:
        >>> from_logistic_regression(0.1, rows=100).strength
        0.1
    """
    return ElasticNet(strength=1 / (_count("C", C) * _count("rows", rows)), beta=l1_ratio)


def to_logistic_regression(penalty: ElasticNet | L1 | L2, *, rows: float) -> tuple[float, float]:
    """Give ``C`` and ``l1_ratio`` of scikit-learn's ``LogisticRegression``; no penalty is an infinite ``C``."""
    alpha, l1_ratio = to_elastic_net(penalty)
    return (1 / (2 * alpha * _count("rows", rows)) if alpha else math.inf), l1_ratio


def from_mlp(alpha: float, *, batch_rows: float, classification: bool) -> L2:
    """Give the penalty of scikit-learn's ``MLPClassifier(alpha)`` or ``MLPRegressor(alpha)``.

    scikit-learn adds alpha / (2 n) sum w^2, n the rows of a batch, to the mean log loss, or to half of the mean squared
    error. For J = ``nn.CrossEntropyLoss()`` lambda is alpha / (2 n); for J = ``nn.MSELoss()``, alpha / n.

    Example:
        >>> from_mlp(1.0, batch_rows=200, classification=True).strength
        0.0025
    """
    return L2(strength=_number("alpha", alpha) / (_count("batch_rows", batch_rows) * (2 if classification else 1)))


def to_mlp(penalty: L2 | ElasticNet, *, batch_rows: float, classification: bool) -> float:
    """Give the ``alpha`` of scikit-learn's ``MLPClassifier`` or ``MLPRegressor``; the inverse of ``from_mlp``."""
    return _squares(penalty) * _count("batch_rows", batch_rows) * (2 if classification else 1)


def to_inverted(penalty: Fed, *, rate: float) -> Fed:
    """Give the penalty that in inverted dropout equals one in the original form, on weights fed by dropped units.

    With k = 1 - rate, the inverted form's weights are k times those of the original, biases the same. Then L1 and group
    lasso become lambda / k, L2 lambda / k^2, bounds k times as large, and the elastic net
    lambda (beta / k + (1 - beta) / k^2) with beta k / (beta k + 1 - beta): both objectives are equal. Paths of SGD are
    equal too if the learning rate of these weights becomes k^2 eta.

    Args:
        penalty: on the weights that dropped units feed, and no others: name them with ``only``.
        rate: the probability that a unit is dropped, in [0, 1).

    Raises:
        RegularizeError: a rate outside [0, 1); a penalty that does not convert, such as unit norms.

    Example:
        >>> to_inverted(L2(strength=1.0), rate=0.5).strength, to_inverted(MaxNorm(bound=3.0), rate=0.5).bound
        (4.0, 1.5)
    """
    return _rescaled(penalty, _kept(rate))


def to_original(penalty: Fed, *, rate: float) -> Fed:
    """Give the penalty that in the original form of dropout equals one in the inverted; see ``to_inverted``.

    Example:
        >>> to_original(L1(strength=1.0), rate=0.5).strength
        0.5
    """
    return _rescaled(penalty, 1 / _kept(rate))


def _rescaled(penalty: Fed, k: float) -> Fed:
    """Give the penalty that for k times the weights has the value that this one has for the weights."""
    found: Penalty
    match penalty:
        case Total():
            found = Total(penalties=tuple(_rescaled(one, k) for one in penalty.penalties))
        case L1() | GroupLasso() | SparseGroupLasso():
            found = replace(penalty, strength=_each(penalty.strength, lambda strength: strength / k))
        case L2():
            found = replace(penalty, strength=_each(penalty.strength, lambda strength: strength / k**2))
        case ElasticNet():
            beta = penalty.beta
            factor = beta / k + (1 - beta) / k**2
            strength = _each(penalty.strength, lambda strength: strength * factor)
            found = replace(penalty, strength=strength, beta=min(1.0, beta * k / (beta * k + 1 - beta)))
        case MaxNorm() | SpectralBound():
            found = replace(penalty, bound=_each(penalty.bound, lambda bound: bound * k))
        case _:
            raise RegularizeError(f"{type(penalty).__name__} has no equal in the other form of dropout")
    return found  # type: ignore[return-value] # of the class that came in


def _each(strength: Strength, change: Callable[[float], float]) -> Strength:
    if isinstance(strength, Mapping):
        return {pattern: change(each) for pattern, each in strength.items()}
    return change(strength)


def _kept(rate: float) -> float:
    if not 0 <= rate < 1:
        raise RegularizeError(f"rate, the probability that a unit is dropped, must be in [0, 1), got {rate!r}")
    return 1 - rate


def _squares(penalty: Penalty) -> float:
    """Give lambda of sum w^2 alone."""
    if isinstance(penalty, L2):
        return _single(penalty.strength)
    if isinstance(penalty, ElasticNet) and penalty.beta == 0:
        return _single(penalty.strength) / 2
    raise RegularizeError(f"this is for L2, or an elastic net with beta 0; got {penalty!r}")


def _kind(penalty: Penalty, wanted: type[L1]) -> L1:
    if not isinstance(penalty, wanted):
        raise RegularizeError(f"this is for {wanted.__name__}; got {penalty!r}")
    return penalty


def _single(strength: Strength) -> float:
    if isinstance(strength, Mapping):
        raise RegularizeError("strengths by patterns of names have no single equal: convert each by itself")
    return strength


def _number(name: str, value: float) -> float:
    if not 0 <= value < math.inf:
        raise RegularizeError(f"{name} must be a finite number of at least 0, got {value!r}")
    return float(value)


def _count(name: str, value: float) -> float:
    if not 0 < value < math.inf:
        raise RegularizeError(f"{name} must be above 0, got {value!r}")
    return float(value)


def _rate(learning_rate: float | None) -> float:
    return 0.0 if learning_rate is None else _number("learning_rate", learning_rate)
