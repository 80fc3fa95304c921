"""Workers that end heats at once, by a made-up loss and a clock that only they move."""

import numpy as np
from tests.proposals.trials import trial_of

from evenfit.data.encodings import InputShape
from evenfit.experiments.heat import Finished, HeatDone
from evenfit.experiments.tuning import Costs
from evenfit.specs.config import Config
from evenfit.specs.space import Choice, Range, Space

COSTS = Costs(shape=InputShape(numeric=8, features=8, cardinalities=()), outputs=2, rows=800, splits=5)
SPACE = Space(
    default=Config(width=64, epochs=16, numeric_embedding="none"),
    values={
        "width": Choice(values=(32, 64)),
        "learning_rate": Range(low=1e-4, high=1e-1, log=True),
        "dropout": Range(low=0.05, high=0.5, zero=0.2),
    },
)


class FakeWorkers:
    """Up to ``count`` heats at once; the one submitted last ends first, to be as unhelpful as it can."""

    def __init__(self, count, *, seconds=None):
        self.count, self.seconds = count, seconds
        self.heats, self.submitted = [], []
        self.now = 0.0

    @property
    def idle(self):
        return self.count - len(self.heats)

    def submit(self, heat):
        assert self.idle > 0
        self.heats.append(heat)
        self.submitted.append(heat)

    def receive(self):
        if not self.heats:
            return []
        heat = self.heats.pop()
        if self.seconds is not None:
            self.now += self.seconds(heat)
        done = [Finished(trial=self.trial(heat, entry), state=None) for entry in heat.entries]
        return [*done, HeatDone(round=heat.round)]

    def trial(self, heat, entry):
        loss = (np.log10(entry.config.learning_rate) + 2) ** 2 + entry.config.dropout
        found = trial_of(entry.number, entry.config, loss)
        object.__setattr__(found, "round", heat.round)
        return found

    def clock(self):
        return self.now
