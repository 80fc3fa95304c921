"""Recording: a run of a network, written down as a graph while it happens, whatever Python its forward is made of.

Every call of a torch function passes a ``TorchFunctionMode``; which module's forward it comes from is known from hooks
that torch calls for all modules. A tensor is known by its identity, so that branches, loops, lists, tied weights and
in-place functions need no special care. What neither sees (compiled scripts, say) is one "opaque" step of its module.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakIdKeyDictionary

from evenfit.regularize.auditing.drops import Drop, drop_of_call
from evenfit.regularize.auditing.graph import Graph, Step
from evenfit.regularize.auditing.kinds import kind_of, kind_of_layer
from evenfit.regularize.auditing.sites import site_of_caller
from evenfit.regularize.auditing.tensors import Print, fingerprint, likeness, tensors_in

_FROM_OUTSIDE = ("from_numpy", "as_tensor")  # bring in what may have been computed from the network's input


@dataclass(frozen=True)
class Run:
    """A run that was recorded."""

    graph: Graph
    prints: tuple[Print, ...]  # of each step
    outputs: tuple[Tensor, ...]
    called: frozenset[int]  # ids of the modules that were called


class Recorder(TorchFunctionMode):
    """Writes down the steps of a run."""

    def __init__(self, *, modules: Mapping[int, str], parameters: Mapping[int, str]) -> None:
        super().__init__()
        self.modules = modules  # qualified name of each module, by its id
        self.parameters = parameters  # name of each parameter and buffer, by the tensor's id
        self.steps: list[Step] = []
        self.prints: list[Print] = []
        self.numbers: Any = WeakIdKeyDictionary()  # the step that made each tensor which is still alive
        self.called: set[int] = set()
        self.stack: list[tuple[str, nn.Module, tuple[int, ...]]] = []

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Do what was asked, and write it down if it gives tensors."""
        del types
        kwargs = kwargs or {}
        given = tensors_in(args, kwargs)
        before = self._before(func, args, kwargs, given)  # in place, a function may change what it was given
        result = func(*args, **kwargs)
        name = _name(func)
        made = given[:1] if name == "__setitem__" else tensors_in(result)
        if made:
            self._add(self._step(func, name, given, before), made)
        return result

    def input(self, tensors: Sequence[Tensor]) -> None:
        """Write down what the network is given."""
        for tensor in tensors:
            step = Step(number=len(self.steps), kind="input", name="input", path="", is_layer=False)
            self._add(step, [tensor])

    def enter(self, module: nn.Module, args: Any) -> None:
        """Write down that a module's forward begins."""
        self.called.add(id(module))
        self.stack.append((self._path(module), module, self._steps(tensors_in(args))))

    def leave(self, module: nn.Module, result: Any) -> None:
        """Write down that it has ended; what it gave, and no step is known to have made, it has made itself."""
        path, _, inputs = self.stack.pop()
        unknown = [each for each in tensors_in(result) if each not in self.numbers and id(each) not in self.parameters]
        if unknown:
            constant = all(self.steps[number].constant for number in inputs)
            own = tuple(f"{path}.{name}".lstrip(".") for name, _ in module.named_parameters())
            self._add(
                Step(
                    number=len(self.steps),
                    kind="opaque",
                    name=str(getattr(module, "original_name", class_name(module))),
                    path=path,
                    is_layer=True,
                    module=module,
                    inputs=inputs,
                    constant=constant,
                    parameters=own,
                ),
                unknown,
            )

    def graph(self, result: Any) -> Graph:
        """Give what was written down."""
        ends = [self.numbers[each] for each in tensors_in(result) if each in self.numbers]
        return Graph(tuple(self.steps), tuple(dict.fromkeys(ends)))

    def _before(
        self, function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], given: Sequence[Tensor]
    ) -> _Before:
        """Look at the tensors of a call before it."""
        steps = self._steps(given)
        own = [self.parameters[id(each)] for each in given if id(each) in self.parameters]
        own += [name for number in steps if self.steps[number].constant for name in self.steps[number].parameters]
        unknown = any(each not in self.numbers and id(each) not in self.parameters for each in given)
        drop = drop_of_call(function, args, kwargs)
        return _Before(
            steps=steps,
            flowing=sum(not self.steps[number].constant for number in steps),
            strange=unknown or getattr(function, "__name__", "") in _FROM_OUTSIDE,
            parameters=tuple(dict.fromkeys(own)),
            drop=drop,
            shape=tuple(given[0].shape) if given else None,
            likeness=likeness(given[0]) if drop and drop.unit == "unit" and given else None,
        )

    def _step(self, function: Callable[..., Any], name: str, given: Sequence[Tensor], before: _Before) -> Step:
        """Give the step of a call."""
        path, module = self.stack[-1][:2] if self.stack else ("", None)
        kind = kind_of_call(name, before.drop)
        is_layer = module is not None and kind != "other" and kind_of_layer(module) == kind
        own = [(self.parameters[id(each)], each.dim()) for each in given if id(each) in self.parameters]
        return Step(
            number=len(self.steps),
            kind=refined(kind, operands=before.flowing, weighted=bool(before.parameters)),
            name=class_name(module) if module is not None and is_layer else _title(function, name),
            path=path,
            is_layer=is_layer,
            module=module,
            training=module is not None and module.training,
            inputs=before.steps,
            constant=not before.flowing and not before.strange,
            strange=before.strange,
            parameters=before.parameters,
            weight=next((each for each, rank in own if rank > 1), None),
            bias=next((each for each, rank in own if rank == 1), None),
            drop=before.drop,
            shape=before.shape,
            likeness=before.likeness,
            site=site_of_caller(),
        )

    def _add(self, step: Step, made: Sequence[Tensor]) -> None:
        self.steps.append(step)
        self.prints.append(fingerprint(made))
        for tensor in made:
            self.numbers[tensor] = step.number

    def _steps(self, tensors: Sequence[Tensor]) -> tuple[int, ...]:
        """Give the steps that made tensors."""
        return tuple(dict.fromkeys(self.numbers[each] for each in tensors if each in self.numbers))

    def _path(self, module: nn.Module) -> str:
        """Give the qualified name of a module; one that is not registered is named after where its caller keeps it."""
        if id(module) in self.modules:
            return self.modules[id(module)]
        parent, owner = self.stack[-1][:2] if self.stack else ("", None)
        return stray_path(module, parent, owner)


