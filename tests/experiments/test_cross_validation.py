"""Cross-validation of one config, step by step."""

import numpy as np
import polars as pl
import pytest

from evenfit.data.splits import make_splits
from evenfit.data.table import understand
from evenfit.experiments.cross_validation import cross_validate
from evenfit.experiments.heat import Epoch, Finished, HeatDone
from evenfit.experiments.here import Here
from evenfit.experiments.problem import Problem
from evenfit.specs.config import Config

CONFIG = Config(width=16, depth=1, epochs=5, batch_rows=32, numeric_embedding="none")


@pytest.fixture
def problem():
    generator = np.random.default_rng(0)
    frame = pl.DataFrame({"a": generator.normal(size=60), "b": generator.normal(size=60), "y": [0, 1] * 30})
    table = understand(frame, target="y")
    return Problem(table=table, splits=make_splits(table, folds=3, seed=0), metric="log_loss", seed=0)


def test_it_tells_every_epoch_and_ends_with_the_trial(problem):
    events = list(cross_validate(CONFIG, workers=Here(problem)))
    assert [event.epoch for event in events if isinstance(event, Epoch)] == [1, 2, 3, 4, 5]
    [finished] = [event for event in events if isinstance(event, Finished)]
    assert finished.trial.config == CONFIG
    assert finished.trial.status == "complete"
    assert finished.trial.selection_loss.shape == (5, 3)
    assert isinstance(events[-1], HeatDone)


def test_where_time_is_over_it_ends_at_once(problem):
    events = list(cross_validate(CONFIG, workers=Here(problem), stop_at=0.0))
    assert not any(isinstance(event, Finished) for event in events)
    assert isinstance(events[-1], HeatDone)
