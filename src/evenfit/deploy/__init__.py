"""The trained model: predict and export."""

from importlib import import_module
from typing import TYPE_CHECKING

from evenfit.deploy.folder import load_parts, save_model
from evenfit.deploy.model import Model, load_model
from evenfit.deploy.part import Part

if TYPE_CHECKING:
    from evenfit.deploy.exporting.card import Card
    from evenfit.deploy.exporting.export import export
    from evenfit.deploy.exporting.exported import Exported

__all__ = ["Card", "Exported", "Model", "Part", "export", "load_model", "load_parts", "save_model"]

# Resolved on first use: who predicts does not export.
_HOMES = {
    "Card": "evenfit.deploy.exporting.card",
    "Exported": "evenfit.deploy.exporting.exported",
    "export": "evenfit.deploy.exporting.export",
}


def __getattr__(name: str) -> object:
    """The public object of that name, imported from its home."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)
