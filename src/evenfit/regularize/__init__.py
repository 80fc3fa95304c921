"""Regularisation for any PyTorch model: penalties, proximal steps, dropout, folding, and an audit of mistakes.

``import evenfit.regularize as er``; every public name is an attribute of ``er``, loaded when it is first used.
"""

from importlib import import_module

# Where each public name is at home. Resolved on first use: the engine's parts below load without torch.
_HOMES = {
    "ActivityL1": "evenfit.regularize.penalties.activity_l1",
    "AlphaDropout": "evenfit.regularize.dropout.modules",
    "Audit": "evenfit.regularize.auditing.audit",
    "DropConnect": "evenfit.regularize.dropout.modules",
    "Dropout": "evenfit.regularize.dropout.modules",
    "DropoutPlan": "evenfit.regularize.dropout.insertion.plan",
    "EMA": "evenfit.regularize.averaging",
    "EarlyStopping": "evenfit.regularize.stopping",
    "ElasticNet": "evenfit.regularize.penalties.elastic_net",
    "Finding": "evenfit.regularize.auditing.finding",
    "FoldingPlan": "evenfit.regularize.folding.plan",
    "GaussianDropout": "evenfit.regularize.dropout.modules",
    "GroupLasso": "evenfit.regularize.penalties.group_lasso",
    "InputDropout": "evenfit.regularize.dropout.modules",
    "InputNoise": "evenfit.regularize.noisy_inputs",
    "L1": "evenfit.regularize.penalties.l1",
    "L2": "evenfit.regularize.penalties.l2",
    "MaxNorm": "evenfit.regularize.penalties.max_norm",
    "MonteCarlo": "evenfit.regularize.dropout.monte_carlo",
    "PENALTIES": "evenfit.regularize.penalties",
    "Penalty": "evenfit.regularize.penalties.penalty",
    "Proximal": "evenfit.regularize.proximal",
    "RateSchedule": "evenfit.regularize.dropout.rate_schedule",
    "RecurrentDropout": "evenfit.regularize.dropout.recurrent",
    "SAM": "evenfit.regularize.sharpness",
    "SWA": "evenfit.regularize.averaging",
    "SparseGroupLasso": "evenfit.regularize.penalties.sparse_group_lasso",
    "SpatialDropout": "evenfit.regularize.dropout.modules",
    "SpectralBound": "evenfit.regularize.penalties.spectral_bound",
    "StochasticDepth": "evenfit.regularize.dropout.modules",
    "UnitNorm": "evenfit.regularize.penalties.unit_norm",
    "VariationalDropout": "evenfit.regularize.dropout.modules",
    "activity_l1_value": "evenfit.regularize.penalties.activity_l1",
    "alpha_dropout": "evenfit.regularize.dropout.functional",
    "audit": "evenfit.regularize.auditing.auditor",
    "clip_gradients_": "evenfit.regularize.clipping",
    "drop_connect": "evenfit.regularize.dropout.functional",
    "dropout_plan": "evenfit.regularize.dropout.insertion.insert",
    "dropout_rates": "evenfit.regularize.dropout.droppers",
    "elastic_net_gradient": "evenfit.regularize.penalties.elementwise",
    "elastic_net_prox": "evenfit.regularize.penalties.elementwise",
    "elastic_net_value": "evenfit.regularize.penalties.elementwise",
    "elementwise_dropout": "evenfit.regularize.dropout.functional",
    "fold_dropout": "evenfit.regularize.folding.fold",
    "folding_plan": "evenfit.regularize.folding.fold",
    "from_elastic_net": "evenfit.regularize.conversions",
    "from_lasso": "evenfit.regularize.conversions",
    "from_logistic_regression": "evenfit.regularize.conversions",
    "from_mlp": "evenfit.regularize.conversions",
    "from_ridge": "evenfit.regularize.conversions",
    "from_weight_decay": "evenfit.regularize.conversions",
    "gaussian_dropout": "evenfit.regularize.dropout.functional",
    "group_lasso_gradient": "evenfit.regularize.penalties.grouped",
    "group_lasso_prox": "evenfit.regularize.penalties.grouped",
    "group_lasso_value": "evenfit.regularize.penalties.grouped",
    "input_dropout": "evenfit.regularize.dropout.functional",
    "input_noise": "evenfit.regularize.noisy_inputs",
    "keep_mask": "evenfit.regularize.dropout.masks",
    "l1_gradient": "evenfit.regularize.penalties.elementwise",
    "l1_prox": "evenfit.regularize.penalties.elementwise",
    "l1_value": "evenfit.regularize.penalties.elementwise",
    "l2_gradient": "evenfit.regularize.penalties.elementwise",
    "l2_prox": "evenfit.regularize.penalties.elementwise",
    "l2_value": "evenfit.regularize.penalties.elementwise",
    "max_norm_": "evenfit.regularize.constraints",
    "max_norm_projection": "evenfit.regularize.penalties.bounds",
    "mixup": "evenfit.regularize.mixing",
    "mixup_loss": "evenfit.regularize.mixing",
    "monte_carlo": "evenfit.regularize.dropout.monte_carlo",
    "r_drop": "evenfit.regularize.agreement",
    "set_dropout_rates_": "evenfit.regularize.dropout.droppers",
    "smooth_labels": "evenfit.regularize.smoothing",
    "smoothed_cross_entropy": "evenfit.regularize.smoothing",
    "sparse_group_lasso_gradient": "evenfit.regularize.penalties.grouped",
    "sparse_group_lasso_prox": "evenfit.regularize.penalties.grouped",
    "sparse_group_lasso_value": "evenfit.regularize.penalties.grouped",
    "sparsity": "evenfit.regularize.zeros",
    "spatial_dropout": "evenfit.regularize.dropout.functional",
    "spectral_bound_": "evenfit.regularize.constraints",
    "spectral_projection": "evenfit.regularize.penalties.bounds",
    "stochastic_depth": "evenfit.regularize.dropout.functional",
    "symmetric_kl": "evenfit.regularize.agreement",
    "to_elastic_net": "evenfit.regularize.conversions",
    "to_inverted": "evenfit.regularize.conversions",
    "to_lasso": "evenfit.regularize.conversions",
    "to_logistic_regression": "evenfit.regularize.conversions",
    "to_mlp": "evenfit.regularize.conversions",
    "to_original": "evenfit.regularize.conversions",
    "to_ridge": "evenfit.regularize.conversions",
    "to_weight_decay": "evenfit.regularize.conversions",
    "unit_norm_": "evenfit.regularize.constraints",
    "unit_norm_projection": "evenfit.regularize.penalties.bounds",
    "update_batch_norm": "evenfit.regularize.averaging",
    "variational_dropout": "evenfit.regularize.dropout.functional",
    "weight_noise": "evenfit.regularize.noisy_weights",
    "with_dropout": "evenfit.regularize.dropout.insertion.insert",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 - the table's names


def __getattr__(name: str) -> object:
    """The public object of that name, imported from its home."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    """The public names."""
    return list(__all__)
