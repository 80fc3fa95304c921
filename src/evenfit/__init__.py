"""Neural networks that generalise: tuned by cross-validation, honestly scored, ready to use."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evenfit.deploy import load_model
    from evenfit.estimators import EvenfitClassifier, EvenfitRegressor
    from evenfit.runs.functions import cross_validate, tune
    from evenfit.runs.hyperparameters import hyperparameter_importance
    from evenfit.runs.measures.bias_variance import bias_variance
    from evenfit.runs.measures.diagnose import diagnose
    from evenfit.runs.measures.learning_curve import learning_curve
    from evenfit.runs.measures.mlxtend import bias_variance_decomp
    from evenfit.runs.measures.validation_curve import validation_curve
    from evenfit.specs.config import Config
    from evenfit.specs.space import Above, Beta, Choice, Constant, LogNormal, Normal, Range, Space, SpaceRequest
    from evenfit.specs.training import Training

__version__ = "0.1.0"

__all__ = [
    "Above",
    "Beta",
    "Choice",
    "Config",
    "Constant",
    "EvenfitClassifier",
    "EvenfitRegressor",
    "LogNormal",
    "Normal",
    "Range",
    "Space",
    "SpaceRequest",
    "Training",
    "__version__",
    "bias_variance",
    "bias_variance_decomp",
    "cross_validate",
    "diagnose",
    "hyperparameter_importance",
    "learning_curve",
    "load_model",
    "tune",
    "validation_curve",
]

# Resolved on first use, so that `import evenfit` and `evenfit --help` start without torch.
_HOMES = {
    "Above": "evenfit.specs.space",
    "Beta": "evenfit.specs.space",
    "Choice": "evenfit.specs.space",
    "Config": "evenfit.specs.config",
    "Constant": "evenfit.specs.space",
    "EvenfitClassifier": "evenfit.estimators",
    "EvenfitRegressor": "evenfit.estimators",
    "LogNormal": "evenfit.specs.space",
    "Normal": "evenfit.specs.space",
    "Range": "evenfit.specs.space",
    "Space": "evenfit.specs.space",
    "SpaceRequest": "evenfit.specs.space",
    "Training": "evenfit.specs.training",
    "bias_variance": "evenfit.runs.measures.bias_variance",
    "bias_variance_decomp": "evenfit.runs.measures.mlxtend",
    "cross_validate": "evenfit.runs.functions",
    "diagnose": "evenfit.runs.measures.diagnose",
    "hyperparameter_importance": "evenfit.runs.hyperparameters",
    "learning_curve": "evenfit.runs.measures.learning_curve",
    "load_model": "evenfit.deploy",
    "tune": "evenfit.runs.functions",
    "validation_curve": "evenfit.runs.measures.validation_curve",
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