@dataclass(frozen=True, kw_only=True)
class _Before:
    """What is known of a call before it."""

    steps: tuple[int, ...]
    flowing: int  # how many of them the network's input is in
    strange: bool
    parameters: tuple[str, ...]
    drop: Drop | None
    shape: tuple[int, ...] | None
    likeness: float | None


@contextmanager
def recording(recorder: Recorder) -> Iterator[None]:
    """Let a recorder see all that happens."""
    here = threading.get_ident()  # the hooks are called for the modules of all threads

    def before(module: nn.Module, args: Any) -> None:
        if threading.get_ident() == here:
            recorder.enter(module, args)

    def after(module: nn.Module, args: Any, result: Any) -> None:
        del args
        if threading.get_ident() == here:
            recorder.leave(module, result)

    handles = [register_module_forward_pre_hook(before), register_module_forward_hook(after)]
    try:
        with recorder:
            yield
    finally:
        for handle in handles:
            handle.remove()


def kind_of_call(name: str, drop: Drop | None) -> str:
    """Give the kind of a call: one that drops weights multiplies by them, and attention does more than drop."""
    if drop is None or drop.unit in ("attention", "layers"):
        return kind_of(name)
    return "linear" if drop.unit == "weight" else "dropout"


def refined(kind: str, *, operands: int, weighted: bool) -> str:
    """Tell a product with weights from one of two activations, and a sum with a constant from one of two branches.

    Example:
        >>> refined("linear", operands=2, weighted=False), refined("sum", operands=1, weighted=True)
        ('join', 'scale')
    """
    if kind == "linear" and not weighted:
        return "join" if operands > 1 else "scale"
    if kind in ("sum", "product"):
        return "join" if operands > 1 else "scale"
    return kind


def _name(function: Callable[..., Any]) -> str:
    """Give a function's name; of a property, such as ``Tensor.T``, its own."""
    name = getattr(function, "__name__", "")
    return getattr(getattr(function, "__self__", None), "__name__", name) if name == "__get__" else name


def class_name(module: nn.Module) -> str:
    """Give the name of a module's class, without what a parametrisation puts before it."""
    return type(module).__name__.removeprefix("Parametrized")


def _title(function: Callable[..., Any], name: str) -> str:
    home = getattr(function, "__module__", None) or ""
    if home == "torch.nn.functional":
        return f"F.{name}"
    if home.startswith("evenfit."):
        return name
    return f"torch.{name}" if home.startswith("torch") else f"Tensor.{name}"


def stray_path(module: nn.Module, parent: str, owner: nn.Module | None) -> str:
    """Name a module that is not registered after where its owner keeps it, or after its class."""
    place = None if owner is None else _place(module, vars(owner))
    return f"{parent}.{place or type(module).__name__}".lstrip(".")


def _place(module: nn.Module, attributes: Mapping[str, Any]) -> str | None:
    """Say in which attribute, list or dict of its owner a module lies."""
    for name, value in attributes.items():
        if value is module:
            return name
        if isinstance(value, list | tuple):
            for position, each in enumerate(value):
                if each is module:
                    return f"{name}[{position}]"
        if isinstance(value, dict) and not name.startswith("_"):
            for label, each in value.items():
                if each is module:
                    return f"{name}[{label!r}]"
    return None
