"""Tracing: a model's forward as a graph, by ``torch.fx``, and a clear word where that cannot be."""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn.parameter import is_lazy

from evenfit.errors import RegularizeError
from evenfit.regularize.dropout.droppers import is_dropper
from evenfit.regularize.proxies import ChangeableProxy

_SWITCHES = (type(None), bool, str)  # what a forward decides by
_NUMBERS = (int, float)
_WHOLE = (  # torch's layers, and theirs that others made of them
    nn.Linear,
    nn.Bilinear,
    nn.modules.conv._ConvNd,
    nn.RNNBase,
    nn.RNNCellBase,
    nn.MultiheadAttention,
    nn.modules.batchnorm._BatchNorm,
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Trace:
    """What a model's forward does, step by step."""

    model: nn.Module
    root: nn.Module  # the copy that was traced, with the constants that its forward made
    graph: fx.Graph
    fixed: Mapping[str, object]  # arguments that have their default in it
    switched: Mapping[fx.Node, fx.Node] = field(default_factory=dict)  # steps that are others in evaluation: those

    @property
    def modules(self) -> dict[str, nn.Module]:
        """The model's modules by name, shared ones by each of theirs."""
        return dict(self.model.named_modules(remove_duplicate=False))


def twin_of(model: nn.Module) -> nn.Module:
    """Copy a model's modules, but not its tensors: parameters and buffers are the same objects in both.

    Raises:
        RegularizeError: something in the model cannot be copied.
    """
    memo: dict[int, Any] = {}
    for module in model.modules():
        for value in (*vars(module).values(), *module._parameters.values(), *module._buffers.values()):
            if isinstance(value, Tensor):
                memo[id(value)] = value
    try:
        return copy.deepcopy(model, memo)
    except Exception as error:
        raise RegularizeError(f"{type(model).__name__} cannot be copied: {first_line(error)}") from error


def traced(model: nn.Module, *, given: Sequence[str] = ()) -> Trace:
    """Trace a model: in training mode, and in evaluation mode to see what the mode decides.

    Arguments that have a default of None, a truth value or a word keep it, and so, if need be, do those with a number;
    but not those named in ``given``.

    Raises:
        RegularizeError: the model has no forward, or one that cannot be traced; the message names the module.
    """
    check_model(model)
    names = _arguments(model)
    for name in given:
        if name not in names:
            raise RegularizeError(f"forward of {type(model).__name__} takes no {name!r}; it takes {', '.join(names)}")
    defaults = {name: one.default for name, one in names.items() if name not in given}
    switches = {name: value for name, value in defaults.items() if isinstance(value, _SWITCHES)}
    numbers = {name: value for name, value in defaults.items() if isinstance(value, (*_SWITCHES, *_NUMBERS))}
    try:
        return _both_modes(model, switches)
    except RegularizeError:
        if numbers == switches:
            raise
        return _both_modes(model, numbers)


def check_model(model: object) -> None:
    """Refuse what has no forward of its own to put dropout into.

    Raises:
        RegularizeError: it is no module, a container, compiled, replicated, or has parameters without a shape.
    """
    if not isinstance(model, nn.Module):
        raise RegularizeError(f"dropout is put into an nn.Module; got {type(model).__name__}")
    kind = type(model).__name__
    inner = {"DataParallel": "module", "DistributedDataParallel": "module", "OptimizedModule": "_orig_mod"}.get(kind)
    if inner is not None:
        raise RegularizeError(f"put dropout into the model before {kind} wraps it: into model.{inner}")
    if isinstance(model, torch.jit.ScriptModule):
        raise RegularizeError(f"{kind} is compiled by torch.jit: put dropout into the model before that")
    if isinstance(model, nn.ModuleList | nn.ModuleDict | nn.ParameterList | nn.ParameterDict):
        raise RegularizeError(f"{kind} has no forward: put dropout into the model that calls its parts")
    for name, parameter in model.named_parameters():
        if is_lazy(parameter):
            raise RegularizeError(f"{name} of {kind} has no shape yet: run the model on one batch first")
    for name, module in model.named_modules():
        if "forward" in vars(module):
            raise RegularizeError(
                f"{described(name, module)} has a forward that was set on the object: trace cannot see it"
            )


def described(name: str, module: nn.Module) -> str:
    """Name a module for a message."""
    return f"{name!r} ({type(module).__name__})" if name else type(module).__name__


def first_line(error: Exception) -> str:
    """Give the first line of an error's message, or what kind of error it is."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def _both_modes(model: nn.Module, fixed: Mapping[str, object]) -> Trace:
    """Trace a model in both modes, and compare."""
    (root, training), (_, evaluation) = (_graph_of(model, fixed, training=mode) for mode in (True, False))
    first, second = list(training.nodes), list(evaluation.nodes)
    switched: dict[fx.Node, fx.Node] = {}
    for one, other in zip(first, second, strict=False):
        if (one.op, one.target) != (other.op, other.target):
            _refuse_mode(model, one)
        if (repr(one.args), repr(one.kwargs)) != (repr(other.args), repr(other.kwargs)):
            switched[one] = other
    if len(first) != len(second):
        _refuse_mode(model, first[-1] if len(first) > len(second) else second[-1])
    return Trace(model=model, root=root, graph=training, fixed=fixed, switched=switched)


def _refuse_mode(model: nn.Module, node: fx.Node) -> None:
    name = place_of(node)
    raise RegularizeError(
        f"{described(name, model.get_submodule(name))} takes other steps in training than in evaluation (from "
        f"{node.name!r} on), so one trace cannot stand for both: put dropout into its parts instead"
    )


def place_of(node: fx.Node) -> str:
    """Give the name of the module in whose forward a step is, "" for the model itself."""
    stack = node.meta.get("nn_module_stack")
    return str(next(reversed(stack.values()))[0]) if stack else ""


def _graph_of(model: nn.Module, fixed: Mapping[str, object], *, training: bool) -> tuple[nn.Module, fx.Graph]:
    """Trace a model, all of whose modules are put in a mode for that: a copy's, so that nothing is left behind."""
    twin = twin_of(model).train(training)
    tracer = _Tracer()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what forward itself warns, and of constants
            graph = tracer.trace(twin, dict(fixed) or None)
    except Exception as error:
        name = tracer.failed
        module = model.get_submodule(name)
        advice = (
            "put dropout into parts that can be, such as model.part = er.with_dropout(model.part, ...), or build "
            "er.Dropout into its forward"
        )
        raise RegularizeError(f"{described(name, module)} cannot be traced ({first_line(error)}): {advice}") from error
    _check_fixed(graph, fixed)
    for node in graph.nodes:
        if node.op == "call_function" and str(getattr(node.target, "__module__", "")).startswith("torch"):
            node.meta.pop("is_wrapped", None)  # torch.fx writes a call for it that it cannot read again
    return twin, graph


def _check_fixed(graph: fx.Graph, fixed: Mapping[str, Any]) -> None:
    """Let a graph check that arguments have the values it was traced with, in words that a user understands."""
    inputs = graph.find_nodes(op="placeholder")
    for node in inputs:
        name = str(node.target).removesuffix("_1")
        if name not in fixed:
            continue
        node.target = name  # torch.fx numbers what is fixed, which would change the argument's name
        # a comparison, and the assertion of it
        for check in [one for user in node.users for one in (*user.users, user)]:
            graph.erase_node(check)
        with graph.inserting_after(inputs[-1]):
            graph.call_function(as_traced, (node, fixed[name], name))


def as_traced(value: object, fixed: object, name: str) -> object:
    """Check that an argument of a traced forward has the value that it was traced with.

    Raises:
        RegularizeError: it has another.

    Example:
        >>> as_traced(None, None, "mask")
    """
    if isinstance(value, fx.Proxy):
        return value.tracer.create_proxy("call_function", as_traced, (value, fixed, name), {})
    if value is not fixed and value != fixed:
        raise RegularizeError(
            f"dropout was put into this model for {name}={fixed!r}: to give another value, make it anew by "
            f"er.with_dropout(..., given=({name!r},))"
        )
    return None


def _arguments(model: nn.Module) -> dict[str, inspect.Parameter]:
    """Give the arguments of forward but the model itself."""
    parameters = list(inspect.signature(type(model).forward).parameters.items())
    return dict(parameters[1:])


class _Tracer(fx.Tracer):
    """Traces down to torch's layers and to what drops."""

    def __init__(self) -> None:
        super().__init__(autowrap_modules=(torch.nn.utils.rnn,))
        self.failed = ""  # the innermost module whose forward raised
        self._raised: Exception | None = None

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether a module is one step."""
        return isinstance(m, _WHOLE) or is_dropper(m) or super().is_leaf_module(m, module_qualified_name)

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Trace a call, and remember where it failed."""
        try:
            return super().call_module(m, forward, args, kwargs)
        except Exception as error:
            name = (self.submodule_paths or {}).get(m)
            if self._raised is not error and name is not None:
                self._raised, self.failed = error, name
            raise

    def proxy(self, node: fx.Node) -> fx.Proxy:
        """Give a proxy that shows changes in place."""
        return ChangeableProxy(node, self)
