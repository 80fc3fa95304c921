"""The trained model: predict and export."""

from evenfit.deploy.folder import load_parts, save_model

__all__ = ["load_parts", "save_model"]
