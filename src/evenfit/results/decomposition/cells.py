"""Cells: what every replicate adds to every part of a loss on every row, for each loss that can be taken apart.

R replicates, each fitted from S seeds, are judged on n rows. A part (bias, variance, ...) of a row is a function of all
replicates together; its pseudo-value for replicate r is ``m part - (m - 1) part without r``, of m replicates that judge
the row. Their mean is the part with its bias removed by the jackknife (Quenouille, "Notes on bias in estimation",
Biometrika, 1956): exactly the unbiased estimate where the part is quadratic in the predictions, to first order
elsewhere. Pseudo-values of loss are the losses themselves, so that parts that add up keep adding up, cell by cell.

To add a loss, write a function and name it in `LOSSES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.results.decomposition.majority import pseudo_values

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

LEAST = 1e-15  # probabilities below it are taken for it: the logarithm of 0 would carry every mean away


@dataclass(frozen=True, eq=False, kw_only=True)
class Cells:
    """Parts of the loss on n rows; cells that no replicate judges are 0, for `known` to leave out.

    Parts: ``loss`` = ``bias_squared`` + ``variance`` (+ ``noise``); ``variance`` = ``data`` + ``seed`` where there are
    several seeds.
    """

    known: Flags  # [R, n] whether the replicate judges the row
    plain: Mapping[str, Array]  # [n] plug-in
    pseudo: Mapping[str, Array]  # [R, n] pseudo-values
    lean: Mapping[str, Array] = field(default_factory=dict)  # [n] how far a part leans on what is supposed of its bias


@dataclass(frozen=True, eq=False, kw_only=True)
class Judged:
    """Rows to take a loss apart on."""

    predictions: Array  # [R, S, n, K] log-probabilities of classes, or [R, S, n, 1] numbers; NaN: not judged
    target: npt.NDArray[Any]  # [n] codes of classes, or numbers
    classification: bool
    probabilities: Array | None = None  # [n, K] of the classes, where they are known

    @property
    def known(self) -> Flags:
        """Whether each replicate judges each row: [R, n]."""
        return np.asarray(~np.isnan(self.predictions).any(axis=(1, 3)))


def squared(judged: Judged) -> Cells:
    """Squared error; of classes, the sum over them of the squared difference to one-hot (Brier, 1950).

    Bias is the squared distance of the mean prediction to the target, variance that of predictions to their mean
    (Geman, Bienenstock & Doursat, "Neural networks and the bias/variance dilemma", Neural Computation, 1992).
    """
    if judged.classification:
        return _quadratic(np.exp(judged.predictions), _one_hot(judged), judged.known, scale=1.0)
    return _quadratic(judged.predictions, np.asarray(judged.target, np.float64)[:, None], judged.known, scale=1.0)


def kohavi_wolpert(judged: Judged) -> Cells:
    """Zero-one loss of the likeliest class, which is half the squared error of votes.

    Bias is 1/2 sum (P - votes)^2, variance 1/2 (1 - sum votes^2) (Kohavi & Wolpert, "Bias plus variance decomposition
    for zero-one loss functions", ICML 1996).
    """
    votes = _votes(judged)
    return _quadratic(
        np.asarray(votes[..., None] == np.arange(judged.predictions.shape[-1]), dtype=np.float64),
        _one_hot(judged),
        judged.known,
        scale=0.5,
    )


def log(judged: Judged) -> Cells:
    """Log loss: bias is that of the normalised geometric mean, variance the mean divergence from it.

    Heskes, "Bias/variance decompositions for likelihood-based estimators", Neural Computation, 1998. With g the mean
    log-probabilities and Z the sum of exp(g), bias is log Z - g of the true class, and variance is -log Z, which splits
    into seed and data by the Z of each replicate's seeds.
    """
    known = judged.known
    count = known.sum(axis=0)
    logs = np.where(known[:, None, :, None], np.maximum(judged.predictions, np.log(LEAST)), 0.0)
    seeds = logs.shape[1]
    own = logs.mean(axis=1)  # [R, n, K] over seeds
    centre = own.sum(axis=0) / np.maximum(count, 1)[:, None]
    losses = -np.take_along_axis(own, np.asarray(judged.target, np.int64)[None, :, None], axis=2)[..., 0]
    variance = -_log_sum(centre)
    without = (count[:, None] * centre - own) / np.maximum(count - 1, 1)[:, None]
    pseudo_variance = count * variance + (count - 1) * _log_sum(without)
    loss = (losses * known).sum(axis=0) / np.maximum(count, 1)
    plain = {"loss": loss, "bias_squared": loss - variance, "variance": variance}
    pseudo = {"loss": losses, "bias_squared": losses - pseudo_variance, "variance": pseudo_variance}
    if seeds > 1:
        within = -_log_sum(own)  # [R, n] plug-in variance over the seeds of each replicate
        others = (seeds * own[:, None] - logs) / (seeds - 1)
        corrected = seeds * within + (seeds - 1) * _log_sum(others).mean(axis=1)
        plain["seed"] = (within * known).sum(axis=0) / np.maximum(count, 1)
        plain["data"] = variance - plain["seed"]
        pseudo["seed"], pseudo["data"] = corrected, pseudo_variance - corrected
    return Cells(known=known, plain=plain, pseudo=_masked(pseudo, known))


def domingos(judged: Judged) -> Cells:
    """Zero-one loss around the main prediction, the class that most replicates vote for.

    Bias is 1 where it is wrong. Variance is what remains, c times the share of votes that differ from it: it counts for
    where the main prediction is right, and against where it is wrong (Domingos, "A unified bias-variance decomposition
    and its applications", ICML 2000). ``disagreement`` is that share itself. Ties go to the lowest class. Where the
    probabilities of the classes are known, the main prediction is compared with the likeliest class, and noise is what
    that leaves of the loss. How bias is corrected is told in `majority`.
    """
    known, votes = judged.known, _votes(judged)
    replicates, seeds, rows = votes.shape
    classes = judged.predictions.shape[-1]
    own = np.zeros((replicates, rows, classes))  # votes of each replicate's seeds
    for each in range(classes):
        own[..., each] = (votes == each).sum(axis=1) * known
    count = seeds * np.maximum(known.sum(axis=0), 1)
    total = own.sum(axis=0)
    target = np.asarray(judged.target, np.int64)
    best = target if judged.probabilities is None else np.argmax(judged.probabilities, axis=1)
    losses = 1 - np.take_along_axis(own, target[None, :, None], axis=2)[..., 0] / seeds
    against = 1 - np.take_along_axis(own, best[None, :, None], axis=2)[..., 0] / seeds  # were all labels the likeliest
    main = np.argmax(total, axis=1)
    agreement = np.take_along_axis(total, main[:, None], axis=1)[:, 0] / count
    left = (total - own).max(axis=2) / np.maximum(count - seeds, 1)
    bias, lean = np.zeros((replicates, rows)), np.zeros(rows)
    for seed in range(seeds):  # each a set of independent votes
        cells, leaning = pseudo_values(votes[:, seed], known, best, classes=classes)
        bias, lean = bias + cells / seeds, lean + leaning / seeds
    mean = {name: (cells * known).sum(axis=0) * seeds / count for name, cells in (("l", losses), ("a", against))}
    wrong = np.asarray(main != best, dtype=np.float64)
    plain = {"loss": mean["l"], "bias_squared": wrong, "variance": mean["a"] - wrong, "disagreement": 1 - agreement}
    several = count / seeds
    pseudo = {
        "loss": losses,
        "bias_squared": bias,
        "variance": against - bias,
        "disagreement": several * (1 - agreement) - (several - 1) * (1 - left),
    }
    if judged.probabilities is not None:
        plain["noise"], pseudo["noise"] = mean["l"] - mean["a"], losses - against
    return Cells(
        known=known, plain=plain, pseudo=_masked(pseudo, known), lean={"bias_squared": lean, "variance": -lean}
    )


def _quadratic(values: Array, target: Array, known: Flags, *, scale: float) -> Cells:
    """Take scale times a squared distance apart: [R, S, n, K] and [n, K] -> parts of n rows.

    A part that is quadratic in the replicates has the pseudo-value ``m / (m - 1)`` times the squared distance to the
    mean, so that no replicate has to be left out in turn.
    """
    values = np.where(known[:, None, :, None], values, 0.0)
    seeds = values.shape[1]
    count = known.sum(axis=0)
    losses = scale * ((values - target) ** 2).sum(axis=3).mean(axis=1)
    own = values.mean(axis=1)
    centre = own.sum(axis=0) / np.maximum(count, 1)[:, None]
    apart = scale * ((own - centre) ** 2).sum(axis=2) * known
    within = scale * ((values - own[:, None]) ** 2).sum(axis=(1, 3)) * known  # [R, n] summed over seeds
    mean = {
        name: (cells * known).sum(axis=0) / np.maximum(count, 1)
        for name, cells in (("loss", losses), ("data", apart), ("seed", within / seeds))
    }
    bias = scale * ((centre - target) ** 2).sum(axis=1)
    plain = {"loss": mean["loss"], "bias_squared": bias, "variance": mean["data"] + mean["seed"]}
    seed = within / max(seeds - 1, 1)
    data = apart * (count / np.maximum(count - 1, 1)) - seed / seeds
    pseudo = {"loss": losses, "bias_squared": losses - data - seed, "variance": data + seed}
    if seeds > 1:
        plain |= {"data": mean["data"], "seed": mean["seed"]}
        pseudo |= {"data": data, "seed": seed}
    return Cells(known=known, plain=plain, pseudo=_masked(pseudo, known))


def _masked(pseudo: Mapping[str, Array], known: Flags) -> dict[str, Array]:
    return {name: np.where(known, cells, 0.0) for name, cells in pseudo.items()}


def _one_hot(judged: Judged) -> Array:
    classes = np.arange(judged.predictions.shape[-1])
    return np.asarray(np.asarray(judged.target, np.int64)[:, None] == classes, dtype=np.float64)


def _votes(judged: Judged) -> npt.NDArray[np.int64]:
    """The likeliest class, the first of equals: [R, S, n]."""
    return np.asarray(np.argmax(judged.predictions, axis=3), dtype=np.int64)


def _log_sum(logs: Array) -> Array:
    """The logarithm of the sum of exp over the last axis."""
    highest = logs.max(axis=-1, keepdims=True)
    return np.asarray(highest[..., 0] + np.log(np.exp(logs - highest).sum(axis=-1)))


LOSSES: Mapping[str, Callable[[Judged], Cells]] = {
    "squared": squared,
    "log": log,
    "zero-one": kohavi_wolpert,
    "domingos": domingos,
}
UNBIASED = ("squared", "zero-one")  # the corrected estimates of the others are the jackknife's
FOR_NUMBERS = ("squared",)
