"""Parameters: what can be changed in a scikit-learn estimator by its parameters, and what that is meant to lower.

To add a change, write a line in `PARAMETERS`; `tests/experiments/interventions/test_estimators.py` then holds it to the
laws that all share. Parts whose parameters mean something else under the same name are told apart by ``of``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from evenfit.experiments.interventions.changes import (
    Change,
    Sizes,
    batch,
    candidates,
    count,
    deeper_trees,
    gamma,
    layers,
    mix,
    network_penalty,
    noise_of_process,
    of_rows,
    part,
    pruning,
    shallower_trees,
    shrinkage,
    switch,
    times,
)
from evenfit.experiments.interventions.intervention import EITHER, LESS_BIAS, LESS_VARIANCE
from evenfit.experiments.interventions.owners import Owner


@dataclass(frozen=True)
class Line:
    """One change of an owner's parameters."""

    name: str  # of two that undo each other, more_x and less_x, or a pair of words
    direction: str
    said: str  # in a few words
    parameter: str  # that an owner must have
    change: Change
    of: Callable[[Owner], bool] = lambda owner: True  # noqa: ARG005 - of all that have the parameter
    power: float = 0.0  # of the change's factor, with which the time of a fit grows


def _network(owner: Owner) -> bool:
    return owner.has("hidden_layer_sizes")


def _penalised(owner: Owner) -> bool:
    other = owner.kind.startswith(("GradientBoosting", "GaussianProcess", "Label"))  # a quantile, noise, clamping
    return not (other or _network(owner))


def _process(owner: Owner) -> bool:
    return owner.has("normalize_y")


def _kernel(owner: Owner) -> bool:
    return owner.values.get("kernel") in ("rbf", "poly", "sigmoid", "laplacian")


def _elastic(owner: Owner) -> bool:
    """Whether the share of L1 counts."""
    if owner.has("eta0"):
        return bool(owner.values.get("penalty") == "elasticnet")
    return bool(owner.values.get("solver", "saga") == "saga")


def _by_epochs(owner: Owner) -> bool:
    return owner.learns_by_epochs and not owner.boosts


def _no_child_samples(owner: Owner) -> bool:
    return not owner.has("min_child_samples")  # beside which it bounds next to nothing


def _resamples(owner: Owner) -> bool:
    return bool(owner.values.get("bootstrap"))


def _price(owner: Owner) -> bool:
    return owner.boosts and not owner.has("kernel")


def _neighbours(owner: Owner) -> bool:
    return owner.has("weights", "algorithm")


def _components(owner: Owner) -> bool:
    return owner.kind in (
        "PCA",
        "TruncatedSVD",
        "KernelPCA",
        "FastICA",
        "NMF",
        "PLSRegression",
        "Nystroem",
        "RBFSampler",
    )


def _selects(owner: Owner) -> bool:
    return owner.kind == "SelectKBest"


def _steps(owner: Owner) -> bool:
    return owner.has("eta0") and owner.values.get("learning_rate") in ("constant", "invscaling", "adaptive")


def _boosts(owner: Owner) -> bool:
    return owner.boosts


def _bags(owner: Owner) -> bool:
    return not owner.boosts


def _grows(owner: Owner) -> bool:
    return owner.grows


def _polynomial(owner: Owner) -> bool:
    return owner.kind == "PolynomialFeatures" or owner.values.get("kernel") == "poly"


def _wider(sizes: Sizes) -> Sizes:
    return tuple(2 * size for size in sizes)


