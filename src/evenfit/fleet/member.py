"""Member: one network in a fleet; and the values that its training needs, one array per name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from evenfit.fleet import chance
from evenfit.fleet.kernels.activations import DROPOUT_CODES
from evenfit.regularize.schedules import SCHEDULES as STRENGTHS
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
    """The members' per-member values in one epoch, each an array ``[members]``.

    Rates of dropout are bytes: a unit is dropped where its byte lies below.
    """

    momentum: FloatArray
    second_momentum: FloatArray
    nesterov: npt.NDArray[np.bool_]
    l1: FloatArray  # strength of sum|w|, the elastic net's part included
    l2: FloatArray  # strength of sum w^2, the elastic net's part included
    group_lasso: FloatArray
    max_norm: FloatArray
    unit_norm: npt.NDArray[np.bool_]
    spectral_bound: FloatArray
    dropout: npt.NDArray[np.int64]
    dropout_kind: npt.NDArray[np.int64]
    input_dropout: npt.NDArray[np.int64]
    drop_connect: npt.NDArray[np.int64]
    smoothing: FloatArray
    noise: FloatArray
    weight_noise: FloatArray
    mixup: FloatArray
    r_drop: FloatArray
    activity_l1: FloatArray
    sam_radius: FloatArray
    gradient_clip: FloatArray
    input_scale_rate: FloatArray

    @classmethod
    def of(cls, members: Sequence[Member], epoch: int) -> Scalars:
        """Collect the values of members in an epoch, in their order."""
        configs = [member.config for member in members]

        def each(name: str) -> FloatArray:
            return np.array([float(getattr(config, name)) for config in configs])

        def share(schedule: str) -> FloatArray:
            shares = [STRENGTHS[getattr(config, schedule)](min(epoch / config.epochs, 1.0)) for config in configs]
            return np.array(shares, dtype=np.float64)

        def byte(name: str, shares: FloatArray) -> npt.NDArray[np.int64]:
            rates = each(name) * shares
            return np.array([chance.threshold(rate) for rate in rates], dtype=np.int64)

        penalised, dropping = share("penalty_schedule"), share("dropout_schedule")
        elastic, beta = each("elastic_net"), each("beta")
        return cls(
            momentum=each("momentum"),
            second_momentum=each("second_momentum"),
            nesterov=np.array([config.nesterov for config in configs]),
            l1=(each("l1") + elastic * beta) * penalised,
            l2=(each("l2") + elastic * (1 - beta) / 2) * penalised,
            group_lasso=each("group_lasso") * penalised,
            max_norm=each("max_norm"),
            unit_norm=np.array([config.unit_norm for config in configs]),
            spectral_bound=each("spectral_bound"),
            dropout=byte("dropout", dropping),
            dropout_kind=np.array([DROPOUT_CODES[config.dropout_kind] for config in configs], dtype=np.int64),
            input_dropout=byte("input_dropout", dropping),
            drop_connect=byte("drop_connect", dropping),
            smoothing=each("label_smoothing"),
            noise=each("input_noise"),
            weight_noise=each("weight_noise"),
            mixup=each("mixup"),
            r_drop=each("r_drop"),
            activity_l1=each("activity_l1"),
            sam_radius=each("sam_radius"),
            gradient_clip=each("gradient_clip"),
            input_scale_rate=each("input_scale_rate"),
        )


def scheduled(members: Sequence[Member]) -> bool:
    """Say whether any of the members' values change with the epoch."""
    return any(
        (member.config.penalty_schedule, member.config.dropout_schedule) != ("constant", "constant")
        for member in members
    )


def kept_scale(threshold: npt.NDArray[np.int64]) -> FloatArray:
    """Give 1 / (exact kept share) for bytes below which units are dropped."""
    return 256 / (256.0 - threshold)
