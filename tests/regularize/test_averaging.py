"""Averages of weights are torch's own, go into a model and come out of it, and can be continued."""

import io

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.regularize.zoo import ZOO, equal_bits, make, same, snapshot, train
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn
from torch.utils.data import DataLoader, TensorDataset

from evenfit.errors import RegularizeError
from evenfit.regularize.averaging import EMA, SWA, update_batch_norm
from evenfit.regularize.copies import copied

DECAYS = st.just(0.0) | st.floats(0.01, 0.999)


def averaged(average, model):
    """What a model holds while an average is applied."""
    with average.applied(model):
        return copied(model)


def walk(seed, steps):
    """A model whose weights move at random, and how they move."""
    model, _ = make("double", seed=seed)
    generator = torch.Generator().manual_seed(seed)

    def moves():
        for _ in range(steps):
            with torch.no_grad():
                for one in model.state_dict().values():
                    if one.is_floating_point():
                        one.add_(torch.randn(one.shape, generator=generator, dtype=one.dtype))
            yield

    return model, moves()


@settings(max_examples=30)
@given(decay=DECAYS, steps=st.integers(1, 8), seed=st.integers(0, 99))
def test_an_uncorrected_average_is_torch_s(decay, steps, seed):
    model, moves = walk(seed, steps)
    ours = EMA(model, decay=decay, corrected=False)
    theirs = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)
    theirs.update_parameters(model)  # torch takes the first weights as they are
    for _ in moves:
        ours.update(model)
        theirs.update_parameters(model)
    check_same(averaged(ours, model), theirs.module)


@settings(max_examples=30)
@given(steps=st.integers(1, 8), start=st.integers(0, 3), seed=st.integers(0, 99))
def test_equal_weights_are_torch_s(steps, start, seed):
    model, moves = walk(seed, steps + start)
    ours, theirs = SWA(model, start=start), AveragedModel(model, use_buffers=True)
    for number, _ in enumerate(moves):
        ours.update(model)
        if number < start:
            assert all(equal_bits(one, averaged(ours, model)[name]) for name, one in copied(model).items())
        else:
            theirs.update_parameters(model)
    check_same(averaged(ours, model), theirs.module)
    assert ours.averaged == steps


def check_same(ours, theirs):
    for name, one in copied(theirs).items():
        if not name.endswith("num_batches_tracked"):
            torch.testing.assert_close(ours[name], one)


@settings(max_examples=30)
@given(decay=DECAYS, steps=st.integers(1, 8), seed=st.integers(0, 99))
def test_a_corrected_average_is_the_weighted_mean_of_the_weights_that_it_saw(decay, steps, seed):
    model, moves = walk(seed, steps)
    ema, seen = EMA(model, decay=decay), []
    for _ in moves:
        ema.update(model)
        seen.append(copied(model))
    shares = torch.tensor([decay ** (steps - 1 - number) for number in range(steps)], dtype=torch.float64)
    shares = shares / shares.sum()
    made = averaged(ema, model)
    for name in ("0.weight", "4.bias", "1.running_var"):
        expected = sum(share * one[name] for share, one in zip(shares, seen, strict=True))
        torch.testing.assert_close(made[name], expected)


@pytest.mark.parametrize("kind", ZOO)
@pytest.mark.parametrize("make_average", [lambda m: EMA(m, decay=0.9), SWA], ids=["EMA", "SWA"])
def test_the_first_update_is_the_weights_bit_for_bit(kind, make_average):
    model, batch = make(kind)
    average = make_average(model)
    train(model, batch, steps=2)
    average.update(model)
    assert all(equal_bits(one, averaged(average, model)[name]) for name, one in copied(model).items())


