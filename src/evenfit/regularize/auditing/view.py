"""View: all that the checks may look at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor, nn

from evenfit.regularize.auditing.decay import Decay
from evenfit.regularize.auditing.drops import Drop, drop_of_layer
from evenfit.regularize.auditing.graph import Graph, Step
from evenfit.regularize.auditing.sites import Site
from evenfit.regularize.auditing.subject import Subject


@dataclass(frozen=True, kw_only=True)
class Rated:
    """Something that has a rate, and the step that it is, if it was seen in the flow."""

    layer: str
    drop: Drop
    graph: Graph | None = None
    step: Step | None = None


@dataclass(frozen=True, kw_only=True)
class View:
    """A model as it was seen."""

    layers: Mapping[str, nn.Module] = field(default_factory=dict)  # every module, by its qualified name
    parameters: Mapping[str, Tensor] = field(default_factory=dict)  # as they are for the audit: copies
    flows: Sequence[Graph] = ()  # what flows in training, or as much of it as could be traced
    evaluation: Graph | None = None
    exported: bool = False
    frozen: frozenset[str] = frozenset()  # layers that stay in evaluation mode in training
    spread: float | None = None  # of two calls in evaluation
    random: tuple[Step, ...] = ()  # steps of evaluation that gave something else in a second call
    compiled: tuple[Step, ...] = ()  # calls of dropout in compiled submodules
    called: frozenset[int] = frozenset()  # ids of the modules that were called, if anybody watched
    outputs: tuple[Tensor, ...] = ()  # in training
    subject: Subject | None = None  # to measure with; in training mode
    decays: Sequence[Decay] | None = None  # what shrinks parameters; None if nobody said
    kinds: Mapping[str, str] = field(default_factory=dict)  # of parameters: weight, bias, normalisation, ...
    loss: str = ""  # its name

    def dropping(self) -> Iterator[tuple[Graph, Step, Drop]]:
        """Yield every step that drops units, with its graph: not those that drop weights, or have the rate 0."""
        for graph in self.flows:
            for step in graph.steps:
                if step.kind == "dropout" and step.drop and step.drop.rate > 0 and not step.constant:
                    yield graph, step, step.drop

    def rates(self) -> Iterator[Rated]:
        """Yield everything that has a rate, seen in the flow or not: each layer once, and each line."""
        seen: set[tuple[str, Site | None]] = set()
        for graph in self.flows:
            for step in graph.steps:
                if step.drop and step.place not in seen:
                    seen.add(step.place)
                    yield Rated(layer=step.layer, drop=step.drop, graph=graph, step=step)
        for name, module in self.layers.items():
            drop = drop_of_layer(module)
            if drop and (name, None) not in seen:
                yield Rated(layer=name, drop=drop)