def _narrower(sizes: Sizes) -> Sizes:
    return tuple(max(1, size // 2) for size in sizes)


def _deeper(sizes: Sizes) -> Sizes:
    return sizes + (sizes[-1:] or (64,))


def _shallower(sizes: Sizes) -> Sizes:
    return sizes[:-1] if len(sizes) > 1 else sizes


PARAMETERS = (
    # networks
    Line("wider", LESS_BIAS, "wider", "hidden_layer_sizes", layers(_wider), power=1.5),
    Line("deeper", LESS_BIAS, "deeper", "hidden_layer_sizes", layers(_deeper), power=1.0),
    Line("longer", LESS_BIAS, "longer", "max_iter", count("max_iter", 3), of=_by_epochs, power=1.0),
    Line("more_alpha", LESS_VARIANCE, "stronger L2", "alpha", network_penalty, of=_network),
    Line(
        "early_stopping",
        LESS_VARIANCE,
        "stopped early",
        "early_stopping",
        switch("early_stopping", to=True, known=(False, "auto")),
    ),
    Line("narrower", LESS_VARIANCE, "narrower", "hidden_layer_sizes", layers(_narrower), power=1.0),
    Line("shallower", LESS_VARIANCE, "shallower", "hidden_layer_sizes", layers(_shallower)),
    Line("shorter", LESS_VARIANCE, "shorter", "max_iter", count("max_iter", 0.25), of=_by_epochs, power=1.0),
    Line("less_alpha", LESS_BIAS, "weaker L2", "alpha", times("alpha", 0.1), of=_network),
    Line("more_learning_rate", EITHER, "a higher learning rate", "learning_rate_init", times("learning_rate_init", 3)),
    Line("less_learning_rate", EITHER, "a lower learning rate", "learning_rate_init", times("learning_rate_init", 0.3)),
    Line("more_learning_rate", EITHER, "a higher learning rate", "eta0", times("eta0", 3), of=_steps),
    Line("less_learning_rate", EITHER, "a lower learning rate", "eta0", times("eta0", 0.3), of=_steps),
    Line("smaller_batches", EITHER, "smaller batches", "batch_size", batch(0.25), of=_network, power=-0.7),
    Line("larger_batches", EITHER, "larger batches", "batch_size", batch(4), of=_network),
    # penalties of linear models and of kernels
    Line("more_alpha", LESS_VARIANCE, "a stronger penalty", "alpha", times("alpha", 10, start=1.0), of=_penalised),
    Line("less_alpha", LESS_BIAS, "a weaker penalty", "alpha", times("alpha", 0.1), of=_penalised),
    Line("less_C", LESS_VARIANCE, "a stronger penalty", "C", times("C", 0.1)),
    Line("more_C", LESS_BIAS, "a weaker penalty", "C", times("C", 10), power=0.4),
    Line("rbf_kernel", LESS_BIAS, "a kernel that bends", "kernel", switch("kernel", to="rbf", known=("linear",))),
    Line("less_gamma", LESS_VARIANCE, "a broader kernel", "gamma", gamma(0.2), of=_kernel),
    Line("more_gamma", LESS_BIAS, "a narrower kernel", "gamma", gamma(5), of=_kernel),
    Line("more_degree", LESS_BIAS, "a higher degree", "degree", count("degree", 1.5), of=_polynomial, power=2.0),
    Line("less_degree", LESS_VARIANCE, "a lower degree", "degree", count("degree", 0.6), of=_polynomial),
    Line("more_l1_ratio", EITHER, "more L1, less L2", "l1_ratio", mix(1.0), of=_elastic),
    Line("less_l1_ratio", EITHER, "less L1, more L2", "l1_ratio", mix(0.0), of=_elastic),
    Line("noise", LESS_VARIANCE, "noise in the target", "alpha", noise_of_process, of=_process),
    # trees
    Line("shallower_trees", LESS_VARIANCE, "shallower trees", "max_depth", shallower_trees),
    Line("more_min_samples_leaf", LESS_VARIANCE, "larger leaves", "min_samples_leaf", of_rows("min_samples_leaf", 5)),
    Line(
        "more_min_child_samples", LESS_VARIANCE, "larger leaves", "min_child_samples", of_rows("min_child_samples", 4)
    ),
    Line(
        "more_min_child_weight",
        LESS_VARIANCE,
        "larger leaves",
        "min_child_weight",
        times("min_child_weight", 8, start=8.0),
        of=_no_child_samples,
    ),
    Line(
        "less_learning_rate",
        LESS_VARIANCE,
        "a lower learning rate",
        "learning_rate",
        times("learning_rate", 0.3),
        of=_boosts,
    ),
    Line(
        "fewer_trees", LESS_VARIANCE, "fewer trees", "n_estimators", count("n_estimators", 0.4), of=_boosts, power=1.0
    ),
    Line("fewer_trees", LESS_VARIANCE, "fewer trees", "max_iter", count("max_iter", 0.4), of=_boosts, power=1.0),
    Line(
        "less_subsample",
        LESS_VARIANCE,
        "a share of the rows for each tree",
        "subsample",
        part("subsample", 0.5),
        of=_boosts,
    ),
    Line(
        "less_max_features", LESS_VARIANCE, "fewer columns to choose from", "max_features", candidates(0.4), of=_grows
    ),
    Line(
        "less_colsample_bytree",
        LESS_VARIANCE,
        "a share of the columns for each tree",
        "colsample_bytree",
        part("colsample_bytree", 0.5),
    ),
    Line("fewer_leaves", LESS_VARIANCE, "fewer leaves", "max_leaf_nodes", count("max_leaf_nodes", 0.25, least=2)),
    Line("fewer_leaves", LESS_VARIANCE, "fewer leaves", "num_leaves", count("num_leaves", 0.25, least=2)),
    Line("more_l2", LESS_VARIANCE, "stronger L2", "l2_regularization", times("l2_regularization", 10, start=10.0)),
    Line("more_l2", LESS_VARIANCE, "stronger L2", "reg_lambda", times("reg_lambda", 10, start=10.0)),
    Line("more_l1", LESS_VARIANCE, "stronger L1", "reg_alpha", times("reg_alpha", 10, start=1.0)),
    Line("more_ccp_alpha", LESS_VARIANCE, "pruned trees", "ccp_alpha", pruning),
    Line("more_trees", LESS_VARIANCE, "more trees", "n_estimators", count("n_estimators", 3), of=_bags, power=1.0),
    Line(
        "less_max_samples",
        LESS_VARIANCE,
        "a share of the rows for each tree",
        "max_samples",
        part("max_samples", 0.5),
        of=_resamples,
    ),
    Line("more_gamma", LESS_VARIANCE, "a higher price of splits", "gamma", times("gamma", 5, start=1.0), of=_price),
    Line("more_trees", LESS_BIAS, "more trees", "n_estimators", count("n_estimators", 3), of=_boosts, power=1.0),
    Line("more_trees", LESS_BIAS, "more trees", "max_iter", count("max_iter", 3), of=_boosts, power=1.0),
    Line("deeper_trees", LESS_BIAS, "deeper trees", "max_depth", deeper_trees, power=0.7),
    Line(
        "more_learning_rate",
        LESS_BIAS,
        "a higher learning rate",
        "learning_rate",
        times("learning_rate", 3, most=1.0),
        of=_boosts,
    ),
    Line("less_min_samples_leaf", LESS_BIAS, "smaller leaves", "min_samples_leaf", of_rows("min_samples_leaf", 0.2)),
    Line(
        "less_min_child_samples", LESS_BIAS, "smaller leaves", "min_child_samples", of_rows("min_child_samples", 0.25)
    ),
    Line("more_max_features", LESS_BIAS, "more columns to choose from", "max_features", candidates(2.5), of=_grows),
    Line("more_leaves", LESS_BIAS, "more leaves", "max_leaf_nodes", count("max_leaf_nodes", 4), power=0.7),
    Line("more_leaves", LESS_BIAS, "more leaves", "num_leaves", count("num_leaves", 4), power=0.7),
    Line("less_l2", LESS_BIAS, "weaker L2", "l2_regularization", times("l2_regularization", 0.1)),
    Line("less_l2", LESS_BIAS, "weaker L2", "reg_lambda", times("reg_lambda", 0.1)),
    Line("less_l1", LESS_BIAS, "weaker L1", "reg_alpha", times("reg_alpha", 0.1)),
    Line("less_ccp_alpha", LESS_BIAS, "trees pruned less", "ccp_alpha", times("ccp_alpha", 0.2)),
    Line("more_subsample", LESS_BIAS, "all rows for each tree", "subsample", part("subsample", 1.0), of=_boosts),
    Line(
        "more_colsample_bytree",
        LESS_BIAS,
        "all columns for each tree",
        "colsample_bytree",
        part("colsample_bytree", 1.0),
    ),
    # neighbours, densities, and what prepares columns
    Line("more_neighbours", LESS_VARIANCE, "more neighbours", "n_neighbors", of_rows("n_neighbors", 3), of=_neighbours),
    Line("less_neighbours", LESS_BIAS, "fewer neighbours", "n_neighbors", of_rows("n_neighbors", 0.34), of=_neighbours),
    Line(
        "by_distance",
        EITHER,
        "nearer neighbours count more",
        "weights",
        switch("weights", to="distance", known=("uniform",)),
        of=_neighbours,
    ),
    Line("more_var_smoothing", LESS_VARIANCE, "smoother densities", "var_smoothing", times("var_smoothing", 1e6)),
    Line(
        "more_reg_param",
        LESS_VARIANCE,
        "covariances nearer to round",
        "reg_param",
        times("reg_param", 3, start=0.1, most=1.0),
    ),
    Line("shrinkage", LESS_VARIANCE, "a shrunken covariance", "shrinkage", shrinkage),
    Line("more_components", LESS_BIAS, "more components", "n_components", count("n_components", 2), of=_components),
    Line(
        "less_components", LESS_VARIANCE, "fewer components", "n_components", count("n_components", 0.5), of=_components
    ),
    Line("more_k", LESS_BIAS, "more columns selected", "k", count("k", 2), of=_selects),
    Line("less_k", LESS_VARIANCE, "fewer columns selected", "k", count("k", 0.5), of=_selects),
    Line("more_knots", LESS_BIAS, "more knots", "n_knots", count("n_knots", 2), power=1.0),
    Line("less_knots", LESS_VARIANCE, "fewer knots", "n_knots", count("n_knots", 0.5, least=2)),
)
