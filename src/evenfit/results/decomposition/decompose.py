"""Decompose: predictions of many replicates -> the parts of their expected loss."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.errors import ConfigError, DataError
from evenfit.results.decomposition.bias_variance import INCLUDED, KNOWN, REPLICATED, BiasVariance, Maps, Noise, Part
from evenfit.results.decomposition.cells import FOR_NUMBERS, LEAST, LOSSES, UNBIASED, Cells, Judged
from evenfit.results.decomposition.intervals import (
    BIAS,
    DIFFERENCE,
    LEVEL,
    LOSS,
    NOISE,
    VARIANCE,
    VOTES_BIAS,
    VOTES_LOSS,
    Manner,
    interval,
)
from evenfit.results.decomposition.layout import Layout, clustering
from evenfit.results.decomposition.majority import doubt
from evenfit.results.decomposition.noise import KnownNoise, MeasuredNoise, read_noise

Array = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.floating]

FEWEST_VOTES = 5
_CHUNK_BYTES = 16e6  # of the predictions that are taken apart at a time


def decompose(  # noqa: PLR0913 - every option is a keyword
    predictions: Numbers,
    target: npt.NDArray[Any],
    *,
    loss: str,
    classification: bool,
    noise: float | Array | MeasuredNoise | None = None,
    groups: npt.NDArray[np.int64] | None = None,
    level: float = LEVEL,
    sampling: str = "given",
    training_rows: int = 0,
    failures: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
) -> BiasVariance:
    """Take an expected loss apart into bias, variance and noise, with an interval for every part.

    Intervals are those of a two-way jackknife over replicates and rows: they hold the part of fresh training data of
    the same size, judged on fresh rows. Rows that fewer than two replicates judge are left out.

    Args:
        predictions: [R, S, N, K] of R replicates, from S seeds each, on N rows: log-probabilities of K classes, or
            numbers with K = 1; NaN where a replicate does not judge a row.
        target: [N] class codes, or numbers.
        loss: a name of `LOSSES`.
        classification: whether predictions are log-probabilities.
        noise: what is known of it: for numbers its variance, one for all rows or [N]; for classes their probabilities
            [N, K]; or as it was measured; None where it is not known.
        groups: [N] of rows that are alike; intervals then take groups, not rows, for independent.
        level: of the intervals.
        sampling: how training sets were drawn.
        training_rows: of one replicate.
        failures: of fits that are not among the predictions.
        notes: what else is to be said.

    Raises:
        ConfigError: the loss does not exist, or does not fit the task.
        DataError: there are fewer than two replicates, or fewer than two rows that two of them judge.

    Example:
        >>> rng = np.random.default_rng(1)
        >>> drawn = 1.0 + rng.normal(size=(50, 1, 200, 1))  # bias 1, variance 1, no noise
        >>> found = decompose(drawn, np.zeros(200), loss="squared", classification=False)
        >>> round(found.bias_squared.corrected.mean, 1), round(found.variance.corrected.mean, 1)
        (1.0, 1.0)
    """
    check_loss(loss, classification=classification)
    _, seeds, rows, _ = predictions.shape
    judges = np.asarray(~np.isnan(predictions[..., 0]).any(axis=1))  # [R, N]
    present = judges.any(axis=1)
    if not present.all():  # replicates that failed judge nothing
        predictions, judges = predictions[present], judges[present]
    replicates = len(predictions)
    if replicates < 2:
        raise DataError(f"variance needs at least 2 replicates, got {replicates}")
    known = read_noise(noise, loss=loss, classification=classification, shape=predictions.shape)
    measured = known.measured
    judging = judges.sum(axis=0)
    kept = np.flatnonzero(judging >= 2)
    if len(kept) < 2:
        raise DataError(f"at least 2 rows must be judged by 2 replicates or more; got {len(kept)} of {rows:,}")
    if len(kept) < rows:
        notes = (*notes, f"{rows - len(kept):,} of {rows:,} rows left out, which fewer than 2 replicates judge")
    if loss == "domingos" and replicates < FEWEST_VOTES:
        notes = (*notes, f"a majority of {replicates} replicates says little: Domingos' parts need {FEWEST_VOTES}")
    sums = _Sums(replicates, rows=len(kept), known=known, groups=None if groups is None else groups[kept])
    for numbers, cells in _chunks(
        predictions, target, known.probabilities, kept, loss=loss, classification=classification
    ):
        sums.add(numbers, cells)
    if loss == "log" and sums.impossible:
        share = sums.impossible / judging[kept].sum()
        notes = (
            *notes,
            f"{share:.1%} of predictions gave the true class no chance, taken for {LEAST:g}: log loss hangs on these, "
            "and its intervals may be too short; squared loss does not",
        )
    parts = sums.parts(loss, votes=float(judging[kept].mean()), level=level)
    layouts = sums.layouts
    maps = Maps(
        numbers=kept,
        loss=layouts["loss"].rows(),
        bias_squared=layouts["bias_squared"].rows(),
        variance=layouts["variance"].rows(),
        replicates=judging[kept],
        replicate_numbers=np.flatnonzero(present),
        replicate_loss=layouts["loss"].replicates(),
        replicate_bias_squared=layouts["bias_squared"].replicates(),
        replicate_variance=layouts["variance"].replicates(),
    )
    part = parts.get("noise")
    return BiasVariance(
        loss_name=loss,
        loss=parts["loss"],
        bias_squared=parts["bias_squared"],
        variance=parts["variance"],
        noise=Noise(
            source=INCLUDED if part is None else KNOWN if measured is None else REPLICATED,
            part=part,
            at_most=(part or parts["bias_squared"]).corrected.high,
            rows=0 if measured is None else measured.rows,
            groups=0 if measured is None else measured.groups,
        ),
        data=parts.get("data"),
        seed=parts.get("seed"),
        disagreement=parts.get("disagreement"),
        correction="unbiased" if loss in UNBIASED else "jackknife",
        sampling=sampling,
        replicates=replicates,
        seeds=seeds,
        rows=len(kept),
        training_rows=training_rows,
        maps=maps,
        failures=failures,
        notes=notes,
    )


class _Sums:
    """Parts of all rows, gathered some rows at a time."""

    def __init__(self, replicates: int, *, rows: int, known: KnownNoise, groups: npt.NDArray[np.int64] | None) -> None:
        self.layouts: dict[str, Layout] = {}
        self.impossible = 0  # predictions that gave the true class no chance
        self._replicates, self._rows, self._known, self._groups = replicates, rows, known, groups
        self._plain: dict[str, float] = {}
        self._leans: dict[str, float] = {}
        self._noise = 0.0

    def add(self, numbers: npt.NDArray[np.int64], cells: Cells) -> None:
        """Take the parts of some rows in, less the noise that is known of them."""
        pseudo, plain = dict(cells.pseudo), dict(cells.plain)
        if self._known.of_rows is not None:
            noise = self._known.of_rows[numbers]
            pseudo["bias_squared"] = np.where(cells.known, pseudo["bias_squared"] - noise, 0.0)
            plain["bias_squared"] = plain["bias_squared"] - noise
            pseudo["noise"], plain["noise"] = np.where(cells.known, noise, 0.0), noise
            self._noise += float(noise.sum()) / self._rows
        for name, each in pseudo.items():
            self.layouts.setdefault(name, Layout(self._replicates)).add(each, cells.known)
            self._plain[name] = self._plain.get(name, 0.0) + float(plain[name].sum()) / self._rows
        for name, lean in cells.lean.items():
            self._leans[name] = self._leans.get(name, 0.0) + float(lean.sum()) / self._rows
        self.impossible += int((pseudo["loss"] >= -math.log(LEAST) - 1e-6).sum())

    def parts(self, loss: str, *, votes: float, level: float) -> dict[str, Part]:
        """Give each part with its interval; votes are those on one row."""
        measured = self._known.measured
        extra = {} if measured is None else dict.fromkeys(("bias_squared", "noise"), measured.variance)
        for name, lean in self._leans.items():
            share = float(self.layouts["bias_squared"].rows().mean())
            extra[name] = doubt(lean, share, votes=votes, rows=self._rows)
        units = None
        if self._groups is not None:
            units = len(np.unique(self._groups))
            for name, layout in self.layouts.items():
                extra[name] = extra.get(name, 0.0) + clustering(layout.rows(), self._groups)
        return {
            name: Part(
                plain=self._plain[name],
                corrected=interval(
                    layout,
                    _manner(name, loss),
                    above=self._noise if name == "bias_squared" else 0.0,
                    extra=extra.get(name, 0.0),
                    units=units,
                    level=level,
                ),
            )
            for name, layout in self.layouts.items()
        }


def _manner(name: str, loss: str) -> Manner:
    """How the interval of a part is made."""
    votes = loss in ("zero-one", "domingos")
    if name == "loss":
        return VOTES_LOSS if votes else LOSS
    if loss == "domingos":  # bias is a share that is corrected, variance and noise may be below 0
        return DIFFERENCE
    if name == "bias_squared":
        return VOTES_BIAS if votes else BIAS
    return NOISE if name == "noise" else VARIANCE


def check_loss(loss: str, *, classification: bool) -> str:
    """Give back a loss that fits the task.

    Raises:
        ConfigError: it does not exist, or does not fit.
    """
    if loss not in LOSSES:
        raise ConfigError(f"loss must be one of {', '.join(LOSSES)}; got {loss!r}")
    if not classification and loss not in FOR_NUMBERS:
        raise ConfigError(
            f"the loss of a quantity must be {' or '.join(FOR_NUMBERS)}, got {loss!r}, which is of classes"
        )
    return loss


def _chunks(
    predictions: Numbers,
    target: npt.NDArray[Any],
    probabilities: Array | None,
    kept: npt.NDArray[np.int64],
    *,
    loss: str,
    classification: bool,
) -> Iterator[tuple[npt.NDArray[np.int64], Cells]]:
    """Take the loss apart some rows at a time, so that memory is bounded whatever is judged."""
    replicates, seeds, _, width = predictions.shape
    size = max(1, int(_CHUNK_BYTES / (8 * replicates * seeds * width)))
    for start in range(0, len(kept), size):
        numbers = kept[start : start + size]
        judged = Judged(
            predictions=np.asarray(predictions[:, :, numbers], dtype=np.float64),
            target=np.asarray(target)[numbers],
            classification=classification,
            probabilities=None if probabilities is None else probabilities[numbers],
        )
        yield numbers, LOSSES[loss](judged)
