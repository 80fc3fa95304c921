"""Regularisation for any PyTorch model: penalties, proximal steps, dropout, folding, and an audit of mistakes.

``import evenfit.regularize as er``; every public name is an attribute of ``er``, loaded when it is first used.
"""

from importlib import import_module

# Where each public name is at home. Resolved on first use: the engine's parts below load without torch.
_HOMES = {
    "AlphaDropout": "evenfit.regularize.dropout.modules",
    "DropConnect": "evenfit.regularize.dropout.modules",
    "Dropout": "evenfit.regularize.dropout.modules",
    "GaussianDropout": "evenfit.regularize.dropout.modules",
    "InputDropout": "evenfit.regularize.dropout.modules",
    "SAM": "evenfit.regularize.sharpness",
    "SpatialDropout": "evenfit.regularize.dropout.modules",
    "StochasticDepth": "evenfit.regularize.dropout.modules",
    "VariationalDropout": "evenfit.regularize.dropout.modules",
    "clip_gradients_": "evenfit.regularize.clipping",
    "mixup": "evenfit.regularize.mixing",
    "mixed_loss": "evenfit.regularize.mixing",
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
