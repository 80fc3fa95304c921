"""Member: one network in a fleet; and the values that its training needs, one array per name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenfit.fleet import chance
from evenfit.specs.config import Config

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Member:
    """One network: what it is, which split it trains on, and its seed."""

    config: Config
    split: int  # index into the samples' splits
    seed: int


@dataclass(frozen=True, kw_only=True)
class Scalars:
    """The members' per-member values, each an array ``[members]``."""

    momentum: FloatArray
    second_momentum: FloatArray
    nesterov: npt.NDArray[np.bool_]
    l1: FloatArray  # strength of sum|w|, the elastic net's part included
    l2: FloatArray  # strength of sum w^2, the elastic net's part included
    dropout: npt.NDArray[np.int64]  # byte below which a unit is dropped
    dropout_scale: FloatArray  # 1 / (exact kept share)
    input_dropout: npt.NDArray[np.int64]
    input_dropout_scale: FloatArray
    smoothing: FloatArray
    noise: FloatArray
    averaging: FloatArray
    input_scale_rate: FloatArray
    epochs: npt.NDArray[np.int64]

    @classmethod
    def of(cls, members: Sequence[Member]) -> Scalars:
        """Collect the values of members, in their order."""
        configs = [member.config for member in members]

        def each(name: str) -> FloatArray:
            return np.array([float(getattr(config, name)) for config in configs])

        hidden = np.array([chance.threshold(config.dropout) for config in configs], dtype=np.int64)
        inputs = np.array([chance.threshold(config.input_dropout) for config in configs], dtype=np.int64)
        elastic, beta = each("elastic_net"), each("beta")
        return cls(
            momentum=each("momentum"),
            second_momentum=each("second_momentum"),
            nesterov=np.array([config.nesterov for config in configs]),
            l1=each("l1") + elastic * beta,
            l2=each("l2") + elastic * (1 - beta) / 2,
            dropout=hidden,
            dropout_scale=256 / (256.0 - hidden),
            input_dropout=inputs,
            input_dropout_scale=256 / (256.0 - inputs),
            smoothing=each("label_smoothing"),
            noise=each("input_noise"),
            averaging=each("weight_averaging"),
            input_scale_rate=each("input_scale_rate"),
            epochs=np.array([config.epochs for config in configs], dtype=np.int64),
        )
