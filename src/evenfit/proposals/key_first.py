"""Key first: the hyperparameters that matter most are searched alone at first, the others join where they pay."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evenfit.proposals.protocol import Propose
from evenfit.results.trial import COMPLETE, DIVERGED, Trial
from evenfit.specs.config import Config
from evenfit.specs.space import Space

KEY = ("learning_rate", "width", "dropout", "l2")
GROUPS: tuple[tuple[str, ...], ...] = (  # in the order in which they are worth a try
    ("epochs", "depth", "batch_rows", "weight_averaging", "l1"),
    ("schedule", "numeric_embedding", "inputs", "target", "input_scale_rate"),
    ("activation", "input_dropout", "input_noise", "label_smoothing"),
)  # what is in none is the last group
ALONE = 16  # trials of the first names before others are tried
TRIED = 8  # trials in which a group's names had other values, before it is judged


@dataclass(frozen=True, kw_only=True)
class KeyFirst:
    """Another way of proposing, in a space that grows with what is known."""

    draw: Propose

    def __call__(
        self, space: Space, history: Sequence[Trial], count: int, *, shared: Collection[str], seed: int
    ) -> tuple[Config, ...]:
        """Draw from the space of the names that are searched by now; the others stay as they are in the default.

        "Start with key hyperparameters": of a default config, learning rate, width, dropout and L2 first. Then
        groups of others join for a few trials each, and stay where one of those trials is the best so far. When
        all have been tried, every other batch is drawn from the whole space, so that nothing is ruled out for good.
        """
        names = searched(space, history, seed=seed)
        return self.draw(space.part(names), history, count, shared=shared, seed=seed // 2)


def searched(space: Space, history: Sequence[Trial], *, seed: int) -> frozenset[str]:
    """Give the names that a batch varies."""
    key = [name for name in KEY if name in space.values]
    if not key:
        return frozenset(space.values)
    tried = [trial for trial in history if trial.number > 0 and trial.status != DIVERGED]
    active = set(key)
    if len(tried) < ALONE:
        return frozenset(active)
    default: Mapping[str, Any] = space.default.to_json()
    for group in _groups(space):
        with_group = [t for t in tried if any(getattr(t.config, name) != default[name] for name in group)]
        if len(with_group) < TRIED:
            return frozenset(active | set(group))
        numbers = {trial.number for trial in with_group}
        if _best(with_group) < _best([trial for trial in history if trial.number not in numbers]):
            active |= set(group)
    return frozenset(space.values) if seed % 2 else frozenset(active)


def _groups(space: Space) -> list[tuple[str, ...]]:
    named = {name for group in (KEY, *GROUPS) for name in group}
    last = tuple(name for name in space.values if name not in named)
    found = [tuple(name for name in group if name in space.values) for group in (*GROUPS, last)]
    return [group for group in found if group]


def _best(trials: Sequence[Trial]) -> float:
    losses = [trial.loss for trial in trials if trial.status == COMPLETE]
    return min((loss for loss in losses if math.isfinite(loss)), default=math.inf)
