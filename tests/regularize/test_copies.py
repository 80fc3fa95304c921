"""Copies are of everything that a model has learnt, and go back where they came from."""

import pytest
import torch
from tests.regularize.zoo import ZOO, equal_bits, make, same, snapshot, train
from torch import nn

from evenfit.errors import RegularizeError
from evenfit.regularize.copies import copied, tensors, write


@pytest.mark.parametrize("kind", ZOO)
def test_what_was_copied_comes_back_bit_for_bit_in_the_same_memory(kind):
    model, batch = make(kind)
    before, copies = snapshot(model), copied(model)
    train(model, batch, steps=2)
    assert not same(model, before)
    write(copies, tensors(model))
    assert same(model, before)


@pytest.mark.parametrize("kind", ZOO)
def test_copies_do_not_change_with_the_model_and_carry_no_gradient(kind):
    model, batch = make(kind)
    copies = copied(model)
    values = {name: one.clone() for name, one in copies.items()}
    train(model, batch, steps=2)
    assert all(equal_bits(copies[name], values[name]) for name in values)
    assert not any(one.requires_grad for one in copies.values())


def test_buffers_that_are_not_saved_are_copied_and_tied_weights_once():
    model, _ = make("tied")
    assert set(copied(model)) == {"embedding.weight", "mix.weight", "mix.bias", "mask", "seen"}


def test_copies_made_in_inference_mode_can_be_written_later():
    model, batch = make("dense")
    with torch.inference_mode():
        copies = copied(model)
    train(model, batch)
    write(tensors(model), copies)
    assert all(equal_bits(copies[name], one) for name, one in tensors(model).items())


def test_a_lazy_layer_is_named():
    with pytest.raises(RegularizeError, match=r"^0\.weight has no shape yet: run the model on one batch"):
        copied(nn.Sequential(nn.LazyLinear(2)))


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (nn.Sequential(nn.Linear(3, 2, bias=False)), r"0\.bias is missing in the one given"),
        (nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1)), r"1\.bias is new in the one given"),
        (nn.Sequential(nn.Linear(3, 1)), r"0\.weight has the shape \[2, 3\], \[1, 3\] in the one given"),
    ],
)
def test_another_model_is_refused_and_not_touched(other, message):
    copies, before = copied(nn.Sequential(nn.Linear(3, 2))), snapshot(other)
    with pytest.raises(RegularizeError, match=message):
        write(copies, tensors(other))
    assert same(other, before)


def test_a_model_without_anything_has_no_copies():
    assert copied(nn.ReLU()) == {}
