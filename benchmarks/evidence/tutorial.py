"""The tutorials' network in plain torch, many at once: what the published runs did, to the letter.

Written out rather than built of modules, so that ten networks are one batched product.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from benchmarks.evidence.networks import Array, Effort, make_samples
from torch import Tensor, nn
from torch.nn import functional

from evenfit.fleet.samples import Samples

WIDTH, TRAINED, TOGETHER = 500, 30, 10  # ten networks at once stay in the cache
DIFFERENCE = """
A fleet's network differs from the tutorial's in where it starts (He's normal weights, for two columns sixteen times
as large as Glorot's uniform ones) and in its output (two logits and a softmax, not one and a sigmoid).
"""


@dataclass(frozen=True, kw_only=True)
class Tables:
    """A table for each network: two columns and two classes, of which the first 30 rows are trained on."""

    x: Array  # [networks, rows, 2]
    y: Array  # [networks, rows]

    def samples(self) -> Samples:
        """One split for each table."""
        count, rows = self.y.shape
        return make_samples(
            self.x,
            self.y,
            classes=2,
            training=[np.arange(TRAINED)] * count,
            validation=[np.arange(TRAINED, rows)] * count,
        )


def make_tables(drawn: Sequence[tuple[Array, Array]]) -> Tables:
    return Tables(x=np.stack([x for x, _ in drawn]), y=np.stack([y for _, y in drawn]))


def accuracies(tables: Tables, *, epochs: int, rate: float, l2: float, effort: Effort) -> Array:
    """Train a network on each table; give its accuracy on the rows left over, [networks]."""
    seeds = range(1, len(tables.x) + 1)
    chunks = [slice(i, i + TOGETHER) for i in range(0, len(seeds), TOGETHER)]
    jobs = [
        effort.pool.submit(_accuracies, tables.x[chunk], tables.y[chunk], seeds[chunk], epochs=epochs, rate=rate, l2=l2)
        for chunk in chunks
    ]
    return np.concatenate([job.result() for job in jobs])


def _accuracies(x: Array, y: Array, seeds: Sequence[int], *, epochs: int, rate: float, l2: float) -> Array:
    torch.set_num_threads(1)
    weights = [nn.Parameter(torch.stack(one)) for one in zip(*(_start(seed) for seed in seeds), strict=True)]
    optimiser = torch.optim.Adam(weights, lr=1e-3, eps=1e-7, fused=True)
    chance = torch.Generator().manual_seed(seeds[0])
    rows, labels = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
    known, known_labels = rows[:, :TRAINED], labels[:, :TRAINED]
    for _ in range(epochs):
        loss = functional.binary_cross_entropy_with_logits(_logits(known, weights, rate, chance), known_labels)
        loss = loss * len(seeds)  # the sum of each network's mean, whose gradients do not mix
        if l2:
            loss = loss + l2 * weights[0].square().sum()  # of the hidden layer alone
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        right = (_logits(rows[:, TRAINED:], weights, 0.0, chance) > 0) == (labels[:, TRAINED:] > 0)
    found: Array = right.double().mean(1).numpy()
    return found


def _logits(x: Tensor, weights: Sequence[Tensor], rate: float, chance: torch.Generator) -> Tensor:
    first, bias, last, out = weights
    units = torch.baddbmm(bias, x, first).relu()
    if rate:
        units = units * (torch.rand(units.shape, generator=chance) >= rate) / (1 - rate)
    return torch.baddbmm(out, units, last)[:, :, 0]


def _start(seed: int) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)

    def glorot(rows: int, columns: int) -> Tensor:
        return (2 * torch.rand(rows, columns, generator=generator) - 1) * math.sqrt(6 / (rows + columns))

    return glorot(2, WIDTH), torch.zeros(1, WIDTH), glorot(WIDTH, 1), torch.zeros(1, 1)