@pytest.mark.parametrize("kind", ZOO)
def test_the_model_has_its_own_weights_again_after_the_block_and_after_an_exception(kind):
    model, batch = make(kind)
    ema = EMA(model, decay=0.5)
    for _ in range(3):
        train(model, batch)
        ema.update(model)
    before = snapshot(model)
    with ema.applied(model) as inside:
        assert inside is model
        assert not same(model, before)
        model(batch)  # in training mode: batch normalisation moves its statistics
    assert same(model, before)
    with pytest.raises(RuntimeError, match="within"), ema.applied(model):
        raise RuntimeError("within")
    assert same(model, before)
    ema.copy_to(model)
    assert not same(model, before)


@pytest.mark.parametrize("make_average", [lambda m: EMA(m, decay=0.9), lambda m: SWA(m, start=2)], ids=["EMA", "SWA"])
@pytest.mark.parametrize("stop", [0, 1, 3])
def test_an_average_that_was_saved_and_loaded_equals_one_that_was_not(make_average, stop):
    model, batch = make("dense")
    whole, first = make_average(model), make_average(model)
    for number in range(6):
        if number == stop:
            file = io.BytesIO()
            torch.save(first.state_dict(), file)
            file.seek(0)
            first = make_average(model)
            first.load_state_dict(torch.load(file, weights_only=True))
        train(model, batch)
        whole.update(model)
        first.update(model)
    ours, theirs = averaged(first, model), averaged(whole, model)
    assert all(equal_bits(ours[name], theirs[name]) for name in theirs)
    assert first.updates == whole.updates == 6


def test_a_saved_average_does_not_move_with_the_living_one():
    model, batch = make("dense")
    ema = EMA(model, decay=0.5)
    state = ema.state_dict()
    values = {name: one.clone() for name, one in state["average"].items()}
    train(model, batch)
    ema.update(model)
    assert all(equal_bits(state["average"][name], values[name]) for name in values)


@pytest.mark.parametrize("make_average", [lambda m: EMA(m, decay=0.9), SWA], ids=["EMA", "SWA"])
def test_weights_that_were_not_finite_at_the_start_do_not_count(make_average):
    model = nn.Linear(2, 1)
    with torch.no_grad():
        model.weight.fill_(float("nan"))
    average = make_average(model)
    with torch.no_grad():
        model.weight.fill_(1.0)
    average.update(model)
    average.update(model)
    assert equal_bits(averaged(average, model)["weight"], torch.ones(1, 2))


def test_masks_and_counts_are_copied_not_averaged():
    model, batch = make("tied")
    ema = EMA(model, decay=0.9)
    for _ in range(4):
        train(model, batch)
        ema.update(model)
    made = averaged(ema, model)
    assert equal_bits(made["mask"], model.mask)  # minus infinity, whose mean would be NaN
    assert made["seen"] == 4


def test_steps_too_small_for_half_precision_are_not_lost():
    model = nn.Linear(1, 1, bias=False).bfloat16()
    with torch.no_grad():
        model.weight.fill_(1.0)
    ema = EMA(model, decay=0.999, corrected=False)
    with torch.no_grad():
        model.weight.fill_(2.0)
    for _ in range(300):  # each moves by less than half a unit in the last place of bfloat16
        ema.update(model)
    assert averaged(ema, model)["weight"].dtype == torch.bfloat16
    torch.testing.assert_close(averaged(ema, model)["weight"].item(), 2 - 0.999**300, rtol=0.01, atol=0)


@pytest.mark.parametrize("part", [False, True])
def test_a_compiled_model_and_the_model_itself_have_one_average(part):
    model, batch = make("dense")
    ema, plain = EMA(model, decay=0.5), EMA(model, decay=0.5)
    train(model, batch)
    plain.update(model)
    if part:
        compiled = nn.Sequential(*[torch.compile(one, backend="eager") for one in model])
    else:
        compiled = torch.compile(model, backend="eager")
    ema.update(compiled)
    ema.load_state_dict(plain.state_dict())
    assert all(equal_bits(one, averaged(plain, model)[name]) for name, one in averaged(ema, compiled).items())


