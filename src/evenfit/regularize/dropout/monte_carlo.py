"""Monte-Carlo dropout: prediction with dropout left on, and how much the predictions differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from evenfit.errors import RegularizeError
from evenfit.regularize.chance import key
from evenfit.regularize.dropout.droppers import droppers
from evenfit.regularize.dropout.modules import DropoutLayer
from evenfit.regularize.dropout.streams import check_seed

OUTPUTS = ("values", "logits", "probabilities")
# In evaluation they take a path of their own that passes dropout by.
_WITH_SHORT_CUTS = (nn.TransformerEncoderLayer, nn.TransformerEncoder, nn.MultiheadAttention)


@dataclass(frozen=True, kw_only=True, eq=False)
class MonteCarlo:
    """What a model predicts with dropout left on: statistics over samples, row by row, in the outputs' shape."""

    mean: Tensor  # of the values, or of the probabilities of classes
    variance: Tensor  # unbiased, of the same
    samples: int
    entropy: Tensor | None = None  # of the mean probabilities, in nats, one a row: all of the doubt
    mutual_information: Tensor | None = None  # the part of it that samples disagree about: doubt about the model

    @property
    def standard_error(self) -> Tensor:
        """How far the mean may be from that of infinitely many samples."""
        return (self.variance / self.samples).sqrt()


def monte_carlo(
    model: nn.Module,
    inputs: Tensor | Sequence[Tensor],
    *,
    samples: int = 50,
    seed: int = 0,
    outputs: str = "values",
    rows: int = 1024,
) -> MonteCarlo:
    """Predict many times with dropout left on, and give mean, variance and entropy.

    Only what drops is put in training mode (``er.dropout_rates(model)`` names it: torch's own layers, and the dropout
    inside attention and recurrent layers, count): batch normalisation stays in evaluation. Rows are taken
    ``rows`` at a time, and only sums are kept over samples, so memory does not grow with either. The result is a
    function of model, inputs, seed and ``rows``; torch's generators, the layers' seeds and counts, and the modes of
    all modules are what they were afterwards, after an exception too. A functional dropout in a ``forward`` obeys the
    mode of the module that calls it, which stays in evaluation.

    Args:
        model: called with ``inputs``, it gives one tensor, rows first.
        inputs: a tensor, rows first, or several, one for each argument.
        samples: predictions of each row, at least 2.
        seed: the same seed gives the same prediction.
        outputs: what the model gives: "values"; "logits" of classes on axis 1, turned into probabilities by softmax
            (one a row is that of the second of two classes, and goes through a sigmoid); or "probabilities", likewise.
            Entropy and mutual information are given for the latter two.
        rows: how many to take at once.

    Raises:
        RegularizeError: nothing in the model drops anything, fewer than 2 samples, inputs of different numbers of rows,
            outputs that are not one tensor or not what they are said to be, or unknown ``outputs``.

    Source: Gal & Ghahramani, "Dropout as a Bayesian approximation", 2016; mutual information: Houlsby et al.,
    "Bayesian active learning for classification and preference learning", 2011.

    Example:
        >>> model = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2))
        >>> found = monte_carlo(model, torch.rand(5, 3), samples=20, seed=1, outputs="logits")
        >>> found.mean.shape, found.entropy.shape
        (torch.Size([5, 2]), torch.Size([5]))
    """
    if outputs not in OUTPUTS:
        raise RegularizeError(f"outputs must be one of {', '.join(OUTPUTS)}; got {outputs!r}")
    if samples < 2 or rows < 1:
        raise RegularizeError(
            f"a variance needs at least 2 samples, of at least 1 row at once; got {samples} of {rows}"
        )
    given = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    lengths = {len(one) for one in given}
    if len(lengths) != 1:
        raise RegularizeError(f"inputs must have as many rows as one another, got {sorted(lengths) or 'no inputs'}")
    (length,) = lengths
    parts = []
    with torch.no_grad(), _dropping(model), _generators_kept() as generators:
        for number, start in enumerate(range(0, max(length, 1), rows)):
            chunk = tuple(one[start : start + rows] for one in given)
            sums = _Sums()
            for sample in range(samples):
                for generator in generators:
                    generator.manual_seed(key(check_seed(seed), number, sample) >> 1)
                sums.add(_values(model(*chunk), outputs, len(chunk[0])), classes=outputs != "values")
            parts.append(sums)
    mean = torch.cat([sums.mean for sums in parts])
    variance = torch.cat([sums.squares / (samples - 1) for sums in parts])
    if outputs == "values":
        return MonteCarlo(mean=mean, variance=variance, samples=samples)
    entropy, within = _entropy(mean), torch.cat([sums.entropy / samples for sums in parts])
    information = (entropy - within).clamp(min=0)  # it cannot be negative, but for rounding
    return MonteCarlo(mean=mean, variance=variance, samples=samples, entropy=entropy, mutual_information=information)


