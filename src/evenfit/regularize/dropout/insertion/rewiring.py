"""Rewiring: a model of the same class and names whose forward is the traced one, with dropout in it."""

from __future__ import annotations

import copy
import linecache
from collections.abc import Mapping
from importlib import import_module
from itertools import count
from types import ModuleType
from typing import Any

from torch import Tensor, fx, nn

from evenfit.errors import RegularizeError
from evenfit.regularize.dropout.insertion.tracing import Trace, described, place_of

_NUMBERS = count()
_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


def layer_names(trace: Trace, nodes: list[fx.Node]) -> dict[fx.Node, str]:
    """Give names to layers that follow steps: beside the step's own module, but never inside of a list of modules."""
    names: dict[fx.Node, str] = {}
    for node in nodes:
        inside = place_of(node)
        base = str(node.target) if node.op == "call_module" else f"{inside}.{node.name}" if inside else node.name
        parts, depth = base.split("."), base.count(".")
        while depth and isinstance(trace.model.get_submodule(".".join(parts[:depth])), _CONTAINERS):
            depth -= 1
        parent = trace.model.get_submodule(".".join(parts[:depth]))
        last, number = f"{'_'.join(parts[depth:])}_dropout", 2
        name = ".".join([*parts[:depth], last])
        while hasattr(parent, name.rpartition(".")[2]) or name in names.values():
            name, number = ".".join([*parts[:depth], f"{last}_{number}"]), number + 1
        names[node] = name
    return names


def insert(graph: fx.Graph, names: Mapping[fx.Node, str]) -> None:
    """Put calls of layers after steps of a graph, in place."""
    inputs = graph.find_nodes(op="placeholder")
    for node, name in names.items():
        with graph.inserting_after(inputs[-1] if node.op == "placeholder" else node):
            call = graph.create_node("call_module", name, (node,), {})
        for user in list(node.users):
            if user is not call:
                user.replace_input_with(node, call)


def ask_for_modes(trace: Trace) -> None:
    """Let steps that take other constants in training than in evaluation ask for the mode, in place."""
    for node, other in trace.switched.items():
        name = place_of(node)

        def merged(one: Any, two: Any, node: fx.Node = node, name: str = name) -> Any:
            if repr(one) == repr(two):
                return one
            if isinstance(one, tuple | list) and isinstance(two, tuple | list) and len(one) == len(two):
                return type(one)([merged(*pair) for pair in zip(one, two, strict=True)])
            if isinstance(one, fx.Node) or isinstance(two, fx.Node):
                raise RegularizeError(
                    f"{described(name, trace.model.get_submodule(name))} computes other things in training than in "
                    f"evaluation (at {node.name!r}): put dropout into its parts instead"
                )
            with trace.graph.inserting_before(node):
                mode = trace.graph.create_node("get_attr", f"{name}.training".lstrip("."))
                return trace.graph.call_function(in_mode, (mode, one, two))

        node.args = merged(node.args, other.args)
        node.kwargs = {key: merged(value, other.kwargs[key]) for key, value in node.kwargs.items()}


def in_mode(training: bool, in_training: object, in_evaluation: object) -> object:  # noqa: FBT001 - called by position
    """Give one of two constants, as the module's mode says.

    Example:
        >>> in_mode(False, 0.5, 0.0)
        0.0
    """
    return in_training if training else in_evaluation


def rewired(model: nn.Module, trace: Trace) -> nn.Module:
    """Give a model, which is changed, the forward that a graph describes.

    Its class becomes one made from its own; it can be copied, pickled and traced as any other.

    Raises:
        RegularizeError: hooks, which the steps of a trace would not call, are registered on a module inside.
    """
    leaves = {str(node.target) for node in trace.graph.find_nodes(op="call_module")}
    for name, module in model.named_modules():
        inlined = name and not any(f"{name}.".startswith(f"{leaf}.") for leaf in leaves)
        if inlined and (module._forward_hooks or module._forward_pre_hooks):
            raise RegularizeError(
                f"{described(name, module)} has forward hooks, which the steps of a trace would not call: "
                "register them on layers, or after dropout is put in"
            )
    for node in trace.graph.find_nodes(op="get_attr"):
        constant = getattr(trace.root, str(node.target), None)
        if isinstance(constant, Tensor) and not hasattr(model, str(node.target)):
            model.register_buffer(str(node.target), constant, persistent=False)  # made by forward itself
    if isinstance(model, fx.GraphModule):
        return fx.GraphModule(model, trace.graph, class_name=type(model).__name__)
    code = trace.graph.python_code("self")
    model.__class__ = _class_of(type(model), code.src, code.globals)
    return model


def _class_of(base: type[nn.Module], source: str, names: Mapping[str, Any]) -> type[nn.Module]:
    """Make a class like another, with a forward given as source."""
    file = f"<{base.__name__} with dropout {next(_NUMBERS)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)  # for tracebacks
    space: dict[str, Any] = dict(names)
    exec(compile(source, file, "exec"), space)  # noqa: S102 - written by torch.fx, of the user's own forward

    def reduced(self: nn.Module, protocol: object) -> Any:  # noqa: ARG001 - pickle calls it so
        modules = {name: one.__name__ for name, one in names.items() if isinstance(one, ModuleType)}
        others = {name: one for name, one in names.items() if name not in modules}
        return _restored, (base, source, modules, others), dict(vars(self))

    def copied(self: nn.Module, memo: dict[int, Any]) -> nn.Module:
        twin = type(self).__new__(type(self))
        memo[id(self)] = twin
        vars(twin).update(copy.deepcopy(vars(self), memo))
        return twin

    own = {"forward": space["forward"], "__reduce_ex__": reduced, "__deepcopy__": copied}
    return type(base.__name__, (base,), {"__module__": base.__module__, "__doc__": base.__doc__, **own})


def _restored(base: type[nn.Module], source: str, modules: Mapping[str, str], others: Mapping[str, Any]) -> nn.Module:
    """Make an empty model of a class that was pickled."""
    names = {name: import_module(module) for name, module in modules.items()} | dict(others)
    kind = _class_of(base, source, names)
    return kind.__new__(kind)
