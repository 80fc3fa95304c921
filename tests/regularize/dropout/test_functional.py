"""Each kind of dropout drops what it says, keeps the mean, and has the derivative of what it did."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import fx, nn
from torch.autograd import forward_ad, gradcheck, gradgradcheck
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from evenfit.errors import RegularizeError
from evenfit.regularize.dropout import products
from evenfit.regularize.dropout.functional import (
    DROPOUTS,
    SELU_FLOOR,
    alpha_dropout,
    drop_connect,
    dropout,
    gaussian_dropout,
    spatial_dropout,
    stochastic_depth,
    variational_dropout,
)
from evenfit.regularize.dropout.masks import keep_mask

RATES = st.floats(0, 0.99)
SHAPES = {  # an input of each kind, and the shape of its mask
    "elementwise": ((4, 6), (4, 6)),
    "input": ((4, 6), (4, 6)),
    "spatial": ((2, 3, 4, 5), (2, 3, 1, 1)),
    "variational": ((3, 5, 4), (3, 1, 4)),
    "stochastic-depth": ((6, 2, 3), (6, 1, 1)),
}
EXTRA = {"variational": {"batch_first": True}}
FORMS = ("inverted", "original")


def called(name, input, **settings):
    return DROPOUTS[name](input, **EXTRA.get(name, {}), **settings)


def numbers(*shape, kind=torch.float64):
    return torch.randn(*shape, dtype=kind, generator=torch.Generator().manual_seed(9))


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("form", FORMS)
def test_training_multiplies_by_the_mask_and_evaluation_by_its_mean(name, form):
    shape, mask_shape = SHAPES[name]
    given_ = numbers(*shape)
    mask = keep_mask(mask_shape, rate=0.4, seed=2)
    scale = 1 / 0.6 if form == "inverted" else 1.0
    assert 0 < mask.sum() < mask.numel()
    found = called(name, given_, rate=0.4, training=True, form=form, seed=2)
    torch.testing.assert_close(found, given_ * mask * scale, rtol=1e-13, atol=0)
    found = called(name, given_, rate=0.4, training=False, form=form, seed=2)
    torch.testing.assert_close(found, given_ * 0.6 * scale, rtol=1e-13, atol=0)


@pytest.mark.parametrize("name", [*SHAPES, "gaussian", "alpha"])
def test_rate_zero_changes_nothing_bit_for_bit(name):
    given_ = numbers(*SHAPES.get(name, ((4, 6),))[0])
    members = [0.0] * len(given_)
    for rate, training in itertools.product((0, 0.0, torch.tensor(0.0)), (True, False)):
        assert torch.equal(called(name, given_, rate=rate, training=training), given_)
    if name in {"elementwise", "input", "gaussian"}:
        assert torch.equal(called(name, given_, rate=members, training=True), given_)
        members[1] = 0.5
        found = called(name, given_, rate=members, training=True, seed=1)
        assert torch.equal(found[2:], given_[2:])


@pytest.mark.parametrize("name", [*SHAPES, "gaussian", "alpha"])
def test_a_member_gets_what_it_gets_alone(name):
    given_ = numbers(3, *SHAPES.get(name, ((4, 6),))[0])
    rates, seeds = torch.tensor([0.2, 0.0, 0.7], dtype=torch.float64), [5, 6, 7]
    found = called(name, given_, rate=rates, training=True, seed=seeds)
    for member in range(3):
        alone = called(name, given_[member], rate=rates[member].item(), training=True, seed=seeds[member])
        torch.testing.assert_close(found[member], alone, rtol=1e-12, atol=1e-12)
    if name not in {"gaussian", "alpha"}:
        found = called(name, given_, rate=rates, training=False, form="original")
        torch.testing.assert_close(found, given_ * (1 - rates).reshape(3, *[1] * (given_.dim() - 1)))


@given(rate=RATES, seed=st.integers(0, 2**40))
def test_the_original_form_is_the_inverted_one_with_weights_times_the_kept_share(rate, seed):
    keep, units, layer = 1 - rate, numbers(5, 8), nn.Linear(8, 3, dtype=torch.float64)
    scaled = nn.Linear(8, 3, dtype=torch.float64)
    with torch.no_grad():
        scaled.weight.copy_(layer.weight * keep)
        scaled.bias.copy_(layer.bias)
    for training in (True, False):
        original = layer(dropout(units, rate=rate, training=training, form="original", seed=seed))
        inverted = scaled(dropout(units, rate=rate, training=training, form="inverted", seed=seed))
        torch.testing.assert_close(original, inverted, rtol=1e-10, atol=1e-10)


def all_masks(rate, shape):
    """Every mask of a shape as dropout itself made it of ones, with its probability."""
    found = {}
    for seed in range(2000):
        made = dropout(torch.ones(shape, dtype=torch.float64), rate=rate, training=True, seed=seed)
        found.setdefault(tuple((made > 0).flatten().tolist()), made)
    assert len(found) == 2 ** torch.Size(shape).numel()
    return [((1 - rate) ** sum(kept) * rate ** (len(kept) - sum(kept)), made) for kept, made in found.items()]


def test_dropout_on_least_squares_is_ridge_on_average():
    # Srivastava et al., 2014, section 9.1: with k kept, ((1 - k) / k) |Gamma w|^2, Gamma = diag(X'X)^(1/2).
    X, y, w, rate = numbers(2, 3), torch.tensor([0.3, -1.2]).double(), torch.tensor([1.5, -0.4, 0.7]).double(), 0.35
    average = sum(chance * ((y - (X * mask) @ w) ** 2).sum() for chance, mask in all_masks(rate, (2, 3)))
    ridge = ((y - X @ w) ** 2).sum() + rate / (1 - rate) * ((X.T @ X).diagonal() * w**2).sum()
    torch.testing.assert_close(average, ridge, rtol=1e-12, atol=0)


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_dropout_before_batch_normalisation_makes_the_variance_that_it_learns_too_large(rate):
    # Li et al., 2018: the variance in training is 1 / k of that in evaluation. Exactly, over all masks of a unit ...
    x = torch.tensor([-1.0, 1.0]).double()
    second = sum(chance * (x * mask).square().mean() for chance, mask in all_masks(rate, (2,)))
    torch.testing.assert_close(second, torch.tensor(1 / (1 - rate)).double(), rtol=1e-12, atol=0)
    # ... and as a batch-norm layer measures it, to five standard errors.
    norm, units = nn.BatchNorm1d(1, momentum=1.0, dtype=torch.float64), torch.ones(100_000, 1).double()
    units[::2] = -1
    norm(dropout(units, rate=rate, training=True, seed=1))
    error = (rate / (1 - rate)) ** 0.5 / (1 - rate) ** 0.5 / 100_000**0.5
    assert abs(norm.running_var.item() - 1 / (1 - rate)) < 5 * error


@pytest.mark.statistical  # five standard errors of 40 shares and means: fails once in 25,000, but the seeds are fixed
@pytest.mark.parametrize("name", ["elementwise", "gaussian"])
def test_mean_and_variance_are_those_of_the_law(name):
    count, rates = 200_000, torch.linspace(0.05, 0.9, 10, dtype=torch.float64)
    found = called(name, torch.ones(10, count, dtype=torch.float64), rate=rates, training=True, seed=3)
    variance = rates / (1 - rates)
    fourth = 3 * variance**2 if name == "gaussian" else variance * (1 - 3 * rates * (1 - rates)) / (1 - rates) ** 2
    assert ((found.mean(1) - 1).abs() < 5 * (variance / count).sqrt()).all()
    error = ((fourth - variance**2).clamp(min=1e-12) / count).sqrt()
    assert ((found.var(1) - variance).abs() < 5 * error + 1e-4).all()


@pytest.mark.statistical  # Kolmogorov-Smirnov: fails once in 10,000, but the seed is fixed
@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
def test_gaussian_noise_is_normal(kind):
    count = 100_001  # odd: half of the last pair is left
    found = gaussian_dropout(torch.ones(count, dtype=kind), rate=0.5, training=True, seed=5) - 1
    uniform = torch.special.ndtr(found.double()).sort().values
    steps = torch.arange(1, count + 1, dtype=torch.float64) / count
    assert (uniform - steps).abs().max() < 2.23 / count**0.5
    correlation = (found[1:] * found[:-1]).mean().item()
    assert abs(correlation) < 4 / count**0.5


def test_gaussian_noise_is_the_same_for_every_type_and_without_numba(monkeypatch):
    def made(kind):
        return gaussian_dropout(torch.ones(3, 1001, dtype=kind), rate=[0.1, 0.5, 0.8], training=True, seed=5)

    expected = made(torch.float64)
    torch.testing.assert_close(made(torch.float32), expected.float(), rtol=0, atol=1e-5)
    torch.testing.assert_close(made(torch.bfloat16), expected.bfloat16(), rtol=0.01, atol=0.02)
    compiled = made(torch.float32)
    monkeypatch.setattr(products, "passes", lambda _: None)
    torch.testing.assert_close(made(torch.float32), compiled, rtol=0, atol=1e-5)


def test_compiled_noise_goes_back_as_it_came():
    given_ = torch.full((2, 333), 3.0, requires_grad=True)
    found = gaussian_dropout(given_, rate=0.5, training=True)
    (gradient,) = torch.autograd.grad(found.sum(), given_)
    torch.testing.assert_close(gradient, found.detach() / 3)
    many = torch.autograd.grad(found, given_, torch.ones(2, 2, 333), is_grads_batched=True)[0]
    torch.testing.assert_close(many[1], gradient, rtol=0, atol=1e-5)


@given(rate=RATES)
def test_alpha_dropout_keeps_mean_zero_and_variance_one(rate):
    # A unit is x or the floor: over both, and over x of mean 0 and variance 1, the first two moments, exactly.
    x = torch.tensor([-1.0, 1.0] * 200).double()
    found = alpha_dropout(x, rate=rate, training=True, seed=1)
    mask = keep_mask((400,), rate=rate, seed=1)
    mean = second = 0.0
    for sign in (-1, 1):
        for kept, chance in ((True, 1 - rate), (False, rate)):
            values = found[(x == sign) & (mask == kept)]
            if len(values):
                assert (values - values[0]).abs().max() < 1e-12
                value = values[0].item()
            else:  # too few to be seen: by the definition
                scale = ((1 - rate) * (1 + rate * SELU_FLOOR**2)) ** -0.5
                value = scale * ((sign if kept else SELU_FLOOR) - rate * SELU_FLOOR)
            mean += chance * value / 2
            second += chance * value**2 / 2
    assert abs(mean) < 1e-9
    assert abs(second - 1) < 1e-9


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize("members", [False, True])
def test_spatial_dropout_drops_whole_maps_of_the_dimensions_that_are_said(dimensions, members):
    shape = (*([2] if members else []), 4, 50, *[3] * dimensions)
    found = spatial_dropout(
        torch.ones(shape), rate=[0.5, 0.5] if members else 0.5, training=True, seed=1, dimensions=dimensions
    )
    maps = found.flatten(-dimensions)
    assert (maps == maps[..., :1]).all()
    assert 0.3 < (maps[..., 0] == 0).float().mean() < 0.7
    for of_one_kind in maps[..., 0].reshape(-1, 50):
        assert of_one_kind.unique().numel() == 2  # rows and members do not share their maps


@pytest.mark.parametrize("dimensions", [2, 3])
def test_spatial_dropout_knows_two_and_three_dimensions_by_the_rank(dimensions):
    given_ = torch.ones(4, 5, *[3] * dimensions)
    said = spatial_dropout(given_, rate=0.5, training=True, seed=1, dimensions=dimensions)
    assert torch.equal(spatial_dropout(given_, rate=0.5, training=True, seed=1), said)


@pytest.mark.parametrize(
    ("shape", "settings", "says"),
    [
        ((4, 5, 6), {}, r"may be \[rows, channels, length\] or one image without rows: say dimensions=1"),
        ((4, 5), {}, "needs rows, channels and the axes of a map, 4 or 5 axes; got the shape"),
        ((4, 5, 6), {"dimensions": 2}, "4 axes"),
        ((4, 5, 6, 7), {"dimensions": 1}, "3 axes"),
        ((2, 4, 5, 6), {"rate": [0.1, 0.2]}, "say dimensions=1"),
        ((4, 5, 6, 7), {"dimensions": 4}, "dimensions must be 1, 2 or 3"),
    ],
)
@pytest.mark.parametrize("training", [True, False])
def test_spatial_dropout_refuses_what_may_be_meant_otherwise(shape, settings, says, training):
    with pytest.raises(RegularizeError, match=says):
        spatial_dropout(torch.ones(shape), **{"rate": 0.5, "training": training, **settings})


@pytest.mark.parametrize(
    ("shape", "time", "batch_first"),
    [((5, 3, 40), 0, False), ((3, 5, 40), 1, True), ((5, 40), 0, True), ((5, 40), 0, False)],
)
def test_variational_dropout_keeps_the_same_units_at_all_time_steps(shape, time, batch_first):
    kept = variational_dropout(torch.ones(shape), rate=0.5, training=True, batch_first=batch_first, seed=1) > 0
    assert (kept.all(time) == kept.any(time)).all()
    if len(shape) == 3:
        rows = kept.any(time)
        assert not torch.equal(rows[0], rows[1])


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("enforce_sorted", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_packed_sequences_lose_what_padded_ones_lose(batch_first, enforce_sorted, training):
    lengths = torch.tensor([5, 4, 2]) if enforce_sorted else torch.tensor([2, 5, 4])
    padded = numbers(3, 5, 7).requires_grad_()
    steps = torch.arange(5)[None, :, None] < lengths[:, None, None]
    padded = (padded * steps).transpose(0, 0 if batch_first else 1)
    settings = {"rate": 0.5, "training": training, "batch_first": batch_first, "form": "original", "seed": 3}
    packed = pack_padded_sequence(padded, lengths, batch_first=batch_first, enforce_sorted=enforce_sorted)
    found = variational_dropout(packed, **settings)
    assert isinstance(found, PackedSequence)
    again = pad_packed_sequence(found, batch_first=batch_first)[0]
    torch.testing.assert_close(again, variational_dropout(padded, **settings))


@pytest.mark.parametrize("each", ["row", "batch"])
def test_stochastic_depth_drops_a_row_or_the_batch(each):
    whole = 0
    for seed in range(40):
        found = stochastic_depth(torch.ones(16, 3, 2), rate=0.5, training=True, each=each, seed=seed)
        assert (found.flatten(1) == found[:, :1, 0]).all()
        whole += found.unique().numel() == 1
    assert whole == (40 if each == "batch" else 0)


def test_drop_connect_drops_weights_of_one_or_of_members():
    inputs, weight, bias = numbers(2, 5, 4), numbers(2, 3, 4), numbers(2, 3)
    found = drop_connect(inputs, weight, bias, rate=[0.3, 0.6], training=True, seed=[1, 2])
    for member, rate in enumerate((0.3, 0.6)):
        dropped = dropout(weight[member], rate=rate, training=True, seed=member + 1)
        expected = inputs[member] @ dropped.T + bias[member]
        torch.testing.assert_close(found[member], expected)
        alone = drop_connect(inputs[member], weight[member], bias[member], rate=rate, training=True, seed=member + 1)
        torch.testing.assert_close(alone, expected)
    with pytest.raises(RegularizeError, match=r"needs a weight \[out, in\], or with members"):
        drop_connect(inputs[0], weight, rate=0.3, training=True)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # from inside torch
@pytest.mark.parametrize("name", [*SHAPES, "gaussian", "alpha", "drop-connect"])
@pytest.mark.parametrize("training", [True, False])
def test_gradients_of_every_order_and_direction_are_those_of_what_was_done(name, training):
    def found(given_, *others):
        settings = {} if name in {"gaussian", "alpha"} else {"form": "original"}
        return called(name, given_, *others, rate=0.4, training=training, seed=2, **settings).square()

    def called(name, given_, *others, **settings):
        return DROPOUTS[name](given_, *others, **EXTRA.get(name, {}), **settings)

    given_ = [numbers(*SHAPES.get(name, ((2, 3),))[0]).requires_grad_()]
    if name == "drop-connect":
        given_.append(numbers(4, 3).requires_grad_())
    assert gradcheck(found, given_, check_forward_ad=True, check_batched_grad=True, check_batched_forward_grad=True)
    assert gradgradcheck(found, given_)


def test_the_way_back_makes_the_mask_again_and_stores_nothing():
    stored = []
    given_ = torch.ones(1000, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(
        lambda tensor: stored.append(tensor) or tensor, lambda tensor: tensor
    ):
        found = dropout(given_, rate=0.5, training=True)
    assert stored == []
    found.backward(torch.ones(1000))
    assert torch.equal(given_.grad, found.detach())


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.transpose(0, 1),
        lambda x: x[::2, :, 1:],
        lambda x: x[:1].expand(4, -1, -1, -1),
        lambda x: x.to(memory_format=torch.channels_last),
        lambda x: torch.view_as_complex(torch.stack((x, x), -1)).conj().imag,  # negated, but not yet in memory
        lambda x: torch.view_as_complex(torch.stack((x, x), -1)).conj().imag[:1, :1, :1, :1],
    ],
)
def test_the_mask_counts_units_by_axes_whatever_the_memory_looks_like(change):
    given_ = change(numbers(6, 4, 3, 2)).requires_grad_()
    plain = given_.detach().clone(memory_format=torch.contiguous_format).requires_grad_()
    for name in ("elementwise", "spatial", "stochastic-depth"):
        found = called(name, given_, rate=0.5, training=True, seed=2)
        expected = called(name, plain, rate=0.5, training=True, seed=2)
        assert found.any()
        assert torch.equal(found, expected)
        (gradient,) = torch.autograd.grad(found.sum(), given_)  # the gradient that comes in is an expanded one
        assert torch.equal(gradient, torch.autograd.grad(expected.sum(), plain)[0])


def test_channels_last_stays_channels_last():
    given_ = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
    for name in ("elementwise", "spatial", "gaussian", "alpha"):
        found = called(name, given_, rate=0.5, training=True)
        assert found.is_contiguous(memory_format=torch.channels_last), name


@pytest.mark.parametrize("name", [*SHAPES, "gaussian", "alpha"])
def test_empty_inputs_stay_empty(name):
    shape = (0, *SHAPES.get(name, ((4, 6),))[0][1:])
    given_ = torch.ones(shape, requires_grad=True)
    for training in (True, False):
        found = called(name, given_, rate=0.5, training=training)
        assert found.shape == shape
        found.sum().backward()
    assert dropout(torch.ones(0, 3), rate=[], training=True).shape == (0, 3)


def test_a_single_number_is_one_unit():
    found = [dropout(torch.tensor(2.0), rate=0.5, training=True, seed=seed).item() for seed in range(30)]
    assert set(found) == {0.0, 4.0}


def test_nothing_is_hidden_that_is_not_finite():
    given_ = torch.full((100,), float("nan"))
    assert dropout(given_, rate=0.5, training=True, seed=1).isnan().all()


@pytest.mark.parametrize("name", [*SHAPES, "gaussian", "alpha"])
def test_the_input_is_not_written_to(name):
    given_ = numbers(*SHAPES.get(name, ((4, 6),))[0])
    before = given_.clone()
    called(name, given_, rate=0.5, training=True)
    assert torch.equal(given_, before)


def test_vmap_with_a_seed_gives_all_lanes_one_mask_and_without_asks_what_is_meant():
    given_ = torch.ones(3, 40)
    seeded = torch.vmap(lambda x: dropout(x, rate=0.5, training=True, seed=2))(given_)
    assert torch.equal(seeded, dropout(given_[0], rate=0.5, training=True, seed=2).expand(3, -1))
    by_lane = torch.vmap(lambda x, seed: dropout(x, rate=0.5, training=True, seed=seed))(given_, torch.arange(3))
    assert torch.equal(by_lane, dropout(given_, rate=[0.5] * 3, training=True, seed=[0, 1, 2]))
    different = torch.vmap(lambda x: dropout(x, rate=0.5, training=True), randomness="different")(given_)
    assert not torch.equal(different[0], different[1])
    same = torch.vmap(lambda x: dropout(x, rate=0.5, training=True), randomness="same")(given_)
    assert torch.equal(same[0], same[1])
    with pytest.raises(RuntimeError, match="randomness"):
        torch.vmap(lambda x: dropout(x, rate=0.5, training=True))(given_)
    with pytest.raises(RegularizeError, match="vmap cannot have a rate for each lane"):
        torch.vmap(lambda x, rate: dropout(x, rate=rate, training=True))(given_, torch.rand(3))


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # from inside torch
def test_torchs_transforms_see_through_it():
    weight, rows = numbers(4), numbers(5, 4)

    def loss(weight, row):
        return dropout(row * weight, rate=0.5, training=True, seed=1).square().sum()

    each = torch.vmap(torch.func.grad(loss), in_dims=(None, 0))(weight, rows)
    mask = keep_mask((4,), rate=0.5, seed=1)
    torch.testing.assert_close(each, 2 * weight * (rows * mask / 0.5) ** 2)
    hessian = torch.func.hessian(loss)(weight, rows[0])
    torch.testing.assert_close(hessian, torch.diag(2 * (rows[0] * mask / 0.5) ** 2))
    with forward_ad.dual_level(), torch.no_grad():
        found = dropout(forward_ad.make_dual(weight, rows[0]), rate=0.5, training=True, seed=1)
        torch.testing.assert_close(forward_ad.unpack_dual(found).tangent, rows[0] * mask / 0.5)


def test_many_gradients_at_once_are_those_of_one_after_another():
    given_ = torch.ones(6, requires_grad=True)
    found = dropout(given_, rate=0.5, training=True, seed=1)
    (many,) = torch.autograd.grad(found, given_, torch.eye(6), is_grads_batched=True)
    assert torch.equal(many, torch.diag(found.detach()))


def test_a_trace_holds_one_call_with_all_that_it_was_given():
    graph = fx.symbolic_trace(lambda x: spatial_dropout(x, rate=0.5, training=True)).graph
    (node,) = graph.find_nodes(op="call_function", target=spatial_dropout)
    assert node.kwargs["rate"] == 0.5
    assert node.kwargs["form"] == "inverted"
    assert node.kwargs["dimensions"] == 0


def test_fake_tensors_and_proxies_do_not_reach_compiled_code():
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.fx.experimental.proxy_tensor import make_fx

    with FakeTensorMode() as mode:
        fake = dropout(mode.from_tensor(torch.ones(3, 4)), rate=0.5, training=True, seed=1)
        assert fake.shape == (3, 4)
    assert torch.equal(
        dropout(torch.ones(3, 4), rate=0.5, training=True, seed=1),
        make_fx(lambda x: dropout(x, rate=0.5, training=True, seed=1))(torch.ones(3, 4))(torch.ones(3, 4)),
    )


def test_other_devices_get_masks_of_their_own_kernel_or_of_the_twin():
    given_ = torch.ones(3, 4, device="meta")  # has no numbers, but takes the way of a device that has
    for settings in ({}, {"seed": 1}, {"form": "original"}):
        found = dropout(given_, rate=0.5, training=True, **settings)
        assert found.device.type == "meta"
        assert found.shape == (3, 4)


@pytest.mark.parametrize("name", [*SHAPES, "gaussian", "alpha"])
@pytest.mark.parametrize("kind", [torch.int64, torch.bool])
def test_inputs_that_are_not_real_numbers_are_refused(name, kind):
    with pytest.raises(RegularizeError, match="dropout needs dense floating-point numbers; got torch"):
        called(name, torch.ones(SHAPES.get(name, ((4, 6),))[0], dtype=kind), rate=0.5, training=True)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda x: dropout(x.to_sparse(), rate=0.5, training=True), "dense floating-point numbers"),
        (
            lambda x: dropout(x, rate=0.5, training=True, form="torch"),
            "form must be one of inverted, original; got 'torch'",
        ),
        (lambda x: dropout(x, rate=1.0, training=False), r"must be in \[0, 1\); got 1\.0"),
        (
            lambda x: stochastic_depth(x, rate=0.5, training=True, each="unit"),
            "each must be one of row, batch; got 'unit'",
        ),
        (lambda x: stochastic_depth(x.sum(), rate=0.5, training=True), "needs an axis of rows"),
        (
            lambda x: variational_dropout(x[None, None], rate=0.5, training=True, batch_first=True),
            "variational dropout needs",
        ),
        (
            lambda x: variational_dropout(
                pack_padded_sequence(x[:, None], [3]), rate=[0.5] * 3, training=True, batch_first=False
            ),
            "PackedSequence has no axis of members",
        ),
    ],
)
def test_what_cannot_be_dropped_is_refused_in_one_line(call, says):
    with pytest.raises(RegularizeError, match=says):
        call(torch.ones(3, 4) if "pack" not in says.lower() else torch.ones(3, 1))
