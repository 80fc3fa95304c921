"""Early stopping stops when it should, and gives the best weights back exactly."""

import io
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.regularize.zoo import ZOO, make, same, snapshot, train
from torch import nn

from evenfit.errors import RegularizeError
from evenfit.regularize.averaging import EMA
from evenfit.regularize.stopping import EarlyStopping

LOSSES = st.lists(st.floats(-10, 10) | st.just(math.nan) | st.just(math.inf), min_size=1, max_size=30)


@given(losses=LOSSES, patience=st.integers(1, 5), least=st.just(0.0) | st.floats(0, 3))
def test_it_stops_after_patience_losses_without_an_improvement_and_never_before(losses, patience, least):
    model = nn.Linear(1, 1, bias=False)
    stopping = EarlyStopping(model, patience=patience, minimum_improvement=least)
    best, best_step = math.inf, 0
    for step, loss in enumerate(losses, start=1):
        with torch.no_grad():
            model.weight.fill_(step)
        stop = stopping.should_stop(loss)
        if loss < best - least:
            best, best_step = loss, step
        assert (stopping.best_loss, stopping.best_step, stopping.steps) == (best, best_step, step)
        assert stop == (step - best_step >= patience)
    if best_step:
        stopping.restore()
        assert model.weight.item() == best_step


@pytest.mark.parametrize("kind", ZOO)
def test_the_best_weights_and_buffers_come_back_bit_for_bit_in_their_memory(kind):
    model, batch = make(kind)
    stopping = EarlyStopping(model, patience=9)
    stopping.should_stop(2.0)
    train(model, batch)
    stopping.should_stop(torch.tensor(1.0, requires_grad=True))
    best = snapshot(model)
    train(model, batch, steps=2)
    stopping.should_stop(3.0)
    assert not same(model, best)
    stopping.restore()
    assert same(model, best)


def test_an_optimiser_trains_on_with_the_weights_that_were_brought_back():
    model, batch = make("dense")
    optimiser = torch.optim.Adam(model.parameters())
    stopping = EarlyStopping(model, patience=1)
    stopping.should_stop(1.0)
    train(model, batch, optimiser=optimiser)
    stopping.restore()
    before = snapshot(model)
    train(model, batch, optimiser=optimiser)
    assert not same(model, before)


@pytest.mark.parametrize("stop", [0, 2, 4])
def test_watching_that_was_saved_and_loaded_equals_watching_that_was_not(stop):
    losses, ends = [0.9, 0.5, 0.7, 0.6, 0.55, 0.58], []
    for saved in (False, True):
        model, batch = make("dense")
        stopping = EarlyStopping(model, patience=4)
        for number, loss in enumerate(losses):
            if saved and number == stop:
                file = io.BytesIO()
                torch.save(stopping.state_dict(), file)
                file.seek(0)
                stopping = EarlyStopping(model, patience=4)
                stopping.load_state_dict(torch.load(file, weights_only=True))
            with torch.random.fork_rng():
                torch.manual_seed(number)
                train(model, batch)
            ends.append(stopping.should_stop(loss))
        stopping.restore()
        ends.append(snapshot(model)["0.weight"][2].tolist())
    assert ends[: len(ends) // 2] == ends[len(ends) // 2 :]


def test_within_an_applied_average_the_average_is_kept():
    model, batch = make("dense")
    ema, stopping = EMA(model, decay=0.5), EarlyStopping(model, patience=1)
    for _ in range(3):
        train(model, batch)
        ema.update(model)
    with ema.applied(model):
        stopping.should_stop(1.0)
        average = snapshot(model)
    assert not same(model, average)
    stopping.restore()
    assert same(model, average)


def test_weights_kept_in_inference_mode_are_kept_again_outside():
    model, batch = make("dense")
    stopping = EarlyStopping(model, patience=1)
    with torch.inference_mode():
        stopping.should_stop(1.0)
    train(model, batch)
    stopping.should_stop(0.5)
    best = snapshot(model)
    train(model, batch)
    with torch.inference_mode():
        stopping.restore()
    assert same(model, best)


@pytest.mark.parametrize("losses", [[], [math.nan, math.inf]])
def test_without_a_finite_loss_there_is_nothing_to_bring_back(losses):
    stopping = EarlyStopping(nn.Linear(1, 1), patience=2)
    assert [stopping.should_stop(loss) for loss in losses] == [False, True][: len(losses)]
    with pytest.raises(RegularizeError, match=f"none of the {len(losses)} losses was a finite number"):
        stopping.restore()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"patience": 0}, "patience must be a whole number of at least 1, got 0"),
        ({"patience": 1.5}, r"patience must be a whole number of at least 1, got 1\.5"),
        ({"patience": 1, "minimum_improvement": -1.0}, r"minimum improvement must be .* at least 0, got -1\.0"),
        ({"patience": 1, "minimum_improvement": math.nan}, "minimum improvement must be .* at least 0, got nan"),
    ],
)
def test_settings_out_of_range_are_refused(values, message):
    with pytest.raises(RegularizeError, match=message):
        EarlyStopping(nn.Linear(1, 1), **values)


def test_the_state_of_another_model_is_refused():
    other = EarlyStopping(nn.Linear(2, 1), patience=1)
    other.should_stop(1.0)
    stopping = EarlyStopping(nn.Linear(1, 1), patience=1)
    with pytest.raises(RegularizeError, match=r"of another model: weight has the shape \[1, 2\], \[1, 1\] in"):
        stopping.load_state_dict(other.state_dict())
    assert stopping.steps == 0
