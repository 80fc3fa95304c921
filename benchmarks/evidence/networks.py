"""Networks: rows for a fleet, and fleets trained in as many processes as there are."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.data.encodings import InputShape
from evenfit.fleet.fleet import Fleet
from evenfit.fleet.member import Member
from evenfit.fleet.samples import Samples
from evenfit.specs.config import Config

Array = npt.NDArray[Any]

PLAIN = {"activation": "relu", "numeric_embedding": "none", "input_scale_rate": 0.0, "schedule": "constant"}
ADAM = PLAIN | {"optimiser": "adamw", "momentum": 0.9, "second_momentum": 0.999}


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is computed, and where."""

    seeds: int  # networks, tables or repeats of each kind
    shorter: int  # training is so many times shorter than the studies ask for
    pool: Executor
    processes: int

    def epochs(self, count: int) -> int:
        """Epochs of a training that asks for ``count``."""
        return max(count // self.shorter, 2)


@dataclass(frozen=True, kw_only=True)
class Trained:
    """Networks after training, in the order of their members."""

    weights: Array  # [members, parameters]
    outputs: list[Array]  # of each member, [rows, outputs]: logits or numbers, in evaluation mode


def make_samples(
    values: Array, target: Array, *, classes: int, training: Sequence[Array], validation: Sequence[Array]
) -> Samples:
    """Rows as a fleet sees them: ``values [S, N, F]`` and ``target [S, N]`` for S splits; 0 classes is a number."""
    ones = np.ones(target.shape, dtype=np.float32)
    outputs = max(classes, 1)
    return Samples(
        shape=InputShape(numeric=values.shape[2], features=values.shape[2], cardinalities=()),
        outputs=outputs,
        classification=classes > 0,
        values=values.astype(np.float32),
        codes=np.zeros((*target.shape, 0), dtype=np.int32),
        target=target.astype(np.float32),
        row_weights=ones,
        balanced_weights=ones,
        prior=np.zeros((len(values), outputs)),
        training=training,
        validation=validation,
    )


def train(members: Sequence[Member], samples: Samples, *, rows: Sequence[Array], effort: Effort) -> Trained:
    """Train members to the end of their epochs, in one fleet for each process, and predict each one's ``rows``."""
    chunks = [chunk for chunk in np.array_split(np.arange(len(members)), effort.processes) if len(chunk)]
    jobs = [
        effort.pool.submit(_train, [members[i] for i in chunk], samples, [rows[i] for i in chunk]) for chunk in chunks
    ]
    done = [job.result() for job in jobs]
    return Trained(
        weights=np.concatenate([one.weights for one in done]),
        outputs=[outputs for one in done for outputs in one.outputs],
    )


def _train(members: Sequence[Member], samples: Samples, rows: Sequence[Array]) -> Trained:
    fleet = Fleet(members, samples)
    for _ in range(max(member.config.epochs for member in members)):
        fleet.train_epoch()
    weights = fleet.learnt()
    return Trained(weights=weights, outputs=fleet.outputs(rows, weights))


def make_members(configs: Sequence[Config], *, seeds: Sequence[int], splits: Sequence[int]) -> list[Member]:
    """Config after config: its networks have the seeds and the splits that those of every other config have."""
    return [
        Member(config=config, split=split, seed=seed)
        for config in configs
        for seed, split in zip(seeds, splits, strict=True)
    ]


def accuracies(
    configs: Sequence[Config], samples: Samples, *, seeds: Sequence[int], splits: Sequence[int], effort: Effort
) -> tuple[Array, Array]:
    """Train every config with every seed on its split: accuracies on training and validation rows, [configs, seeds]."""
    members = make_members(configs, seeds=seeds, splits=splits)
    rows = [np.concatenate([samples.training[one.split], samples.validation[one.split]]) for one in members]
    trained = train(members, samples, rows=rows, effort=effort)
    found = np.empty((2, len(members)))
    for position, member in enumerate(members):
        right = trained.outputs[position].argmax(axis=1) == samples.target[member.split][rows[position]]
        count = len(samples.training[member.split])
        found[:, position] = right[:count].mean(), right[count:].mean()
    return tuple(found.reshape(2, len(configs), len(seeds)))