def test_an_average_can_be_updated_after_inference_mode():
    model, batch = make("dense")
    with torch.inference_mode():
        ema = EMA(model, decay=0.9)
    train(model, batch)
    ema.update(model)
    with torch.inference_mode(), ema.applied(model):
        model.eval()(batch)
    train(model, batch)


@pytest.mark.parametrize("decay", [-0.1, 1.0, float("nan")])
def test_a_decay_outside_0_and_1_is_refused(decay):
    with pytest.raises(RegularizeError, match=r"decay of a moving average must be in \[0, 1\), got"):
        EMA(nn.Linear(1, 1), decay=decay)


@pytest.mark.parametrize("start", [-1, 0.5, "1"])
def test_a_start_that_is_no_count_is_refused(start):
    with pytest.raises(RegularizeError, match="start of an average must be a whole number of at least 0"):
        SWA(nn.Linear(1, 1), start=start)


def test_another_model_is_refused():
    ema = EMA(nn.Linear(2, 1), decay=0.9)
    for call in (ema.update, ema.copy_to):
        with pytest.raises(RegularizeError, match=r"of another model: weight has the shape \[1, 2\], \[1, 3\] in"):
            call(nn.Linear(3, 1))
    assert ema.updates == 0
    with pytest.raises(RegularizeError, match="of another model: bias is new in the one given"):
        ema.load_state_dict(EMA(nn.Linear(2, 1, bias=False), decay=0.9).state_dict())


# batch normalisation


def normalised(rate=0.0):
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(rate), nn.Linear(4, 4), nn.BatchNorm1d(4))
    return model.double()


def batches(sizes=(8, 8, 4)):
    return [torch.randn(size, 3, dtype=torch.float64) for size in sizes]


def test_the_statistics_are_torch_s_where_nothing_is_dropped():
    model, data = normalised(), batches()
    update_batch_norm(model, data)
    ours = copied(model)
    update_bn(data, model)
    theirs = copied(model)
    for name, one in theirs.items():
        torch.testing.assert_close(ours[name], one)


def test_dropout_does_not_drop_meanwhile():
    model, data = normalised(rate=0.5), batches()
    update_batch_norm(model, data)
    dropping = copied(model)
    model[2] = nn.Identity()
    update_batch_norm(model, data)
    for name, one in copied(model).items():
        assert equal_bits(one, dropping[name])


def test_modes_momenta_and_weights_are_as_before():
    model = normalised(rate=0.5)
    model[1].eval()
    model[4].momentum = 0.3
    weights = [one.clone() for one in model.parameters()]
    update_batch_norm(model, batches())
    assert [module.training for module in model.modules()] == [True, True, False, True, True, True]
    assert [model[1].momentum, model[4].momentum] == [0.1, 0.3]
    assert all(equal_bits(*pair) for pair in zip(weights, model.parameters(), strict=True))
    assert int(model[1].num_batches_tracked) == 3


def test_a_loader_s_batches_are_read():
    model, data = normalised(), torch.randn(12, 3, dtype=torch.float64)
    update_batch_norm(model, DataLoader(TensorDataset(data, torch.zeros(12)), batch_size=4))
    from_loader = copied(model)
    update_batch_norm(model, data.split(4))
    assert all(equal_bits(one, from_loader[name]) for name, one in copied(model).items())


def test_a_model_without_batch_normalisation_is_left_alone():
    update_batch_norm(nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1, track_running_stats=False)), [])


def test_without_a_batch_or_with_one_that_fails_the_statistics_stay():
    model = normalised()
    update_batch_norm(model, batches())
    before = snapshot(model)
    with pytest.raises(RegularizeError, match="need at least one batch, got none"):
        update_batch_norm(model, [])
    assert same(model, before)
    with pytest.raises(RuntimeError):
        update_batch_norm(model, [*batches(), torch.zeros(2, 7, dtype=torch.float64)])
    assert same(model, before)
    assert model.training
    assert model[1].momentum == 0.1
    with pytest.raises(RegularizeError, match=r"a list or a loader of batches, got one tensor \[8, 3\]"):
        update_batch_norm(model, batches()[0])
