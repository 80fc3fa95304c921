"""Failures: a fit that came to nothing, and why, in a line."""

from __future__ import annotations

import numpy as np

from evenfit.experiments.fitting.fits import Fitted

UNSAID = (DeprecationWarning, PendingDeprecationWarning, ResourceWarning)  # meant for who wrote the model


def failed(number: int, error: Exception) -> Fitted:
    """Give what is told of a fit that went wrong.

    Example:
        >>> failed(3, ValueError("no rows, no model")).failure
        'ValueError: no rows, no model'
    """
    return Fitted(number=number, predictions=np.empty((0, 0)), failure=line(type(error), error))


def line(kind: type[BaseException], message: object) -> str:
    """Say an error or a warning in a line: its kind, and the first line of its message.

    Example:
        >>> line(UserWarning, "look out, there are rows missing")
        'UserWarning: look out, there are rows missing'
    """
    lines = str(message).strip().splitlines()
    return f"{kind.__name__}: {lines[0].strip()}" if lines else kind.__name__
