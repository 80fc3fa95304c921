"""Words: the hash of ``evenfit.regularize.chance``, compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

from evenfit.regularize.chance import MIX_A, MIX_B
from evenfit.regularize.kernels.compilation import jit

_MIX_A, _MIX_B = np.uint64(MIX_A), np.uint64(MIX_B)
_S27, _S30, _S31 = np.uint64(27), np.uint64(30), np.uint64(31)


@jit
def mix(state: Any) -> Any:
    """Scramble 64 bits, as ``chance.mix`` does."""
    state = (state ^ (state >> _S30)) * _MIX_A
    state = (state ^ (state >> _S27)) * _MIX_B
    return state ^ (state >> _S31)
