"""A user's module in training: each value of a `Training` does what it says."""

import numpy as np
import pytest
import torch
from torch import nn

from evenfit.errors import ConfigError
from evenfit.fleet.module_checks import check_module, dropout_of
from evenfit.fleet.module_outputs import as_outputs, check_logits, row_losses
from evenfit.fleet.modules import Lesson, shift_dropout_, train_module
from evenfit.regularize.zeros import sparsity
from evenfit.specs.training import Training

SHORT = Training(epochs=6, batch_rows=16, learning_rate=0.02)
KEPT: list[nn.Module] = []


def linear():
    return nn.Linear(4, 3)


def network():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3))


def kept():
    KEPT.append(network())
    return KEPT[-1]


def lesson(*, classes=3, rows=64, weights=None, seed=0):
    generator = np.random.default_rng(seed)
    inputs = generator.normal(size=(rows, 4)).astype(np.float32)
    if classes:
        target = (inputs[:, 0] > 0).astype(np.int64) + (inputs[:, 1] > 0.5)
    else:
        target = 1000.0 + 50 * inputs[:, 0].astype(np.float64)
    return Lesson(inputs=inputs, target=target, weights=weights, classes=classes)


def trained(factory, training, known, *, seed=1, epochs=(), judged=None):
    judged = known.inputs if judged is None else judged
    return train_module(factory, training, known, judged=judged, epochs=epochs, seed=seed, stop=lambda: False)


def last(factory, training, known, **options):
    return trained(factory, training, known, **options)[-1].values


def one_line(outputs=1):
    return nn.Sequential(nn.Linear(4, outputs), nn.Flatten(0) if outputs == 1 else nn.Identity())


CHANGES = [
    {"optimiser": "adam", "weight_decay": 0.1},
    {"optimiser": "sgd"},
    {"weight_decay": 5.0},
    {"schedule": "cosine"},
    {"schedule": "steps"},
    {"loss": "squared"},
    {"label_smoothing": 0.3},
    {"mixup": 0.5},
    {"input_noise": 0.5},
    {"l1": 0.1},
    {"dropout_shift": 0.5},
    {"inserted_dropout": 0.5},
    {"batch_rows": 64},
    {"learning_rate": 0.05},
]