class _Sums:
    """Running sums over samples: Welford's, which lose no digits to a large mean."""

    def __init__(self) -> None:
        self.count = 0
        self.mean = self.squares = self.entropy = torch.zeros(())

    def add(self, found: Tensor, *, classes: bool) -> None:
        """Count one sample."""
        self.count += 1
        apart = found - self.mean
        self.mean = self.mean + apart / self.count
        self.squares = self.squares + apart * (found - self.mean)
        if classes:
            self.entropy = self.entropy + _entropy(found)


def _values(found: Any, outputs: str, length: int) -> Tensor:
    """Give what the model gave as numbers to average, at least float32: of classes probabilities."""
    if not isinstance(found, Tensor) or not found.dim() or len(found) != length:
        kind = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise RegularizeError(f"the model must give one tensor with a row for each of {length} rows; got {kind}")
    values = found if found.dtype == torch.float64 else found.float()
    if outputs == "logits":
        return values.sigmoid() if _is_binary(values) else values.softmax(dim=1)
    if outputs == "probabilities":
        wrong = (values < 0) | (values > 1)
        total = values if _is_binary(values) else (values.sum(1) - 1).abs() * 1000  # within 0.001
        if bool(wrong.any() | (total > 1).any()):
            raise RegularizeError('outputs="probabilities" must be in [0, 1] and sum to 1 over axis 1; these do not')
    return values


def _is_binary(values: Tensor) -> bool:
    return values.dim() == 1 or values.shape[1] == 1


def _entropy(chance: Tensor) -> Tensor:
    """Give the entropy of classes on axis 1, or of two where there is one probability, that of the second."""
    if _is_binary(chance):
        chance = chance.reshape(len(chance), 1, *chance.shape[2:])
        chance = torch.cat((1 - chance, chance), dim=1)
    entropy: Tensor = -torch.special.xlogy(chance, chance).sum(1)
    return entropy


@contextmanager
def _dropping(model: nn.Module) -> Iterator[None]:
    """Put in training mode what drops, all else in evaluation mode; afterwards each as it was."""
    modes = {module: module.training for module in model.modules()}
    active = [module for _, module in droppers(model)]
    if not active:
        raise RegularizeError(
            f"{type(model).__name__} has no dropout layer, so all samples would be the same; functional dropout obeys "
            "the mode of the module that calls it: make it a layer"
        )
    seeded = {module: (module.seed, module.calls) for module in active if isinstance(module, DropoutLayer)}
    try:
        model.eval()
        for module in active + [module for module in modes if isinstance(module, _WITH_SHORT_CUTS)]:
            module.training = True  # not train(), which would take what is below along
        for layer in seeded:
            layer.seed = None  # the prediction's own seed decides
        yield
    finally:
        for module, training in modes.items():
            module.training = training
        for layer, (seed, calls) in seeded.items():
            layer.seed, layer.calls = seed, calls


@contextmanager
def _generators_kept() -> Iterator[list[torch.Generator]]:
    """Give torch's own generators, of all devices in use; afterwards they are what they were."""
    generators = [torch.default_generator, *torch.cuda.default_generators, *torch.xpu.default_generators]
    if torch.backends.mps.is_available():
        generators.append(torch.mps._get_default_mps_generator())
    states = [generator.get_state() for generator in generators]
    try:
        yield generators
    finally:
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)
