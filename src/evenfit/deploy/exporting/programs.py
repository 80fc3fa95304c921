"""Programs: what ``torch.export`` makes of a module, without dropout, and with nothing that draws numbers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.export import ExportedProgram

from evenfit.errors import ExportError

_ATEN = torch.ops.aten


def trace(
    module: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any], *, dynamic_shapes: Any
) -> ExportedProgram:
    """Trace a module that is in evaluation mode, and take out the dropout that does nothing there.

    The sample and the paths of source files are not kept: an exported file tells of neither.

    Raises:
        ExportError: the module cannot be traced, or drops or draws in evaluation mode too.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, about its own parts
        try:
            program: ExportedProgram = torch.export.export(module, args, dict(kwargs), dynamic_shapes=dynamic_shapes)
            if any(node.target in _DECOMPOSITIONS for node in _nodes(program)):
                program = program.run_decompositions(_DECOMPOSITIONS)
        except Exception as error:
            raise ExportError(f"{type(module).__name__} cannot be traced: {_first(error)}") from error
    program.example_inputs = None
    for node in _nodes(program):
        node.meta.pop("stack_trace", None)
    check_program(program)
    return program


def save(program: ExportedProgram, path: Path, *, facts: Mapping[str, str] = MappingProxyType({})) -> None:
    """Write a program; facts become files of their own inside it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own: of empty tensors that share no memory, for one
        torch.export.save(program, path, extra_files=dict(facts))


def load(path: Path) -> nn.Module:
    """Load a program that was written, ready to be called."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module: nn.Module = torch.export.load(path).module()
        return module


def check_program(program: ExportedProgram) -> str:
    """Look through a program, branches included; give what was found, in words.

    Raises:
        ExportError: an operator drops or draws; it names it, and the layer that calls it.
    """
    calls = [node for node in _nodes(program) if node.op == "call_function"]
    for node in calls:
        if _draws(node):
            where = _layer(node)
            raise ExportError(
                f"the program must be without dropout and chance, and has {node.target}"
                f"{f' in {where}' if where else ''}: it drops or draws in evaluation mode too; "
                "for functional dropout pass training=self.training"
            )
    return f"{len(calls):,} nodes, none of which drops or draws"


def _draws(node: fx.Node) -> bool:
    """Whether a call draws numbers: torch marks the operators that can, and arguments say whether they do."""
    target = node.target
    if not isinstance(target, torch._ops.OpOverload) or torch.Tag.nondeterministic_seeded not in target.tags:
        return False
    given = {argument.name: argument.default_value for argument in target._schema.arguments}
    given |= dict(zip(given, node.args, strict=False)) | dict(node.kwargs)
    switched_off = any(given.get(name) is False for name in ("train", "training"))
    return not (switched_off or given.get("dropout_p") == 0)


def _layer(node: fx.Node) -> str:
    """Name the layer that a call is in; empty where it is the module's own."""
    stack = [path for path, _ in (node.meta.get("nn_module_stack") or {}).values()]
    return str(stack[-1]).removeprefix("L['self'].") if stack and stack[-1] else ""


def _nodes(program: ExportedProgram) -> list[fx.Node]:
    graphs = [part.graph for part in program.graph_module.modules() if isinstance(part, fx.GraphModule)]
    return [node for graph in graphs for node in graph.nodes]


def _without_dropout(x: Tensor, p: float, train: bool) -> Any:  # noqa: FBT001 - torch calls by position
    del p
    return NotImplemented if train else x.clone()


def _without_chance(
    x: Tensor,
    lower: float = 0.125,
    upper: float = 1 / 3,
    training: bool = False,  # noqa: FBT001, FBT002 - torch calls by position
    generator: Any = None,
) -> Any:
    """A randomised leaky ReLU in evaluation mode: its mean slope."""
    del generator
    return NotImplemented if training else torch.nn.functional.leaky_relu(x, (lower + upper) / 2)


_DECOMPOSITIONS: dict[Any, Callable[..., Any]] = {
    **dict.fromkeys(
        (
            _ATEN.dropout.default,
            _ATEN.feature_dropout.default,
            _ATEN.alpha_dropout.default,
            _ATEN.feature_alpha_dropout.default,
        ),
        _without_dropout,
    ),
    _ATEN.rrelu.default: _without_chance,
}


def _first(error: Exception) -> str:
    """What torch says, in one line: its first, and the first reason in the list below."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    reasons = [line.removeprefix("- ") for line in lines[1:] if line.startswith("- ")]
    return " ".join([*lines[:1], *reasons[:1]])[:400] or type(error).__name__