@pytest.mark.parametrize("values", CHANGES)
def test_every_value_changes_what_is_learnt_and_repeats_exactly(values):
    plain = nn.Sequential
    make = network if "inserted_dropout" not in values else lambda: plain(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    changed = SHORT.with_values(**values)
    first, again = (last(make, changed, lesson()) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - last(make, SHORT, lesson())).max() > 1e-4


def test_the_momentum_of_sgd_counts():
    slow, fast = (SHORT.with_values(optimiser="sgd", momentum=momentum) for momentum in (0.0, 0.9))
    assert np.abs(last(linear, slow, lesson()) - last(linear, fast, lesson())).max() > 1e-4


def test_a_seed_decides_and_nothing_global_changes():
    torch.manual_seed(5)
    before, threads = torch.get_num_threads(), 3
    torch.set_num_threads(threads)
    state = torch.get_rng_state()
    one, other = (last(network, SHORT, lesson(), seed=seed) for seed in (1, 2))
    assert np.abs(one - other).max() > 1e-3
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads
    with torch.no_grad():
        np.testing.assert_array_equal(last(network, SHORT, lesson(), seed=1), one)
        assert not torch.is_grad_enabled()
    torch.set_num_threads(before)


def test_plain_sgd_is_that_of_torch():
    training = Training(epochs=5, batch_rows=64, optimiser="sgd", learning_rate=0.1, momentum=0.5, weight_decay=0.01)
    known = lesson()
    found = last(kept_linear, training, known)
    model = KEPT.pop(0)  # as it is after training
    start = STARTS.pop(0)
    twin = nn.Linear(4, 3)
    twin.load_state_dict(start)
    optimiser = torch.optim.SGD(
        [{"params": [twin.weight], "weight_decay": 0.01}, {"params": [twin.bias], "weight_decay": 0.0}],
        lr=0.1,
        momentum=0.5,
    )
    x, y = torch.from_numpy(known.inputs), torch.from_numpy(known.target)
    for _ in range(5):
        optimiser.zero_grad()
        nn.functional.cross_entropy(twin(x), y).backward()
        optimiser.step()
    torch.testing.assert_close(model.weight, twin.weight)
    np.testing.assert_allclose(found, twin(x).detach().numpy(), atol=1e-5)


STARTS: list[dict[str, torch.Tensor]] = []


def kept_linear():
    KEPT.append(nn.Linear(4, 3))
    STARTS.append({name: value.clone() for name, value in KEPT[-1].state_dict().items()})
    return KEPT[-1]


def test_the_schedule_of_steps_divides_by_ten_at_half_and_at_three_quarters():
    from evenfit.fleet.modules import _Course

    course = _Course(linear(), Training(epochs=8, batch_rows=16, schedule="steps"), lesson(), seed=0)
    assert [course._share(step) for step in (0, 15, 16, 23, 24, 31)] == [1.0, 1.0, 0.1, 0.1, 0.01, 0.01]


def test_l1_gives_exact_zeros_and_spares_what_is_frozen():
    KEPT.clear()

    def frozen():
        module = kept()
        module[0].weight.requires_grad_(requires_grad=False)
        return module

    trained(kept, SHORT.with_values(l1=1.0), lesson())
    trained(frozen, SHORT.with_values(l1=1.0), lesson())
    first, second = KEPT
    assert sparsity(first).zeros > 20
    assert not (second[0].weight == 0).any()
    assert (second[3].weight == 0).sum() > 5
    KEPT.clear()


def test_l1_spares_weights_that_are_computed_from_others():
    def normed():
        return nn.Sequential(torch.nn.utils.parametrizations.weight_norm(nn.Linear(4, 8)), nn.ReLU(), nn.Linear(8, 3))

    assert np.isfinite(last(normed, SHORT.with_values(l1=0.1), lesson())).all()


def test_weights_of_rows_are_as_good_as_repeated_rows():
    known = lesson(rows=40)
    double = np.where(np.arange(40) < 20, 2.0, 1.0)
    rows = np.repeat(np.arange(40), double.astype(int))
    training = Training(epochs=30, batch_rows=10_000, optimiser="sgd", learning_rate=0.1)
    weighted = last(linear, training, Lesson(inputs=known.inputs, target=known.target, weights=double, classes=3))
    repeated = Lesson(inputs=known.inputs[rows], target=known.target[rows], weights=None, classes=3)
    np.testing.assert_allclose(weighted, last(linear, training, repeated, judged=known.inputs), atol=1e-4)


def test_a_quantity_is_learnt_in_whatever_units_it_comes():
    known = lesson(classes=0)
    found = last(one_line, Training(epochs=200, batch_rows=16, learning_rate=0.02), known)
    np.testing.assert_allclose(found[:, 0], known.target, atol=3.0)
    scaled = Lesson(inputs=known.inputs, target=1e-3 * known.target, weights=None, classes=0)
    near = last(one_line, Training(epochs=200, batch_rows=16, learning_rate=0.02), scaled)
    np.testing.assert_allclose(1000 * near, found, atol=0.1)


def test_outputs_are_told_after_the_epochs_asked_for_and_a_longer_run_begins_alike():
    known = lesson()
    found = trained(network, SHORT, known, epochs=(1, 3))
    assert [one.epoch for one in found] == [1, 3, 6]
    shorter = last(network, SHORT.with_values(epochs=3), known)
    np.testing.assert_array_equal(found[1].values, shorter)


def test_predictions_do_not_drop_and_do_not_depend_on_their_batch():
    known = lesson()
    whole = last(network, SHORT, known)
    part = last(network, SHORT, known, judged=known.inputs[:5])
    np.testing.assert_allclose(whole[:5], part, atol=1e-6)


def test_training_that_diverges_ends_early():
    known = lesson(classes=0)
    wild = Training(epochs=50, batch_rows=16, optimiser="sgd", learning_rate=1e6)
    found = trained(one_line, wild, known)
    assert found[-1].epoch < 50
    assert not np.isfinite(found[-1].values).all()


def test_two_classes_may_have_one_logit():
    known = lesson()
    two = Lesson(inputs=known.inputs, target=(known.target > 0).astype(np.int64), weights=None, classes=2)
    for shape in (nn.Identity(), nn.Flatten(0)):
        found = last(lambda last=shape: nn.Sequential(nn.Linear(4, 1), last), SHORT, two)
        assert found.shape == (64, 2)
        assert (found[:, 0] == 0).all()


def test_squared_error_of_classes_is_the_mean_over_them():
    outputs, target = torch.randn(5, 3), torch.tensor([0, 1, 2, 1, 0])
    hot = nn.functional.one_hot(target, 3).float()
    own = row_losses(outputs, target, classes=3, squared=True, smoothing=0.0)
    torch.testing.assert_close(own.mean(), nn.functional.mse_loss(outputs.softmax(1), hot))
    smoothed = row_losses(outputs, target, classes=3, squared=True, smoothing=0.3)
    torch.testing.assert_close(smoothed.mean(), nn.functional.mse_loss(outputs.softmax(1), 0.7 * hot + 0.1))


def test_a_shift_of_dropout_reaches_every_kind_of_layer_and_stays_in_its_range():
    from evenfit.regularize.dropout.modules import Dropout

    module = nn.Sequential(nn.Dropout(0.5), Dropout(0.5), nn.GRU(2, 2, num_layers=2, dropout=0.5), nn.Dropout2d(0.9))
    shift_dropout_(module, 0.2)
    assert [module[0].p, module[1].rate, module[2].dropout, module[3].p] == [0.7, 0.7, 0.7, 0.95]
    shift_dropout_(module, -1.0)
    assert [module[0].p, module[1].rate, module[2].dropout, module[3].p] == [0.0] * 4


@pytest.mark.parametrize(
    ("given", "classes", "message"),
    [
        (torch.zeros(5, 4), 3, r"logits \[5, 3\], got the shape \[5, 4\]"),
        (torch.zeros(5), 3, r"logits \[5, 3\], got the shape \[5\]"),
        (torch.zeros(5, 2), 0, r"one number a row, .* got the shape \[5, 2\]"),
        ((torch.zeros(5, 3), None), 3, "got a tuple of 2; return the tensor alone"),
        (torch.zeros(5, 3, dtype=torch.complex64), 3, "got torch.complex64"),
        (torch.zeros(5, 3, dtype=torch.int64), 3, "got torch.int64"),
        (None, 3, "got None"),
    ],
)
def test_outputs_that_are_not_wanted_are_refused_in_one_line(given, classes, message):
    with pytest.raises(ConfigError, match=message):
        as_outputs(given, rows=5, classes=classes)


def test_probabilities_are_refused_and_their_logarithms_are_not():
    outputs = torch.randn(6, 3)
    with pytest.raises(ConfigError, match="its rows sum to 1"):
        check_logits(outputs.softmax(1), ends_in_sigmoid=False)
    with pytest.raises(ConfigError, match="sigmoid"):
        check_logits(outputs.sigmoid(), ends_in_sigmoid=True)
    check_logits(outputs.log_softmax(1), ends_in_sigmoid=False)
    check_logits(outputs, ends_in_sigmoid=True)


def test_a_factory_must_make_a_new_module_each_time():
    inputs, one, part = lesson().inputs, linear(), nn.Linear(4, 8)
    for factory, message in (
        (lambda: one, "the same one twice"),
        (lambda: nn.Sequential(part, nn.Linear(8, 3)), "share 0.weight"),
        (lambda: "no module", "must make an nn.Module, got a str"),
        (nn.Identity, "parameters to train, got none"),
        (nn.Linear, "called without arguments; it failed: TypeError"),
    ):
        with pytest.raises(ConfigError, match=message):
            check_module(factory, SHORT, inputs, classes=3)


def test_parameters_that_do_not_learn_may_be_shared():
    part = nn.Linear(4, 8).requires_grad_(requires_grad=False)
    assert check_module(lambda: nn.Sequential(part, nn.Linear(8, 3)), SHORT, lesson().inputs, classes=3) == np.float32


def test_what_training_cannot_do_is_refused():
    whole = np.zeros((8, 4), dtype=np.int64)

    def embedding():
        return nn.Sequential(nn.Embedding(5, 2), nn.Flatten(), nn.Linear(8, 3))

    assert check_module(embedding, SHORT, whole, classes=3) == np.int64
    assert check_module(linear, SHORT, whole, classes=3) == np.float32
    assert check_module(lambda: linear().double(), SHORT, whole, classes=3) == np.float64
    with pytest.raises(ConfigError, match="mixup needs inputs of real numbers"):
        check_module(embedding, SHORT.with_values(mixup=0.2), whole, classes=3)
    with pytest.raises(ConfigError, match="label_smoothing is for classes"):
        check_module(one_line, SHORT.with_values(label_smoothing=0.1), lesson().inputs, classes=0)


def test_it_is_known_whether_a_module_drops_and_whether_it_could():
    inputs = lesson().inputs
    assert dropout_of(network, inputs)[0]
    assert dropout_of(lambda: nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)), inputs) == (False, True)
    assert dropout_of(linear, inputs) == (False, False)
