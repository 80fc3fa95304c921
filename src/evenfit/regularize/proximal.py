"""Proximal: a proximal step after each step of any optimiser, so that zeros are exact."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from evenfit.errors import RegularizeError
from evenfit.regularize.penalties.amounts import Amount
from evenfit.regularize.penalties.penalty import Penalty
from evenfit.regularize.penalties.terms import Placed, Terms, proximal_
from evenfit.regularize.proximal_plan import Plan, make_plan
from evenfit.regularize.step_sizes import StepSize, step_size

_HOOKS = tuple(
    f"_optimizer_{when}_{which}_hooks" for when in ("state_dict", "load_state_dict") for which in ("pre", "post")
)


class Proximal(Optimizer):
    """Takes the proximal step of a penalty after each step of an optimiser: zeros are exact, bounds are kept.

    Each step is the optimiser's own, along the gradient of the loss J alone, and then, for every weight that the
    penalty sees and that has a gradient, the point that minimises 1/2 ||w' - w||^2 + s lambda R(w') over w'. So the
    penalty must not be in the loss as well. What is minimised depends on the optimiser:

    - SGD minimises J + lambda R: full batches converge to it, mini-batches to its neighbourhood. s is the learning
      rate eta; with momentum, Nesterov's too, eta (1 - dampening) / (1 - momentum), for a momentum gathers gradients
      that much. With ``maximize=True`` J - lambda R is maximised. ASGD's falling eta is followed alike.
    - Adam, AdamW and all others that divide a gradient by its size take the bare learning rate as s. That is the
      decoupled form (Loshchilov & Hutter, "Decoupled weight decay regularization", 2019): every weight is shrunk at
      one rate, whatever the size of its gradients, as weight decay is in AdamW. It is *not* the minimiser of
      J + lambda R: the same strength acts more strongly than in the loss where gradients are small. RMSprop's momentum
      gathers as SGD's does, and counts alike.
    - LBFGS takes the step after all the iterations of one call, with its learning rate as s; decoupled too, and the
      curvature that it remembers is of the loss alone.

    It is an optimiser: ``param_groups``, ``state`` and ``state_dict`` are those of the one it wraps (and may be loaded
    into it), so learning rate schedulers may hold either, and each group's own learning rate counts. A step that a
    gradient scaler skips is skipped whole. A weight without a gradient is left alone, as by torch's optimisers.
    ``SAM(Proximal(...))`` does both; ``Proximal(Proximal(optimiser, first), second)`` takes steps one after the other.

    Without the model, tensors of two or more dimensions are penalised. Patterns of names, groups, bounds, kinds of
    parameters and exclusions by kind of layer need the model.

    Args:
        optimiser: any of torch's, or another.
        penalty: of weights, or a sum of such. Strengths may be 0: nothing is then changed, bit for bit.
        model: whose weights the optimiser has; it may have others too.
        steps: in all of training; needed where a strength has a schedule. The number of those taken is kept in the
            first parameter group, as "proximal_steps", and so in ``state_dict``: progress is taken / steps, and stays
            just below 1 when they are over.
        step_size: a function that gives s of a parameter group, for optimisers whose learning rate is not that.

    Raises:
        RegularizeError: the optimiser and the model share no parameters; a pattern matches nothing; a weight is frozen,
            sparse, complex, of integers, lazy, or computed from others; penalties that have no exact step together; a
            penalty on activations.

    Warns:
        UserWarning: L2 or an elastic net, and the optimiser decays weights by itself (AdamW does unless told not to).

    Source: Parikh & Boyd, "Proximal algorithms", 2014; Beck & Teboulle, "A fast iterative shrinkage-thresholding
    algorithm for linear inverse problems", 2009.

    Example:
        >>> import evenfit.regularize as er
        >>> model, x = nn.Linear(3, 1), torch.rand(8, 3)
        >>> optimiser = Proximal(torch.optim.Adam(model.parameters(), lr=0.1), er.L1(strength=10.0), model=model)
        >>> model(x).square().mean().backward()
        >>> optimiser.step()
        >>> er.sparsity(model).zeros
        3
    """

    def __init__(
        self,
        optimiser: Optimizer,
        penalty: Penalty,
        *,
        model: nn.Module | None = None,
        steps: int | None = None,
        step_size: StepSize | None = None,
    ) -> None:
        if not isinstance(optimiser, Optimizer):
            raise RegularizeError(f"Proximal wraps a torch.optim.Optimizer; got {type(optimiser).__name__}")
        if not isinstance(penalty, Penalty):
            raise RegularizeError(f"Proximal takes a penalty, such as L1(strength=1e-3); got {penalty!r}")
        _check_optimiser(optimiser)
        self._penalties = penalty.weight_penalties()
        _check_steps(
            steps, scheduled=any(getattr(one, "schedule", "constant") != "constant" for one in self._penalties)
        )
        super().__init__([dict(group) for group in optimiser.param_groups], {})
        self.optimiser = optimiser
        self.penalty = penalty
        self.steps = steps
        self._model = model
        self._step_size = step_size
        self._key = _key(optimiser)
        self._bind()
        self._make_plan()
        self._warn_of_weight_decay()

    @property
    def steps_taken(self) -> int:
        """The number of steps that were taken: what schedules of strengths go by."""
        return int(self.param_groups[0].get(self._key, 0))

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take the optimiser's step, and then the penalty's; give what the closure gives.

        Raises:
            RegularizeError: a gradient is sparse; a schedule gives a negative share.
        """
        loss = self.optimiser.step() if closure is None else self.optimiser.step(closure)
        self._shrink()
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:  # noqa: FBT001, FBT002 - torch's own signature
        """Clear the gradients, as the optimiser does."""
        self.optimiser.zero_grad(set_to_none)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add parameters to the optimiser; those that the penalty sees are penalised."""
        if hasattr(self, "optimiser"):
            self.optimiser.add_param_group(param_group)
            self._share_state()
            self._make_plan()
        else:  # torch's own constructor adds the groups that the optimiser already has
            super().add_param_group(param_group)

    def state_dict(self) -> dict[str, Any]:
        """Give the optimiser's state; the number of steps taken is in the first parameter group."""
        return self.optimiser.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Give the optimiser its state back; that of the optimiser alone will do, no steps taken then."""
        self.optimiser.load_state_dict(state_dict)

    def __getstate__(self) -> dict[str, Any]:
        """Keep all but the plan, which is made anew for copied parameters."""
        names = ("optimiser", "penalty", "steps", "_model", "_step_size", "_key", "_penalties")
        return {name: getattr(self, name) for name in names}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Go on as a copy."""
        self.__dict__.update(state)
        super().__setstate__({"defaults": self.optimiser.defaults})
        self._bind()
        self._make_plan()

    def __repr__(self) -> str:
        """Show the optimiser and the penalty."""
        return f"Proximal({self.optimiser!r}, {self.penalty!r})"

    def _bind(self) -> None:
        """Share the optimiser's state, now and whenever it is loaded."""
        self.optimiser.register_load_state_dict_post_hook(lambda _: self._share_state())
        self._share_state()

    def _share_state(self) -> None:
        """Have the optimiser's own groups, which its ``load_state_dict`` makes anew, and its hooks."""
        self.param_groups = self.optimiser.param_groups
        self.state = self.optimiser.state
        self.defaults = self.optimiser.defaults
        for name in _HOOKS:
            setattr(self, name, getattr(self.optimiser, name))

    def _make_plan(self) -> None:
        self._plan: Plan = make_plan(self.optimiser, self._penalties, self._model)
        self._planned_for = [len(group["params"]) for group in self.param_groups]
        self._shares: tuple[float, ...] = ()
        self._terms: dict[int, Terms] = {}

    @torch.no_grad()
    def _shrink(self) -> None:
        self._share_state()
        if self._planned_for != [len(group["params"]) for group in self.param_groups]:
            self._make_plan()
        self._schedule()
        work: list[tuple[Terms, Placed, Amount]] = []
        for group, planned in zip(self.param_groups, self._plan, strict=True):
            moved = [one.placed for one in planned if one.placed.weight.grad is not None]
            if not moved:
                continue
            size = self._size(group, moved[0].weight)
            for one in moved:
                if one.weight.grad.layout is not torch.strided:  # type: ignore[union-attr] # it has one, as found
                    raise RegularizeError(
                        f"{one.name} has a sparse gradient, and a penalty is felt by all its rows: make the layer with "
                        f"sparse=False, or leave it out with exclude={one.name!r}"
                    )
                work.append((self._terms[id(one.weight)], one, size))
        proximal_(work)
        self.param_groups[0][self._key] = self.steps_taken + 1

    def _schedule(self) -> None:
        """Bring what is asked of each weight up to date with the schedules."""
        progress = None if self.steps is None else min(self.steps_taken / self.steps, math.nextafter(1.0, 0.0))
        shares = tuple(one.share(progress) for one in self._penalties)
        if shares != self._shares:
            self._shares = shares
            planned = [one for group in self._plan for one in group]
            self._terms = {id(one.placed.weight): one.terms(self._penalties, shares) for one in planned}

    def _size(self, group: dict[str, Any], weight: Tensor) -> Amount:
        if self._step_size is None:
            return step_size(_innermost(self.optimiser), group, self.state.get(weight, {}))
        size = self._step_size(group)
        if not isinstance(size, Tensor) and not 0 <= size < math.inf:
            raise RegularizeError(f"step_size must give a finite number of at least 0, got {size!r}")
        return size

    def _warn_of_weight_decay(self) -> None:
        full = [1.0] * len(self._penalties)
        for group, planned in zip(self.param_groups, self._plan, strict=True):
            decay = group.get("weight_decay", 0)
            if decay and any(one.terms(self._penalties, full).l2 for one in planned):
                warnings.warn(
                    f"{type(_innermost(self.optimiser)).__name__} has weight_decay={decay} and the penalty has L2: "
                    "weights are shrunk by both; make the optimiser with weight_decay=0",
                    UserWarning,
                    stacklevel=3,
                )
                return


