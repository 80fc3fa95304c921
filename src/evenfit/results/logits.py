"""Logits: what a classifier's networks give, as log-probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def log_softmax(logits: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Turn logits ``[..., classes]`` into log-probabilities, in double precision.

    Example:
        >>> np.exp(log_softmax(np.array([0.0, 0.0])))
        array([0.5, 0.5])
    """
    logits = np.asarray(logits, dtype=np.float64)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    normal: npt.NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return normal
