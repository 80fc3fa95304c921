"""Target: what a user named to be audited, made into a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn
from torch.export import ExportedProgram

from evenfit.errors import RegularizeError

Model = nn.Module | ExportedProgram


def made(thing: Any, args: Sequence[Any], kwargs: Mapping[str, Any], *, name: str) -> Model:
    """Make a model of what a user named: a class or a factory is called, a model is taken as it is.

    Raises:
        RegularizeError: it is none of these, gives no model, or is a model and was given arguments.
    """
    if isinstance(thing, Model):
        if args or kwargs:
            raise RegularizeError(f"{name} is a model, not a class or factory: it takes no arguments")
        return thing
    if not callable(thing):
        raise RegularizeError(f"{name} must be a class of nn.Module, a factory of one, or one; got {thing!r:.60}")
    model = thing(*args, **kwargs)
    if not isinstance(model, Model):
        raise RegularizeError(f"{name} must give an nn.Module; it gave {type(model).__name__}")
    return model
