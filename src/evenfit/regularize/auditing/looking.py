"""Looking: the ways in which a model is seen: run on a sample, traced, or read as what was exported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import fx, nn
from torch.export import ExportedProgram

from evenfit.errors import RegularizeError
from evenfit.regularize.auditing.borrowing import borrowed, plain
from evenfit.regularize.auditing.exported import graph_of_module, graph_of_program, random_nodes, script_drops
from evenfit.regularize.auditing.graph import Graph, Step
from evenfit.regularize.auditing.kinds import is_random
from evenfit.regularize.auditing.measuring import SEED, random_steps, spread
from evenfit.regularize.auditing.samples import sample_for
from evenfit.regularize.auditing.subject import Subject, quiet, set_mode
from evenfit.regularize.auditing.tracing import traced
from evenfit.regularize.auditing.view import View

_FAILED = 3  # modules that could not be traced, and are named
_UNMEASURED = "whatever must be measured, for lack of a sample: variance shift, random outputs, ranks of inputs"


@dataclass(frozen=True, kw_only=True)
class Look:
    """A model as it was seen, and how."""

    view: View
    way: str  # "run", "trace", "parts" or "export"
    looked: str  # the same in words
    unseen: Sequence[str] = ()  # what could not be seen, and why


def look_at(module: nn.Module, sample: Any, view: View, *, names: Mapping[int, str]) -> Look:
    """Look at a borrowed model, in the way that it and the sample allow.

    Args:
        module: in the mode in which it was given; it ends in training mode, to be measured.
        sample: None if there is none.
        view: what is known already.
        names: of parameters and buffers, by id.
    """
    if isinstance(module, torch.jit.ScriptModule):
        return _compiled(module, sample, view)
    if module.training and not set_mode(module, training=False):
        return _exported(module, sample, view, names=names)
    if sample is None:
        return _traced(module, view)
    return _run(module, sample, view, names=names)


def look_at_program(program: ExportedProgram, sample: Any, view: View) -> Look:
    """Look at an exported program."""
    graph = graph_of_program(program)
    random = tuple(graph.steps[number] for number in random_nodes(program.graph) if graph.steps[number].drop is None)
    view = replace(
        view,
        parameters=dict(program.state_dict),
        flows=(graph,),
        evaluation=graph,
        exported=True,
        random=random,
    )
    if sample is None:
        return Look(view=view, way="export", looked="the exported graph", unseen=[_UNMEASURED])
    module = program.module()
    with borrowed(module, seed=SEED) as names:
        return _twice(module, sample, view, names=names)


def _run(module: nn.Module, sample: Any, view: View, *, names: Mapping[int, str]) -> Look:
    """Look at a model while it runs: twice in evaluation, then in training."""
    subject = Subject(
        model=module,
        sample=sample_for(module, sample),
        modules={id(each): plain(name) for name, each in module.named_modules()},
        parameters=names,
    )
    first, second = subject.record(), subject.record()
    view = replace(
        view,
        flows=(first.graph,),
        evaluation=first.graph,
        spread=spread(first.outputs, second.outputs),
        random=tuple(first.graph.steps[number] for number in random_steps(first, second)),
        compiled=_compiled_parts(module),
        called=first.called | second.called,
        outputs=first.outputs,
    )
    looked = f"run on {subject.sample}, twice in evaluation"
    if not set_mode(module, training=True):
        return Look(view=view, way="run", looked=looked, unseen=["training: the model cannot be switched to it"])
    view = replace(view, frozen=_frozen(module))
    try:
        training = subject.record()
    except RegularizeError as error:
        return Look(view=view, way="run", looked=looked, unseen=[f"training, which failed: {error}"])
    view = replace(
        view, flows=(training.graph,), called=view.called | training.called, outputs=training.outputs, subject=subject
    )
    looked += " and once in training"
    if any(each.device.type == "meta" for each in training.outputs):
        unseen = ["whatever must be measured: the model is on the device meta, without values"]
        return Look(view=replace(view, subject=None), way="run", looked=looked, unseen=unseen)
    return Look(view=view, way="run", looked=looked)


def _traced(module: nn.Module, view: View) -> Look:
    """Look at a model without a sample."""
    with quiet(), torch.no_grad():
        evaluated, _ = traced(module)
        set_mode(module, training=True)
        graphs, failed = traced(module)
    seen = Graph(tuple(step for graph in evaluated for step in graph.steps))  # what flows between parts is not known
    view = replace(
        view,
        flows=tuple(graphs),
        evaluation=seen,
        frozen=_frozen(module),
        random=tuple(step for step in seen.steps if is_random(step.name)),
    )
    unseen = [_UNMEASURED, *(f"the order of the layers in {each}" for each in failed[:_FAILED])]
    if len(failed) > _FAILED:
        unseen.append(f"nor that in {len(failed) - _FAILED} other modules")
    if not failed:
        return Look(view=view, way="trace", looked="traced by torch.fx, without a sample", unseen=unseen)
    looked = f"{len(graphs)} of its parts traced by torch.fx" if graphs else "its layers, in no order"
    return Look(view=view, way="parts", looked=looked, unseen=unseen)


def _exported(module: nn.Module, sample: Any, view: View, *, names: Mapping[int, str]) -> Look:
    """Look at what ``ExportedProgram.module()`` gave, which has one mode."""
    if not isinstance(module, fx.GraphModule):
        raise RegularizeError(f"{type(module).__name__} cannot be switched to evaluation: call its eval() first")
    graph = graph_of_module(module)
    view = replace(view, flows=(graph,), evaluation=graph, exported=True)
    if sample is None:
        return Look(view=view, way="export", looked="the exported graph", unseen=[_UNMEASURED])
    return _twice(module, sample, view, names=names)


def _compiled(module: torch.jit.ScriptModule, sample: Any, view: View) -> Look:
    """Look at a compiled module."""
    if module.training:
        set_mode(module, training=False)
    view = replace(view, evaluation=Graph(tuple(script_drops(module))), exported=True)
    order = "the order of the layers, which is compiled"
    if sample is None:
        unseen = [_UNMEASURED, order]
        return Look(view=view, way="export", looked="the compiled graph's calls of dropout", unseen=unseen)
    found = _twice(module, sample, view, names={})
    return replace(found, looked=found.looked.replace("exported", "compiled"), unseen=[order])


def _twice(module: nn.Module, sample: Any, view: View, *, names: Mapping[int, str]) -> Look:
    """Run what was exported twice."""
    subject = Subject(model=module, sample=sample_for(module, sample), modules={}, parameters=names)
    first, second = subject.call(), subject.call()
    view = replace(view, spread=spread(first, second), outputs=first)
    return Look(view=view, way="export", looked=f"the exported graph, run twice on {subject.sample}")


def _frozen(module: nn.Module) -> frozenset[str]:
    """Give the layers that stay in evaluation mode when a model trains."""
    return frozenset(plain(name) for name, each in module.named_modules() if not each.training)


def _compiled_parts(module: nn.Module) -> tuple[Step, ...]:
    """Give the calls of dropout in the outermost compiled submodules."""
    found: list[Step] = []
    inside: set[int] = set()
    for name, each in module.named_modules():
        if isinstance(each, torch.jit.ScriptModule) and id(each) not in inside:
            inside.update(id(part) for part in each.modules())
            found += script_drops(each, prefix=name)
    return tuple(found)
