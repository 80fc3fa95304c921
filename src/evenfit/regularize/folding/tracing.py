"""Tracing: the graph of a model's forward, in evaluation mode, by ``torch.fx``."""

from __future__ import annotations

import inspect
import math
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import fx, nn
from torch.nn.utils import rnn

from evenfit.errors import FoldError, RegularizeError
from evenfit.regularize.folding.checks import checked_value
from evenfit.regularize.folding.layers import described, holds_original, is_dropout
from evenfit.regularize.folding.sketch import sketched
from evenfit.regularize.proxies import ChangeableProxy

Arguments = Mapping[str, object]  # arguments of forward, by name, that are constants in a trace
CONSTANTS = (type(None), bool, int, float, str)


@dataclass(frozen=True, kw_only=True)
class Trace:
    """What a model's forward does, called in one way."""

    root: nn.Module  # the sketch that was traced
    graph: fx.Graph
    called: str  # how, for messages; "" for the first way
    fixed: frozenset[str] = frozenset()  # the arguments that have one value

    def module(self, name: str) -> nn.Module:
        """Give a module by its name."""
        return self.root.get_submodule(name)

    def attribute(self, name: str) -> object:
        """Give a parameter, a buffer or a constant by its name."""
        path, _, last = name.rpartition(".")
        return getattr(self.root.get_submodule(path), last)

    def use(self, node: fx.Node) -> str:
        """Say for a message which step of which call of the model a node is."""
        way = f" when the model is called with {self.called} (concrete_args can rule that out)" if self.called else ""
        return f"{self.place(node)}{way}"

    def place(self, node: fx.Node) -> str:
        """Say for a message which step of the model a node is."""
        if node.op == "call_module":
            return described(str(node.target), self.module(str(node.target)))
        path = next((path for path, _ in reversed(node.meta.get("nn_module_stack", {}).values())), "")
        spelt = node.args[1] if node.target is getattr else node.target
        return f"{getattr(spelt, '__name__', spelt)} in the forward of {described(path, self.root.get_submodule(path))}"


def traces(model: nn.Module, *, concrete_args: Arguments, given: frozenset[str] = frozenset()) -> Iterator[Trace]:
    """Trace a model's forward: with every default in force first, then with each argument given that has one.

    A flag is turned over; any other argument that has a default is left open. What ``concrete_args`` names is
    constant in every trace; what a sample has ``given`` is open in the first and has its default in another. A
    submodule that cannot be traced is one step of the graph, unless dropout of the original form is inside.

    Yields nothing if the model cannot be traced and has no dropout of the original form.

    Raises:
        FoldError: a module with dropout of the original form inside cannot be traced.
    """
    defaults = _defaults(model)
    for name in concrete_args:
        if name not in _arguments(model):
            raise FoldError(f"concrete_args names {name!r}, which forward of {described('', model)} does not take")
    constant = {name: value for name, value in defaults.items() if isinstance(value, CONSTANTS)}
    always = {name: value for name, value in constant.items() if name not in given} | {**concrete_args}
    needed = holds_original(model)
    first = _traced(model, always, called="", needed=needed)
    if first is None:
        return
    yield first
    if not needed:
        return  # nothing will be scaled, whatever the arguments
    for name, value in constant.items():
        if name in concrete_args:
            continue
        ways = {other: one for other, one in always.items() if other != name}
        if name in given or isinstance(value, bool):
            ways[name] = value if name in given else not value
        called = f"{name}={ways[name]}" if name in ways else f"{name} given"
        other_way = _traced(model, ways, called=called, needed=True)
        if other_way is not None:
            yield other_way


def _traced(model: nn.Module, constants: Arguments, *, called: str, needed: bool) -> Trace | None:
    """Trace a model called in one way; what cannot be traced inside becomes one step."""
    whole: set[str] = set()
    while True:
        sketch = sketched(model)
        tracer = FoldingTracer(whole)
        try:
            graph = _graph(tracer, sketch, constants)
        except Exception as error:
            if called and isinstance(error, RegularizeError | NotImplementedError):
                return None  # the model says itself that it cannot be called so
            name = tracer.failed
            if name and not holds_original(model.get_submodule(name)):
                whole.add(name)
                continue
            if needed:
                raise _untraceable(name, model.get_submodule(name), error, called) from error
            return None
        return Trace(root=sketch, graph=graph, called=called, fixed=frozenset(constants))


def _graph(tracer: FoldingTracer, sketch: nn.Module, constants: Arguments) -> fx.Graph:
    """Trace a sketch, with the caller's random numbers left as they are."""
    if "forward" in vars(sketch):
        raise TypeError("its forward was replaced on the instance, or wrapped by torch.compile")
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]), torch.enable_grad():
        warnings.simplefilter("ignore")  # of constants that cannot be asserted; of what forward itself warns
        graph = tracer.trace(sketch, {**constants} or None)
    for node in graph.find_nodes(op="placeholder"):
        name = str(node.target).removesuffix("_1")
        if name in constants:
            node.target = name  # torch.fx numbers constants, which would change the name of the argument
    return graph


def _untraceable(name: str, module: nn.Module, error: Exception, called: str) -> FoldError:
    """Say which module cannot be traced, why, and what to do."""
    what = f"cannot fold dropout: {described(name, module)} cannot be traced"
    reason = (str(error).splitlines() or [type(error).__name__])[0].split(". ")[0]
    if called:
        return FoldError(
            f"{what} with {called} ({reason}); if the model is never called so, say in concrete_args which value that "
            f"argument always has"
        )
    return FoldError(
        f"{what} ({reason}), and has dropout of the original form inside; use the inverted form there, or take what "
        f"depends on data out of its forward"
    )


def _defaults(model: nn.Module) -> dict[str, object]:
    """Give the arguments of forward that have a default."""
    return {name: one.default for name, one in _arguments(model).items() if one.default is not inspect.Parameter.empty}


def _arguments(model: nn.Module) -> Mapping[str, inspect.Parameter]:
    """Give the arguments of forward; none for a forward that is not Python's."""
    forward = getattr(type(model), "forward", None)
    return inspect.signature(forward).parameters if inspect.isfunction(forward) else {}


class FoldingTracer(fx.Tracer):
    """Traces down to torch's layers, dropout layers, and modules that are to stay whole."""

    def __init__(self, whole: set[str]) -> None:
        super().__init__(autowrap_modules=(math, rnn))  # type: ignore[arg-type] # packing looks into lengths: it is one step
        self.whole = whole
        self.failed = ""  # the innermost module whose forward raised
        self._raised: Exception | None = None

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether a module is one step of the graph."""
        if is_dropout(m) or module_qualified_name in self.whole:
            return True
        return super().is_leaf_module(m, module_qualified_name) and not holds_original(m)

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Trace a call, and remember where it failed."""
        try:
            return super().call_module(m, forward, args, kwargs)
        except Exception as error:
            name = (self.submodule_paths or {}).get(m)  # None: a module that was hidden from its parent, in a list
            if self._raised is not error and name is not None:
                self._raised, self.failed = error, name
            raise

    def proxy(self, node: fx.Node) -> fx.Proxy:
        """Give a proxy that shows changes in place."""
        return ChangeableProxy(node, self)

    def to_bool(self, obj: fx.Proxy) -> bool:
        """Decide as a call that raises nothing does, and refuse every other decision that depends on data."""
        checked = checked_value(sys._getframe(2))
        return super().to_bool(obj) if checked is None else checked
