"""Regularisation for any PyTorch model: penalties, proximal steps, dropout, folding, and an audit of mistakes.

``import evenfit.regularize as er``; every public name is an attribute of ``er``, loaded when it is first used.
"""

from importlib import import_module

# Where each public name is at home. Resolved on first use: the engine's parts below load without torch.
_HOMES = {
    "AlphaDropout": "evenfit.regularize.dropout.modules",
    "DropConnect": "evenfit.regularize.dropout.modules",
    "Dropout": "evenfit.regularize.dropout.modules",
    "EMA": "evenfit.regularize.averaging",
    "EarlyStopping": "evenfit.regularize.stopping",
    "GaussianDropout": "evenfit.regularize.dropout.modules",
    "InputDropout": "evenfit.regularize.dropout.modules",
    "SAM": "evenfit.regularize.sharpness",
    "SWA": "evenfit.regularize.averaging",
    "SpatialDropout": "evenfit.regularize.dropout.modules",
    "StochasticDepth": "evenfit.regularize.dropout.modules",
    "VariationalDropout": "evenfit.regularize.dropout.modules",
    "clip_gradients_": "evenfit.regularize.clipping",
    "mixed_loss": "evenfit.regularize.mixing",
    "mixup": "evenfit.regularize.mixing",
    "r_drop": "evenfit.regularize.agreement",
    "smooth_labels": "evenfit.regularize.smoothing",
    "smoothed_cross_entropy": "evenfit.regularize.smoothing",
    "symmetric_kl": "evenfit.regularize.agreement",
    "update_batch_norm": "evenfit.regularize.averaging",
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
