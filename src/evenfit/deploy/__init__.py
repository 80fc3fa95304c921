"""The trained model: predict and export."""

from evenfit.deploy.folder import load_parts, save_model
from evenfit.deploy.model import Model, load_model
from evenfit.deploy.part import Part

__all__ = ["Model", "Part", "load_model", "load_parts", "save_model"]
