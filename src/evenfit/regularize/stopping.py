"""Early stopping, with the best weights brought back."""

from __future__ import annotations

import math
from operator import index
from typing import Any

import torch
from torch import Tensor, nn

from evenfit.errors import RegularizeError
from evenfit.regularize.copies import Tensors, check_same, copied, tensors, write


class EarlyStopping:
    """Watches a validation loss, lower being better, and keeps the weights that gave the lowest.

    The weights are copied when the loss improves, buffers, such as the statistics of batch normalisation, with them.
    Given within ``with ema.applied(model):``, what is kept are the averaged weights.

    Args:
        model: whose weights are kept; a copy lies beside them on their device.
        patience: losses in a row without an improvement after which ``should_stop`` says so, at least 1.
        minimum_improvement: a loss counts as better only if it is lower than the best by more than this.

    Attributes:
        best_loss: the lowest loss so far; infinite before the first.
        best_step: how many losses had been given when it came, from 1; 0 before the first.
        steps: how many losses have been given.

    Raises:
        RegularizeError: patience below 1, or a negative minimum.

    Source: Prechelt, "Early stopping - but when?", 1998.

    Example:
        >>> model = nn.Linear(2, 1)
        >>> stopping = EarlyStopping(model, patience=2)
        >>> for epoch, loss in enumerate([0.9, 0.7, 0.8, 0.75]):
        ...     if stopping.should_stop(loss):
        ...         break
        >>> stopping.restore()
        >>> epoch, stopping.best_step, stopping.best_loss
        (3, 2, 0.7)
    """

    def __init__(self, model: nn.Module, *, patience: int, minimum_improvement: float = 0.0) -> None:
        try:
            self.patience = index(patience)
        except TypeError:
            self.patience = 0
        if self.patience < 1:
            raise RegularizeError(f"patience must be a whole number of at least 1, got {patience!r}")
        if not 0 <= minimum_improvement < math.inf:
            raise RegularizeError(f"the minimum improvement must be a number of at least 0, got {minimum_improvement}")
        self.model = model
        self.minimum_improvement = float(minimum_improvement)
        self.best_loss = math.inf
        self.best_step = 0
        self.steps = 0
        self._best: Tensors = {}

    def should_stop(self, loss: float | Tensor) -> bool:
        """Take the next validation loss, keep the weights if it is the best, and say whether to stop.

        A loss that is not a number is no improvement. For a score, where higher is better, give its negative.
        """
        value = float(loss.detach() if isinstance(loss, Tensor) else loss)
        self.steps += 1
        if value < self.best_loss - self.minimum_improvement:
            self.best_loss, self.best_step = value, self.steps
            if self._best:
                write(tensors(self.model), self._best)
            else:
                self._best = copied(self.model)
        return self.steps - self.best_step >= self.patience

    def restore(self) -> None:
        """Put the best weights and buffers back into the model, bit for bit, in the memory that it has.

        Raises:
            RegularizeError: no loss was a finite number, so there are no best weights.
        """
        if not self.best_step:
            raise RegularizeError(
                f"there are no best weights to bring back: none of the {self.steps} losses was a finite number"
            )
        write(self._best, tensors(self.model))

    def state_dict(self) -> dict[str, Any]:
        """Give all that is needed to continue: the counts, the best loss, and a copy of its weights."""
        return {
            "best_loss": self.best_loss,
            "best_step": self.best_step,
            "steps": self.steps,
            "best": {name: tensor.clone() for name, tensor in self._best.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what ``state_dict`` gave.

        Raises:
            RegularizeError: it is of another model.
        """
        best, own = state["best"], tensors(self.model)
        if best:
            check_same(best, own)
        self._best = {name: torch.clone(tensor).to(own[name].device) for name, tensor in best.items()}
        self.best_loss, self.best_step, self.steps = state["best_loss"], state["best_step"], state["steps"]