def _check_optimiser(optimiser: Optimizer) -> None:
    if isinstance(_innermost(optimiser), torch.optim.SparseAdam):
        raise RegularizeError("SparseAdam steps along sparse gradients, and a penalty is felt by all of a weight")
    if any(group.get("differentiable") for group in optimiser.param_groups):
        raise RegularizeError("a proximal step changes weights in place: make the optimiser with differentiable=False")


def _check_steps(steps: int | None, *, scheduled: bool) -> None:
    if steps is None and scheduled:
        raise RegularizeError("a strength has a schedule: say how many steps training takes with steps=")
    if steps is not None and (int(steps) != steps or steps < 1):
        raise RegularizeError(f"steps must be a whole number of at least 1, got {steps!r}")


def _innermost(optimiser: Optimizer) -> Optimizer:
    """Give the optimiser that takes the steps, inside all that wraps it."""
    while isinstance(getattr(optimiser, "optimiser", None), Optimizer):
        optimiser = optimiser.optimiser  # type: ignore[attr-defined]
    return optimiser


def _key(optimiser: Optimizer) -> str:
    """Give the name under which steps are counted: of its own for each Proximal around another."""
    depth = 0
    while isinstance(getattr(optimiser, "optimiser", None), Optimizer):
        depth += isinstance(optimiser, Proximal)
        optimiser = optimiser.optimiser  # type: ignore[attr-defined]
    return f"proximal_steps_{depth}" if depth else "proximal_steps"
