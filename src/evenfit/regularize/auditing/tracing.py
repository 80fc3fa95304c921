"""Tracing: a network as a graph without a sample, by torch.fx; of a forward that cannot be traced, its parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor, fx, nn

from evenfit.regularize.auditing.drops import drop_of_call, drop_of_layer
from evenfit.regularize.auditing.graph import Graph, Step
from evenfit.regularize.auditing.kinds import kind_of_layer
from evenfit.regularize.auditing.recording import class_name, kind_of_call, refined, stray_path
from evenfit.regularize.auditing.sites import Site, site_of_caller, site_of_error
from evenfit.regularize.dropout.modules import DropConnect, DropoutLayer


class _Tracer(fx.Tracer):
    """Traces down to torch's layers and evenfit's, and notes the line of every step."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(param_shapes_constant=True)
        self.registered = {id(module): name for name, module in model.named_modules()}
        self.strays: dict[str, nn.Module] = {}  # modules that are called without being registered

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether a module is one step."""
        del module_qualified_name
        return is_leaf(m)

    def call_module(self, m: nn.Module, forward: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Call a module, also one that is not registered."""
        if id(m) in self.registered:
            return super().call_module(m, forward, args, kwargs)
        parent = next(reversed(self.module_stack.values()))[0] if self.module_stack else ""
        path = stray_path(m, parent, self.root.get_submodule(parent) if parent not in self.strays else None)
        self.strays[path] = m
        self.module_stack[path] = (path, type(m))
        try:
            return forward(*args, **kwargs)
        finally:
            del self.module_stack[path]

    def create_node(self, *args: Any, **kwargs: Any) -> fx.Node:
        """Make a node that knows its line and whose forward it is in."""
        node = super().create_node(*args, **kwargs)
        node.meta["site"] = site_of_caller()
        node.meta["inside"] = next(reversed(self.module_stack.values()))[0] if self.module_stack else ""
        return node


def is_leaf(module: nn.Module) -> bool:
    """Whether a module's forward is torch's or evenfit's own."""
    home = type(module).forward.__module__ or ""  # code that torch.fx has written has none
    return isinstance(module, DropoutLayer) or (home.startswith("torch.nn") and not isinstance(module, nn.Sequential))


def traced(model: nn.Module, *, prefix: str = "") -> tuple[list[Graph], list[str]]:
    """Give the graphs of a model, and the modules whose forwards could not be traced, with the reasons."""
    name = prefix or type(model).__name__
    if isinstance(model, nn.ModuleList | nn.ModuleDict):
        return _parts(model, prefix)
    if is_leaf(model):
        return [], [f"{name}, torch's own"]
    tracer = _Tracer(model)
    try:
        nodes = tracer.trace(model).nodes
    except Exception as error:  # noqa: BLE001 - whatever a user's forward does with what is no tensor
        site = site_of_error(error)
        reason = " ".join(str(error).split())
        graphs, failed = _parts(model, prefix)
        return graphs, [f"{name}{f' at {site}' if site else ''}: {reason[:120]}", *failed]
    return [replace(_graph(nodes, model, tracer.strays, prefix), whole=not prefix)], []


def _parts(model: nn.Module, prefix: str) -> tuple[list[Graph], list[str]]:
    """Trace the children of a model that have a forward of the user's."""
    graphs: list[Graph] = []
    failed: list[str] = []
    for name, child in model.named_children():
        if isinstance(child, nn.ModuleList | nn.ModuleDict) or not is_leaf(child):
            more, reasons = traced(child, prefix=f"{prefix}.{name}".lstrip("."))
            graphs += more
            failed += reasons
    return graphs, failed


