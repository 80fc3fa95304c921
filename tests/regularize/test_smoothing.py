"""Label smoothing is torch's own for one model, and the same for each member of many."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.regularize.zoo import equal_bits
from torch.nn.functional import cross_entropy

from evenfit.errors import RegularizeError
from evenfit.regularize.smoothing import smooth_labels, smoothed_cross_entropy

AMOUNTS = st.just(0.0) | st.just(1.0) | st.floats(0, 1)


def rows(seed, *, members=3, count=6, classes=4):
    random = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(members, count, classes, generator=random, dtype=torch.float64)
    labels = torch.randint(classes, (members, count), generator=random)
    labels[:, 0] = -100  # left out
    weight = torch.rand(classes, generator=random, dtype=torch.float64) + 0.1
    return logits, labels, weight


@given(amount=AMOUNTS, seed=st.integers(0, 1000))
def test_one_amount_is_torch_s_own(amount, seed):
    logits, labels, weight = rows(seed)
    made = smoothed_cross_entropy(logits[0], labels[0], amount=amount, weight=weight)
    assert equal_bits(made, cross_entropy(logits[0], labels[0], weight=weight, label_smoothing=amount))


@given(amounts=st.lists(AMOUNTS, min_size=3, max_size=3), seed=st.integers(0, 1000), weighted=st.booleans())
def test_each_member_s_loss_and_gradient_are_those_of_its_rows_alone(amounts, seed, weighted):
    logits, labels, weight = rows(seed)
    weight = weight if weighted else None
    together, alone = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    losses = smoothed_cross_entropy(together, labels, amount=torch.tensor(amounts, dtype=torch.float64), weight=weight)
    expected = torch.stack(
        [cross_entropy(alone[m], labels[m], weight=weight, label_smoothing=amounts[m]) for m in range(3)]
    )
    torch.testing.assert_close(losses, expected)
    losses.sum().backward()
    expected.sum().backward()
    torch.testing.assert_close(together.grad, alone.grad)


@given(amount=AMOUNTS, seed=st.integers(0, 1000))
def test_smoothed_labels_are_the_targets_of_the_smoothed_loss(amount, seed):
    logits, labels, _ = rows(seed)
    targets = smooth_labels(labels[:, 1:], 4, amount=amount)
    torch.testing.assert_close(targets.sum(2), torch.ones(3, 5))
    made = cross_entropy(logits[0, 1:], targets[0].double())
    # labels are made in torch's default precision
    torch.testing.assert_close(made, smoothed_cross_entropy(logits[0], labels[0], amount=amount), rtol=1e-6, atol=1e-6)


@given(amounts=st.lists(AMOUNTS, min_size=3, max_size=3), seed=st.integers(0, 1000))
def test_each_member_s_labels_are_smoothed_by_its_own_amount(amounts, seed):
    labels = rows(seed)[1][:, 1:]
    together = smooth_labels(labels, 4, amount=torch.tensor(amounts))
    for m in range(3):
        torch.testing.assert_close(together[m], smooth_labels(labels[m], 4, amount=amounts[m]))


def test_an_amount_of_zero_changes_no_label():
    labels = torch.tensor([[1, 0, 2]])
    assert equal_bits(smooth_labels(labels, 3, amount=0.0), torch.eye(3)[[1, 0, 2]][None])
    assert equal_bits(smooth_labels(labels, 3, amount=torch.tensor([0.0])), torch.eye(3)[[1, 0, 2]][None])


def test_a_class_that_is_ruled_out_does_not_reach_a_member_that_smooths_nothing():
    logits = torch.tensor([[[1.0, 0.0, float("-inf")]]] * 2, requires_grad=True)
    losses = smoothed_cross_entropy(logits, torch.tensor([[0], [0]]), amount=torch.tensor([0.0, 0.1]))
    assert losses.isfinite().tolist() == [True, False]
    losses[0].backward()
    assert logits.grad.isfinite().all()


def test_soft_labels_and_images_are_taken_as_torch_takes_them():
    logits, targets = torch.rand(2, 3, 4), torch.rand(2, 3, 4).softmax(1)
    made = smoothed_cross_entropy(logits, targets, amount=0.2)
    assert equal_bits(made, cross_entropy(logits, targets, label_smoothing=0.2))


@pytest.mark.parametrize("amount", [-0.1, 1.1, float("nan"), torch.tensor([0.1, -0.1, 0.1])])
def test_an_amount_outside_0_and_1_is_refused(amount):
    logits, labels, _ = rows(0)
    for call in (
        lambda: smoothed_cross_entropy(logits, labels, amount=amount),
        lambda: smooth_labels(labels[:, 1:], 4, amount=amount),
    ):
        with pytest.raises(RegularizeError, match=r"amount of label smoothing must be in \[0, 1\], got"):
            call()


def test_as_many_amounts_as_not_members_are_refused():
    logits, labels, _ = rows(0)
    with pytest.raises(RegularizeError, match=r"one for each member.*amounts \[2\] and labels \[3, 6\]"):
        smoothed_cross_entropy(logits, labels, amount=torch.tensor([0.1, 0.2]))
    with pytest.raises(RegularizeError, match=r"needs logits \[members, rows, classes\].*got \[3, 6\] and \[3, 6\]"):
        smoothed_cross_entropy(logits[:, :, 0], labels, amount=torch.tensor([0.1, 0.2, 0.3]))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (torch.tensor([0.5]), r"labels must be whole numbers, got torch\.float32"),
        (torch.tensor([0, 3]), "labels must be between 0 and 2, as there are 3 classes; got 0 to 3"),
        (torch.tensor([-100, 1]), "labels must be between 0 and 2, as there are 3 classes; got -100 to 1"),
    ],
)
def test_labels_that_are_no_classes_are_refused(labels, message):
    with pytest.raises(RegularizeError, match=message):
        smooth_labels(labels, 3, amount=0.1)


def test_no_labels_have_no_targets():
    assert smooth_labels(torch.zeros(0, dtype=torch.int64), 3, amount=0.1).shape == (0, 3)
