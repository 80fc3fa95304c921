"""Neural networks that generalise: tuned by cross-validation, honestly scored, ready to use."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evenfit.deploy import load_model
    from evenfit.estimators import EvenfitClassifier, EvenfitRegressor
    from evenfit.runs.functions import cross_validate, tune

__version__ = "0.1.0"

__all__ = [
    "EvenfitClassifier",
    "EvenfitRegressor",
    "__version__",
    "cross_validate",
    "load_model",
    "tune",
]

# Resolved on first use, so that `import evenfit` and `evenfit --help` start without torch.
_HOMES = {
    "EvenfitClassifier": "evenfit.estimators",
    "EvenfitRegressor": "evenfit.estimators",
    "cross_validate": "evenfit.runs.functions",
    "load_model": "evenfit.deploy",
    "tune": "evenfit.runs.functions",
}


def __getattr__(name: str) -> object:
    """The public object of that name, imported from its home."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)
