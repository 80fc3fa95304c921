"""Telling apart: how well rows of two kinds can be told from each other, by a forest that did not see them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from evenfit.results.ranks import auc_loss

Numbers = npt.NDArray[np.floating]

MOST_ROWS = 4000  # of either kind
_TREES = 200
_NAMED = 5  # columns


def tell_apart(
    features: Numbers, judging: npt.NDArray[np.bool_], *, seed: int
) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    """Rank rows by how likely they are among those that judge: out of bag, so that 0.5 is chance.

    Args:
        features: [rows, columns]; NaN is missing.
        judging: which rows are of the second kind: [rows].
        seed: of the forest, and of which rows are taken where there are very many.

    Returns:
        The ranking of the rows taken, and whether each is of the second kind.
    """
    from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415 - it takes a second to import

    generator = np.random.default_rng([seed, 0x5A])
    kinds = [np.flatnonzero(judging == kind) for kind in (False, True)]
    taken = np.concatenate(
        [generator.choice(rows, MOST_ROWS, replace=False) if len(rows) > MOST_ROWS else rows for rows in kinds]
    )
    taken.sort()
    forest = RandomForestClassifier(
        _TREES,
        min_samples_leaf=3,
        oob_score=True,
        random_state=int(generator.integers(2**31)),
    )
    forest.fit(features[taken], judging[taken])
    known = np.nan_to_num(forest.oob_decision_function_[:, 1], nan=0.5)
    return known, judging[taken]


def columns_apart(
    features: Numbers, judging: npt.NDArray[np.bool_], names: Sequence[str]
) -> tuple[tuple[str, float], ...]:
    """Give how well each column alone tells them apart, by its order or by being missing: the best ones.

    Example:
        >>> columns_apart(np.array([[1.0, 5.0], [2.0, 6.0], [3.0, 5.5]]), np.array([False, False, True]), ["a", "b"])
        (('a', 1.0), ('b', 0.5))
    """
    found = []
    for place, name in enumerate(names):
        column = features[:, place]
        lost = np.isnan(column)
        weights = np.ones((1, len(column)))
        aucs = [float(auc_loss(np.where(lost, -np.inf, column), judging, weights)[0])]
        if lost.any():
            aucs.append(float(auc_loss(lost.astype(np.float64), judging, weights)[0]))
        found.append((name, max(max(auc, 1 - auc) for auc in aucs)))
    return tuple(sorted(found, key=lambda known: -known[1])[:_NAMED])