def _graph(nodes: Any, model: nn.Module, strays: Mapping[str, nn.Module], prefix: str) -> Graph:
    parameters = dict(model.named_parameters()) | dict(model.named_buffers())
    modules = {**dict(model.named_modules()), **strays}

    def own(path: str) -> str:
        return f"{prefix}.{path}".strip(".")

    def read(node: fx.Node, inputs: tuple[Step, ...], number: int) -> Step:
        if node.op == "call_module":
            return _layer(modules[str(node.target)], own(str(node.target)), inputs, number, node.meta.get("site"))
        if node.op == "get_attr":
            name = str(node.target)
            known = (own(name),) if name in parameters else ()
            return Step(
                number=number, kind="constant", name=name, path=own(""), is_layer=False, constant=True, parameters=known
            )
        inside = node.meta.get("inside", "")
        function = node.target if callable(node.target) else None
        return function_step(
            node,
            function,
            inputs,
            number=number,
            path=own(inside),
            module=modules.get(inside),
            rank_of=lambda name: parameters[name.removeprefix(f"{prefix}.") if prefix else name].dim(),
            site=node.meta.get("site"),
        )

    return graph_of_nodes(nodes, read)


def graph_of_nodes(
    nodes: Any,
    read: Callable[[fx.Node, tuple[Step, ...], int], Step],
    *,
    is_given: Callable[[fx.Node], bool] = lambda node: node.op == "placeholder",
) -> Graph:
    """Give a graph from nodes of torch.fx; ``is_given`` tells the network's inputs from its parameters."""
    steps: list[Step] = []
    numbers: dict[fx.Node, int] = {}
    outputs: tuple[int, ...] = ()
    for node in nodes:
        inputs = tuple(steps[numbers[each]] for each in node.all_input_nodes if each in numbers)
        if node.op == "output":
            outputs = tuple(each.number for each in inputs)
            continue
        if is_given(node):
            step = Step(number=len(steps), kind="input", name=str(node.target), path="", is_layer=False)
        else:
            step = read(node, inputs, len(steps))
        numbers[node] = step.number
        steps.append(step)
    return Graph(tuple(steps), outputs)


def function_step(
    node: fx.Node,
    function: Callable[..., Any] | None,
    inputs: tuple[Step, ...],
    *,
    number: int,
    path: str,
    module: nn.Module | None,
    rank_of: Callable[[str], int],
    site: Site | None,
) -> Step:
    """Give the step of a node that calls a function or a method."""
    name = str(node.target) if function is None else getattr(function, "__name__", str(function))
    drop = None if function is None else drop_of_call(function, node.args, node.kwargs)
    flowing = [each for each in inputs if not each.constant]
    known = tuple(dict.fromkeys(each for step in inputs if step.constant for each in step.parameters))
    direct = [each.parameters[0] for each in inputs if each.kind == "constant" and each.parameters]
    kind = kind_of_call(name, drop)
    is_layer = module is not None and kind != "other" and kind_of_layer(module) == kind
    home = getattr(function, "__module__", "") or ""
    title = f"F.{name}" if home == "torch.nn.functional" else name.partition(".")[0]
    return Step(
        number=number,
        kind=refined(kind, operands=len(flowing), weighted=bool(known)),
        name=class_name(module) if module is not None and is_layer else title,
        path=path,
        is_layer=is_layer,
        module=module,
        training=module is not None and module.training,
        inputs=tuple(each.number for each in inputs),
        constant=not flowing,
        parameters=known,
        weight=next((each for each in direct if rank_of(each) > 1), None),
        bias=next((each for each in direct if rank_of(each) == 1), None),
        drop=drop,
        site=site,
    )


def _layer(module: nn.Module, path: str, inputs: tuple[Step, ...], number: int, site: Site | None) -> Step:
    """Give the step of a layer that is one node."""
    inner = module.layer if isinstance(module, DropConnect) else module
    drop = drop_of_layer(module)
    within = path if inner is module else f"{path}.layer"
    own: Mapping[str, Tensor] = dict(inner.named_parameters())
    kind = kind_of_layer(inner)
    if kind == "other" and own:
        kind = "opaque"
    return Step(
        number=number,
        kind=kind,
        name=class_name(module),
        path=path,
        is_layer=True,
        module=module,
        training=module.training,
        inputs=tuple(each.number for each in inputs),
        constant=bool(inputs) and all(each.constant for each in inputs),
        parameters=tuple(f"{within}.{name}" for name in own),
        weight=f"{within}.weight" if "weight" in own and own["weight"].dim() > 1 else None,
        bias=f"{within}.bias" if "bias" in own and own["bias"].dim() == 1 else None,
        drop=drop,
        site=site,
    )
