"""Exported networks: their graphs, read from what torch.export, torch.jit.trace and torch.jit.script have kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import fx
from torch.export import ExportedProgram

from evenfit.regularize.auditing.drops import Drop
from evenfit.regularize.auditing.graph import Graph, Step
from evenfit.regularize.auditing.sites import site_of_trace
from evenfit.regularize.auditing.tracing import function_step, graph_of_nodes

_SCRIPT_DROPS = {
    "aten::dropout": "unit",
    "aten::dropout_": "unit",
    "aten::native_dropout": "unit",
    "aten::alpha_dropout": "unit",
    "aten::feature_dropout": "map",
    "aten::feature_alpha_dropout": "map",
}


def graph_of_program(program: ExportedProgram) -> Graph:
    """Give the graph of an exported program."""
    signature = program.graph_signature
    names = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
    ranks = {name: each.dim() for name, each in program.state_dict.items()}
    ranks |= {name: each.dim() for name, each in program.constants.items() if isinstance(each, torch.Tensor)}
    constants = set(signature.inputs_to_lifted_tensor_constants)
    return _graph(program.graph, names, constants, ranks)


def graph_of_module(module: fx.GraphModule) -> Graph:
    """Give the graph of what ``ExportedProgram.module()`` gave."""
    held = dict(module.named_parameters()) | dict(module.named_buffers())
    return _graph(module.graph, {}, set(), {name: each.dim() for name, each in held.items()})


def _graph(graph: fx.Graph, names: dict[str, str], constants: set[str], ranks: dict[str, int]) -> Graph:
    def is_given(node: fx.Node) -> bool:
        return node.op == "placeholder" and node.name not in names and node.name not in constants

    def read(node: fx.Node, inputs: tuple[Step, ...], number: int) -> Step:
        if node.op in ("placeholder", "get_attr"):
            name = names.get(node.name, str(node.target))
            known = (name,) if name in ranks else ()
            return Step(
                number=number, kind="constant", name=name, path="", is_layer=False, constant=True, parameters=known
            )
        stack = list((node.meta.get("nn_module_stack") or {}).values())
        path, kind = stack[-1] if stack else ("", "")
        function = node.target if callable(node.target) else None
        step = function_step(
            node,
            function,
            inputs,
            number=number,
            path=path,
            module=None,
            rank_of=lambda each: ranks.get(each, 0),
            site=site_of_trace(node.meta.get("stack_trace") or ""),
        )
        return _named(step, str(kind) if isinstance(kind, str) else f"{kind.__module__}.{kind.__name__}")

    return graph_of_nodes(graph.nodes, read, is_given=is_given)


def _named(step: Step, kind: str) -> Step:
    """Say of a step in a forward of torch's own that it is that layer."""
    if not kind.startswith(("torch.nn.modules.", "evenfit.regularize.dropout.")):
        return step
    return replace(step, is_layer=True, name=kind.rpartition(".")[2])


def random_nodes(graph: fx.Graph) -> list[int]:
    """Give the numbers of the steps that draw random numbers, those of dropout that is switched off among them."""
    tag = torch.Tag.nondeterministic_seeded
    return [number for number, node in enumerate(graph.nodes) if tag in getattr(node.target, "tags", ())]


def script_drops(module: torch.jit.ScriptModule, *, prefix: str = "") -> list[Step]:
    """Give the calls of dropout in a compiled module, each with whether it drops as the module stands."""
    graph: Any = module.inlined_graph  # its nodes live no longer than this
    found: dict[tuple[str, str], Step] = {}
    for kind, unit in _SCRIPT_DROPS.items():
        for node in graph.findAllNodes(kind, recurse=True):
            rate, switch = list(node.inputs())[1:3]
            owner, training = _attribute(switch.node(), module)
            on = switch.toIValue() if switch.node().kind() == "prim::Constant" else training
            path = node.scopeName().rpartition("/")[2].removeprefix("__module").strip(".") or owner
            if not isinstance(rate.toIValue(), float) or on is None:
                continue
            drop = Drop(rate=rate.toIValue(), active=bool(on) and rate.toIValue() > 0, unit=unit, alpha="alpha" in kind)
            lines = node.sourceRange()
            found[path, lines] = Step(
                number=0,
                kind="dropout",
                name=kind.partition("::")[2].rstrip("_"),
                path=f"{prefix}.{path}".strip("."),
                is_layer=bool(path),
                drop=drop,
                site=site_of_trace(lines),
            )
    return [replace(step, number=number) for number, step in enumerate(found.values())]


def _attribute(node: Any, module: Any) -> tuple[str, Any]:
    """Follow a chain of attributes to the module that has the last, and to its value."""
    names: list[str] = []
    while node.kind() == "prim::GetAttr":
        names.insert(0, node.s("name"))
        node = next(iter(node.inputs())).node()
    if not names:
        return "", None
    for name in names[:-1]:
        module = getattr(module, name)
    return ".".join(names[:-1]), getattr(module, names[-1], None)
