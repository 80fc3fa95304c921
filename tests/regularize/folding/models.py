"""Small models that tests of folding share."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

import evenfit.regularize as er


class Forward(nn.Module):
    """A model whose forward is a function of the model and its inputs, and whose parts are given by name."""

    def __init__(self, forward: Callable[..., object], **parts: nn.Module | nn.Parameter) -> None:
        super().__init__()
        self.run = forward
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x: Tensor) -> object:
        """Run the function."""
        return self.run(self, x)


class Checking(nn.Module):
    """A model that checks what it is given; here, since pytest rewrites the assertions of tests."""

    def __init__(self) -> None:
        super().__init__()
        self.drop, self.layer = original(), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Check, drop and multiply."""
        assert x.dim() == 2
        assert not x.is_sparse, "wants dense rows"
        assert x.shape[1] == 4 and x.shape[0] > 0, f"wants four columns, got {x.shape}"  # noqa: PT018
        if x.dim() != 2 or x.shape[1] != 4:
            raise ValueError(f"wants four columns, got {x.shape}")
        if x.ndim != 2:
            message = "wants rows"
            raise ValueError(message)
        if not x.is_floating_point():
            raise TypeError
        return self.layer(self.drop(x))


class Deciding(Checking):
    """A model that checks, and decides as well."""

    def forward(self, x: Tensor) -> Tensor:
        """Decide."""
        if x.dim() == 3:
            return x
        return super().forward(x)


class Answering(Checking):
    """A model that answers, or raises an error."""

    def forward(self, x: Tensor) -> Tensor:
        """Answer."""
        if x.dim() == 2:
            return self.layer(self.drop(x))
        raise ValueError("wants rows")


def original(rate: float = 0.3) -> er.Dropout:
    """Dropout of the original form."""
    return er.Dropout(rate, form="original")


def numbers(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Random numbers, the same for each shape."""
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(0))


def same(model: nn.Module, *inputs: Tensor, sample: object = None, **settings: object) -> nn.Module:
    """Fold a model, hold it to scaled inference, and give it."""
    folded = er.fold_dropout(model, sample, **settings)
    with torch.no_grad():
        torch.testing.assert_close(folded(*inputs), model.eval()(*inputs), rtol=1e-12, atol=1e-12)
    return folded
