"""Probe: how fast this machine trains the default config, by the clock, within a second or two."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from evenfit.experiments.checkpoints import checkpoint_epochs
from evenfit.experiments.problem import Problem, prepare
from evenfit.experiments.race import seed_of
from evenfit.fleet.fleet import Fleet
from evenfit.fleet.member import Member
from evenfit.specs.config import Config

CHECKPOINTS = 20  # of a heat


@dataclass(frozen=True, kw_only=True)
class Probed:
    """What a probe has measured."""

    default_seconds: float  # core-seconds that the config takes on all splits, validation included
    preparing_seconds: float  # to encode the table
    probe_seconds: float  # that the probe itself took


def probe(
    problem: Problem, config: Config, *, seconds: float, clock: Callable[[], float] = time.perf_counter
) -> Probed:
    """Train the config on all splits for so many seconds at most, validate it once, and say what all of it would take.

    The table is encoded first, which takes as long as it does; the first steps, which load what was compiled, are
    not counted.
    """
    began = clock()
    prepared = prepare(problem, inputs=config.inputs, target=config.target)
    encoded = clock()
    splits = range(len(problem.splits))
    members = [Member(config=config, split=number, seed=seed_of(problem, number)) for number in splits]
    fleet = Fleet(members, prepared.samples)
    steps, stride = int(fleet.epoch_steps.max()), fleet.stride()
    moments: list[float] = []  # before each stretch of steps; the first stretch is not counted
    done = 0

    def over() -> bool:
        moments.append(clock())
        return len(moments) > 2 and moments[-1] - moments[1] > seconds

    while done < steps * config.epochs and (len(moments) < 2 or clock() - moments[1] <= seconds):
        first = len(moments)
        whole = fleet.train_epoch(over)
        done += steps if whole else (len(moments) - first - 1) * stride
        if not whole:
            break
    counted = done - min(stride, steps) if len(moments) > 1 else done
    spent = clock() - moments[min(1, len(moments) - 1)]
    rows = [np.concatenate([problem.splits[n].validate, prepared.followed[n]]) for n in splits]
    before = clock()
    fleet.outputs(rows, fleet.learnt())
    judged = clock() - before
    judgings = len(checkpoint_epochs(config.epochs, CHECKPOINTS))
    return Probed(
        default_seconds=steps * config.epochs * spent / max(counted, 1) + judgings * judged,
        preparing_seconds=encoded - began,
        probe_seconds=clock() - began,
    )
