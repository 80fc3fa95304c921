"""Masks are a function of rate, seed and place: the same however they are made, fair, and independent."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from evenfit.errors import RegularizeError
from evenfit.regularize import chance
from evenfit.regularize.dropout import products
from evenfit.regularize.dropout.functional import dropout
from evenfit.regularize.dropout.masks import keep_mask
from evenfit.regularize.dropout.rates import kept_share, threshold
from evenfit.regularize.dropout.streams import kept

RATES = st.one_of(st.floats(0, 1, exclude_max=True), st.sampled_from([1e-12, 2**-16, 0.25, 0.5, 1 - 2**-50]))
SEEDS = st.integers(-(2**63), 2**64 - 1)
SIZES = st.lists(st.integers(0, 40), min_size=0, max_size=3)
MANY = 400_000  # units: six ties of the first 16 bits are to be expected
COUNT = 200_000


def by_hand(seed, rate, count):
    """The mask as it is defined: 48 bits against a threshold, in numpy."""
    stream = chance.key(seed)
    first = chance.words(stream, -(-count // 4)).view("<u2")[:count].astype(np.uint64)
    second = chance.words(stream ^ chance.TIE, count) >> np.uint64(32)
    return torch.from_numpy((first << np.uint64(32) | second) >= np.uint64(threshold(rate)))


@given(shape=SIZES, rate=RATES, seed=SEEDS)
def test_compiled_code_keeps_the_units_that_the_definition_keeps(shape, rate, seed):
    found = keep_mask(shape, rate=rate, seed=seed)
    assert torch.equal(found, by_hand(seed, rate, found.numel()).reshape(shape))


@given(shape=SIZES, rate=RATES, seed=SEEDS)
def test_torch_keeps_the_units_that_the_definition_keeps(shape, rate, seed):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, "passes", lambda _: None)
        found = keep_mask(shape, rate=rate, seed=seed)
    assert torch.equal(found, by_hand(seed, rate, found.numel()).reshape(shape))


@pytest.mark.parametrize("rate", [0.3, 0.7000001])
def test_ties_of_the_first_bits_are_decided_by_the_second_everywhere(rate):
    expected = by_hand(5, rate, MANY)
    stream = torch.tensor([chance.signed(chance.key(5))])
    limit = torch.tensor([threshold(rate)])
    bits = chance.words(chance.key(5), MANY // 4).view("<u2")
    decided = expected.numpy()[bits == threshold(rate) >> 32]
    assert 0 < decided.sum() < len(decided)  # both ways
    assert torch.equal(keep_mask((MANY,), rate=rate, seed=5), expected)
    for sparse in (True, False):
        assert torch.equal(kept(stream, limit, MANY, sparse=sparse)[0], expected)


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64])
def test_one_seed_gives_one_mask_for_every_type_of_number(kind):
    found = dropout(torch.ones(100, 30, dtype=kind), rate=0.4, training=True, seed=3)
    assert found.dtype == kind
    assert torch.equal(found != 0, keep_mask((100, 30), rate=0.4, seed=3))
    assert torch.allclose(found[found != 0], torch.tensor(1 / 0.6).to(kind))


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_torch_and_compiled_code_give_the_same_numbers(kind, monkeypatch):
    given_ = torch.randn(50, 70, generator=torch.Generator().manual_seed(1)).to(kind)
    compiled = dropout(given_, rate=torch.linspace(0, 0.9, 50), training=True, seed=3)
    monkeypatch.setattr(products, "passes", lambda _: None)
    assert torch.equal(dropout(given_, rate=torch.linspace(0, 0.9, 50), training=True, seed=3), compiled)


def test_the_scale_of_half_precision_is_not_rounded():
    given_ = torch.full((1000,), 7.0, dtype=torch.bfloat16)
    found = dropout(given_, rate=0.3, training=True, seed=1)
    assert found.max() == (given_[0].double() / 0.7).to(torch.bfloat16)


@pytest.mark.statistical  # chi-square of 30 independent shares: fails by chance once in 10,000, but the seeds are fixed
@pytest.mark.parametrize("seed", range(3))
def test_the_shares_that_are_kept_are_those_that_are_rescaled_by(seed):
    rates = torch.linspace(0.02, 0.98, 30, dtype=torch.float64)
    counts = keep_mask((30, COUNT), rate=rates, seed=seed).sum(1).double()
    shares = torch.tensor([kept_share(rate) for rate in rates.tolist()], dtype=torch.float64)
    chi_square = ((counts - COUNT * shares) ** 2 / (COUNT * shares * (1 - shares))).sum()
    assert chi_square < 67.6  # the 0.9999 quantile for 30 degrees of freedom


@pytest.mark.statistical  # chi-square with 255 degrees of freedom: once in 10,000, but the seed is fixed
def test_eight_units_in_a_row_are_independent():
    units = keep_mask((COUNT // 8, 8), rate=0.5, seed=11)
    patterns = (units * 2 ** torch.arange(8)).sum(1).bincount(minlength=256).double()
    expected = COUNT / 8 / 256
    assert ((patterns - expected) ** 2 / expected).sum() < 347.7


@pytest.mark.statistical  # five standard errors: once in a million, but the seeds are fixed
def test_masks_of_other_seeds_members_and_places_are_unrelated():
    def centred(mask):
        return mask.double() - mask.double().mean()

    base = centred(keep_mask((COUNT,), rate=0.3, seed=1))
    members = keep_mask((2, COUNT), rate=torch.tensor([0.3, 0.3]), seed=1)
    others = {
        "seed": centred(keep_mask((COUNT,), rate=0.3, seed=2)),
        "negative seed": centred(keep_mask((COUNT,), rate=0.3, seed=-1)),
        "first member": centred(members[0]),
        "second member": centred(members[1]),
    } | {f"place {lag}": base.roll(lag) for lag in (1, 2, 3, 4, 1024, 4096)}
    for name, other in others.items():
        correlation = (base * other).mean() / (base.std() * other.std())
        assert abs(correlation) < 5 / COUNT**0.5, name
    correlation = (centred(members[0]) * centred(members[1])).mean() / (0.3 * 0.7)
    assert abs(correlation) < 5 / COUNT**0.5


@pytest.mark.statistical  # of 8 units to be expected, none: once in 3,000, but the seed is fixed
def test_a_rate_far_below_a_byte_is_not_rounded_to_zero():
    dropped = (~keep_mask((2**23,), rate=2.0**-20, seed=1)).sum()
    assert 1 <= dropped <= 24


@given(rate=st.floats(0, 1, exclude_max=True, exclude_min=True))
def test_no_rate_above_zero_keeps_all_and_none_below_one_drops_all(rate):
    assert 1 <= threshold(rate) < 2**48
    assert abs(kept_share(rate) - (1 - rate)) <= 2.0**-48


@given(low=RATES, high=RATES, seed=SEEDS)
def test_what_a_low_rate_drops_a_higher_one_drops_too(low, high, seed):
    low, high = sorted((low, high))
    assert not (keep_mask((500,), rate=high, seed=seed) & ~keep_mask((500,), rate=low, seed=seed)).any()


@given(rates=st.lists(RATES, min_size=1, max_size=5), data=st.data())
def test_a_member_gets_the_mask_that_it_gets_alone(rates, data):
    seeds = data.draw(st.lists(st.integers(0, 2**63 - 1), min_size=len(rates), max_size=len(rates)))
    together = keep_mask((len(rates), 9, 7), rate=rates, seed=seeds)
    for member, (rate, seed) in enumerate(zip(rates, seeds, strict=True)):
        assert torch.equal(together[member], keep_mask((9, 7), rate=rate, seed=seed))


def test_one_seed_for_all_members_gives_each_what_its_neighbours_do_not_change():
    few = keep_mask((2, 300), rate=[0.3, 0.4], seed=8)
    many = keep_mask((5, 300), rate=[0.3, 0.4, 0.1, 0.9, 0.5], seed=8)
    assert torch.equal(many[:2], few)
    assert not torch.equal(keep_mask((2, 300), rate=[0.3, 0.3], seed=8)[0], few[1])


def test_seeds_may_be_a_list_an_array_or_a_tensor():
    seeds = [3, -1, 2**40]
    listed = keep_mask((3, 50), rate=0.5, seed=seeds)
    assert torch.equal(keep_mask((3, 50), rate=0.5, seed=torch.tensor(seeds)), listed)
    assert torch.equal(keep_mask((3, 50), rate=0.5, seed=np.array(seeds)), listed)
    assert torch.equal(keep_mask((50,), rate=0.5, seed=torch.tensor(3)), listed[0])
    by_one = keep_mask((3, 50), rate=[0.5] * 3, seed=7)
    assert torch.equal(keep_mask((3, 50), rate=[0.5] * 3, seed=torch.tensor(7)), by_one)


def test_without_a_seed_masks_follow_torchs_generator_or_the_one_given():
    torch.manual_seed(4)
    first, second = keep_mask((100,), rate=0.5), keep_mask((100,), rate=0.5)
    torch.manual_seed(4)
    assert torch.equal(keep_mask((100,), rate=0.5), first)
    assert not torch.equal(first, second)
    state = torch.get_rng_state()
    own = keep_mask((100,), rate=0.5, generator=torch.Generator().manual_seed(4))
    assert torch.equal(own, first)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("rate", [1.0, -0.1, 1.5, float("nan"), float("inf"), True, "0.5", None, 30])
def test_a_rate_outside_its_range_is_refused(rate):
    with pytest.raises(RegularizeError, match=r"^rate, the probability that a unit is dropped, must be in \[0, 1\)"):
        keep_mask((3,), rate=rate)


@pytest.mark.parametrize("rate", [[0.1, 1.0], torch.tensor([0.1, 1.0]), np.array([0.1, 1.0])])
def test_a_members_rate_outside_its_range_is_refused_by_its_number(rate):
    with pytest.raises(RegularizeError, match=r"^rate of member 1, .* got 1\.0"):
        keep_mask((2, 3), rate=rate)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"rate": [0.1, 0.2]}, r"with 2 rates, one for each member, the first axis must be 2 members; got the shape"),
        ({"rate": 0.1, "seed": [1, 2]}, "with 2 seeds, one for each member"),
        ({"rate": [0.1] * 3, "seed": [1, 2]}, "with 2 seeds, one for each member"),
        ({"rate": torch.rand(3, 3)}, "rate must be a number, or one for each member; got a tensor of shape"),
        ({"rate": torch.tensor(0.1, requires_grad=True)}, r"rate has no gradient.*give rate\.detach\(\)"),
        ({"rate": 0.1, "seed": 1.5}, "seed must be a whole number, or one for each member; got 1.5"),
        ({"rate": 0.1, "seed": torch.tensor(1.5)}, "seed must be a whole number"),
        ({"rate": 0.1, "seed": 1, "generator": torch.Generator()}, "give seed or generator, not both"),
    ],
)
def test_rates_and_seeds_that_cannot_be_are_refused(settings, says):
    with pytest.raises(RegularizeError, match=says):
        keep_mask((3, 4), **settings)
