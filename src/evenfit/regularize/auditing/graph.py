"""Graph: the steps of a network in the order in which they are done, and what flows from one to another."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from torch import nn

from evenfit.regularize.auditing.drops import Drop
from evenfit.regularize.auditing.kinds import WEIGHTED
from evenfit.regularize.auditing.sites import Site


@dataclass(frozen=True, kw_only=True)
class Step:
    """One call of a function, a method or a layer."""

    number: int
    kind: str
    name: str  # as it was called: "F.dropout", "Linear"
    path: str  # qualified name of the module in whose forward it was called; of the layer, if it is one
    is_layer: bool  # it is what the module at ``path`` is there for: the convolution of an nn.Conv2d
    module: nn.Module | None = field(default=None, repr=False)  # the one at ``path``
    training: bool = False  # the mode that the module was in
    inputs: tuple[int, ...] = ()  # the steps whose tensors it takes, in the order of its arguments
    constant: bool = False  # nothing of the network's input is in it: parameters, noise, positions
    strange: bool = False  # it takes a tensor that no step is known to have made
    parameters: tuple[str, ...] = ()  # what it reads of the model itself
    weight: str | None = None  # the parameter that it multiplies by, if that is one
    bias: str | None = None
    drop: Drop | None = None
    shape: tuple[int, ...] | None = None  # of its first tensor
    likeness: float | None = None  # correlation of neighbouring units of the tensor that it drops from
    site: Site | None = None

    @property
    def layer(self) -> str:
        """What a finding calls it: the layer's name, or whose forward it is in."""
        if self.is_layer:
            return self.path
        return f"{self.path}.forward" if self.path else "forward"

    @property
    def place(self) -> tuple[str, Site | None]:
        """What tells it from other steps with the same name: a layer is one place, each line of a forward another."""
        return self.layer, None if self.is_layer else self.site

    @property
    def named(self) -> str:
        """What a sentence calls it: a layer by its name, a function by its own and its line."""
        return self.path if self.is_layer else self.title

    @property
    def title(self) -> str:
        """What it is, and where it is written if it is no layer: "Dropout", "F.dropout at net.py:12"."""
        return self.name if self.is_layer or self.site is None else f"{self.name} at {self.site}"


@dataclass(frozen=True)
class Graph:
    """The steps of one run, or of one trace."""

    steps: tuple[Step, ...]
    outputs: tuple[int, ...] = ()  # the steps whose tensors were returned, first one first
    whole: bool = True  # of a network; not of a part, whose outputs others go on with

    @cached_property
    def users(self) -> dict[int, tuple[int, ...]]:
        """The steps that take a step's tensors."""
        found: dict[int, list[int]] = {}
        for step in self.steps:
            for number in dict.fromkeys(step.inputs):
                found.setdefault(number, []).append(step.number)
        return {number: tuple(each) for number, each in found.items()}

    def before(self, step: Step, *, through: Callable[[Step], bool]) -> Iterator[Step]:
        """Yield the nearest earlier steps that ``through`` does not let pass; what is constant is left out."""
        yield from self._walk(step, through, lambda each: each.inputs)

    def after(self, step: Step, *, through: Callable[[Step], bool]) -> Iterator[Step]:
        """Yield the nearest later steps that ``through`` does not let pass."""
        yield from self._walk(step, through, lambda each: self.users.get(each.number, ()))

    def ends(self, step: Step, *, through: Callable[[Step], bool]) -> bool:
        """Whether a step's tensors reach the network's output through such steps alone."""
        if step.number in self.outputs:
            return True
        seen, waiting = {step.number}, list(self.users.get(step.number, ()))
        while waiting:
            number = waiting.pop()
            if number in seen or not through(self.steps[number]):
                continue
            if number in self.outputs:
                return True
            seen.add(number)
            waiting += self.users.get(number, ())
        return False

    def _walk(
        self, step: Step, through: Callable[[Step], bool], neighbours: Callable[[Step], Sequence[int]]
    ) -> Iterator[Step]:
        seen, waiting = {step.number}, deque(neighbours(step))
        while waiting:
            number = waiting.popleft()
            if number in seen:
                continue
            seen.add(number)
            each = self.steps[number]
            if each.constant:
                continue
            if through(each):
                waiting += neighbours(each)
            else:
                yield each

    def sources(self, step: Step) -> frozenset[str]:
        """Give the weighted layers whose outputs a step sees first, by their parameters."""
        found = self.before(step, through=lambda each: each.kind not in WEIGHTED)
        return frozenset(name for each in found for name in each.parameters or (each.layer,))
