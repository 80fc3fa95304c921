"""Terms: what a search is about, and what it may spend: everything that tuning is told once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evenfit.data.encodings import InputShape
from evenfit.experiments.ending import EXHAUSTED, MEMORY, Limits
from evenfit.experiments.heat import Entry, Heat
from evenfit.experiments.room import Room
from evenfit.experiments.sizing import MEMBERS, SHARED, epoch_seconds
from evenfit.experiments.waiting import waiting
from evenfit.experiments.weighing import Weigh, weigh
from evenfit.proposals.protocol import Propose
from evenfit.regularize.chance import key
from evenfit.results.trial import Trial
from evenfit.specs.config import Config
from evenfit.specs.racing import Racing, halving
from evenfit.specs.space import Space

_ATTEMPTS = 100  # at drawing networks that fit into memory
_MOST_OUTPUTS = 2e7  # predictions of one heat: rows times classes times configs


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A heat is about to start: store it, and a killed study can go on with the same configs."""

    heat: Heat


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What the cost model needs to know of a problem."""

    shape: InputShape
    outputs: int
    rows: int  # training rows of a split
    splits: int

    def config(self, config: Config) -> float:
        """Estimate the core-seconds of one config on all splits."""
        return config.epochs * self.splits * epoch_seconds(config, self.shape, self.outputs, self.rows)

    @property
    def entries(self) -> int:
        """Say how many configs make a good fleet, whose predictions are not too many to hold."""
        return max(1, min(MEMBERS // self.splits, int(_MOST_OUTPUTS / (self.rows * self.outputs))))


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Where to look, by what means, and until when."""

    space: Space  # its default is tried first, and always completes
    propose: Propose  # chooses configs from what was tried
    limits: Limits
    costs: Costs
    seed: int  # of the proposals
    racing: Callable[[int], Racing] = halving  # of a heat, by its number
    price: Callable[[Config], float] | None = None  # of a config in use, where that is a second objective
    weighed: int = 1  # batches that are proposed for a heat, of which the most promising a second is raced
    weigh: Weigh = weigh  # says which that is
    room: Room | None = None  # that fleets have in memory; None is as much as they like


def proposed(terms: Terms, history: Sequence[Trial], count: int, *, seed: int) -> tuple[Config, ...]:
    """Propose configs of one fleet: at most so many, none where nothing is left to try.

    Where a condition makes what a fleet shares hang on what it does not, those that differ from the first are left out.
    Where memory is bounded, networks of which not even one config fits are passed over, as if they had been tried; and
    there are no more than trials that can be kept.
    """
    known = history
    for attempt in range(_ATTEMPTS):
        own = key(seed, attempt) >> 2 if attempt else seed
        drawn = terms.propose(terms.space, known, count, shared=SHARED, seed=own)
        drawn = tuple(config for config in drawn if _shared(config) == _shared(drawn[0]))
        if terms.room is None or not drawn:
            return drawn
        fitting = terms.room.entries(drawn[0], min(len(drawn), terms.room.places(drawn[0], history)))
        if fitting:
            return drawn[:fitting]
        if terms.room.full(history):
            return ()
        known = [*known, *waiting(Heat(round=0, entries=make_entries(drawn, first=0)))]
    return ()


def left_over(terms: Terms, history: Sequence[Trial]) -> str:
    """Say why nothing is proposed any more: no memory for it, or nothing left to try."""
    return MEMORY if terms.limits.full is not None and terms.limits.full(history) else EXHAUSTED


def _shared(config: Config) -> tuple[object, ...]:
    return tuple(getattr(config, name) for name in SHARED)


def default_heat(terms: Terms) -> Heat:
    """Make the heat that comes first: the default config, alone."""
    entry = Entry(number=0, config=terms.space.default, protected=True)
    return Heat(round=0, entries=(entry,), rungs=(), stop_at=terms.limits.stop_at)


def make_entries(configs: tuple[Config, ...], *, first: int) -> tuple[Entry, ...]:
    """Number configs as the trials that they will be."""
    return tuple(Entry(number=first + place, config=config) for place, config in enumerate(configs))
