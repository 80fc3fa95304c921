"""Optimisers: one step of a block of one member's parameters, and the proximal step behind it.

``soft`` is the threshold that L1 subtracts from a weight's size, ``shrink`` the factor of L2.
"""

from __future__ import annotations

import numpy as np

from evenfit.fleet.kernels.compilation import jit
from evenfit.regularize.kernels.compilation import like


@jit
def adamw(w, g, p, q, rate, decay, second_decay, step, soft, shrink):
    """One step of AdamW (Loshchilov & Hutter, "Decoupled weight decay regularization", 2019)."""
    a, c = like(decay, w[0]), like(second_decay, w[0])
    pace = like(rate / (1.0 - decay**step), w[0])
    fix = like(1.0 / np.sqrt(1.0 - second_decay**step), w[0])
    one, tiny = like(1.0, w[0]), like(1e-8, w[0])
    for i in range(w.size):
        p[i] = a * p[i] + (one - a) * g[i]
        q[i] = c * q[i] + (one - c) * g[i] * g[i]
        w[i] -= pace * p[i] / (np.sqrt(q[i]) * fix + tiny)
    _proximal(w, soft, shrink)


@jit
def sgd(w, g, p, rate, decay, nesterov, soft, shrink):
    """One step of SGD with momentum, in torch's form."""
    a, pace = like(decay, w[0]), like(rate, w[0])
    ahead = like(1.0 if nesterov else 0.0, w[0])
    now, later = ahead, (like(1.0, w[0]) - ahead) + ahead * a
    for i in range(w.size):
        p[i] = a * p[i] + g[i]
        w[i] -= pace * (now * g[i] + later * p[i])
    _proximal(w, soft, shrink)


@jit
def _proximal(w, soft, shrink):
    factor, threshold, zero = like(shrink, w[0]), like(soft, w[0]), like(0.0, w[0])
    if soft > 0:
        for i in range(w.size):
            size = max(abs(w[i]) - threshold, zero) * factor
            w[i] = size if w[i] > zero else -size
    elif shrink < 1:
        for i in range(w.size):
            w[i] *= factor
