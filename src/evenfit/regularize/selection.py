"""Selection: which of a model's parameters a penalty sees, how strongly, and why it leaves out the others."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import cast

import torch
from torch import Tensor, nn

from evenfit.errors import RegularizeError
from evenfit.regularize.parameters import KINDS, ModelParameter

Where = str | type[nn.Module]  # a glob for names of parameters, or a kind of layer
Strength = float | Mapping[str, float]  # one for all, or by globs of names


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What is asked of one model: the parameters that are seen, and those that are left out."""

    seen: tuple[tuple[ModelParameter, float], ...]  # each with its strength
    left_out: tuple[tuple[ModelParameter, str], ...]  # each with the reason


def check_kinds(name: str, kinds: str | Iterable[str]) -> tuple[str, ...]:
    """Give kinds of parameters as a sorted tuple.

    Raises:
        RegularizeError: there is none, or an unknown one.
    """
    listed = sorted({kinds} if isinstance(kinds, str) else set(kinds))
    if not listed or not set(listed) <= set(KINDS):
        raise RegularizeError(f"{name} must be some of {', '.join(sorted(KINDS))}; got {', '.join(listed) or 'none'}")
    return tuple(listed)


def check_places(name: str, places: Where | Sequence[Where]) -> tuple[Where, ...]:
    """Give globs and kinds of layers as a tuple.

    Raises:
        RegularizeError: one of them is neither.
    """
    listed = tuple(places) if isinstance(places, Iterable) and not isinstance(places, str) else (places,)
    for one in cast("tuple[object, ...]", listed):
        if not (isinstance(one, str) or (isinstance(one, type) and issubclass(one, nn.Module))):
            raise RegularizeError(
                f"{name} takes patterns of names, such as 'head.*', and kinds of layers, such as nn.LSTM; got {one!r}"
            )
    return listed


def check_strength(name: str, strength: Strength, *, above_zero: bool = False) -> Strength:
    """Give a strength, or strengths by pattern, as floats.

    Raises:
        RegularizeError: one is negative, not finite, or no number; no pattern is given.
    """
    if isinstance(strength, Mapping):
        if not strength:
            raise RegularizeError(f"{name} by patterns of names needs at least one pattern, got none")
        return {str(one): _number(f"{name} of {one!r}", each, above_zero) for one, each in strength.items()}
    return _number(name, strength, above_zero)


def _number(name: str, value: float, above_zero: bool) -> float:  # noqa: FBT001 - private, named where it is called
    bound = "above 0" if above_zero else "of at least 0"
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (number > 0 if above_zero else number >= 0) or number == math.inf:
        raise RegularizeError(f"{name} must be a finite number {bound}, got {value!r}")
    return number


def select(
    parameters: Sequence[ModelParameter],
    *,
    strength: Strength,
    kinds: tuple[str, ...],
    only: tuple[Where, ...],
    exclude: tuple[Where, ...],
) -> Selection:
    """Choose among a model's parameters.

    Patterns are globs, case-sensitive, held against whole names: ``*`` also goes over dots. A shared parameter is
    matched by each of its names. Where ``strength`` is given by patterns, the first one that matches counts, and what
    none matches is left out.

    Raises:
        RegularizeError: a pattern or a kind of layer matches nothing, or only what is left out anyway; a pattern is
            hidden by those before it; two names of one shared parameter have different strengths; nothing is left.
    """
    if not parameters:
        raise RegularizeError("the model has no parameters, so there is nothing to penalise")
    of_kind = [one for one in parameters if one.kind in kinds]
    if not of_kind:
        raise RegularizeError(
            f"the model has no {' and no '.join(kinds)} to penalise: it has {_listed(parameters, kinds=True)}; "
            f"say which with kinds=, of {', '.join(sorted(KINDS))}"
        )
    for place in (*only, *exclude, *(strength if isinstance(strength, Mapping) else ())):
        _check_place(place, parameters, of_kind, kinds)
    seen, left_out = [], []
    used: set[str] = set()
    for one in parameters:
        reason = _reason(one, kinds=kinds, only=only, exclude=exclude)
        if not reason and isinstance(strength, Mapping):
            pattern = _pattern(one, strength)
            used |= {pattern} if pattern else set()
            if pattern:
                seen.append((one, strength[pattern]))
                continue
            reason = "no pattern of the strengths matches it"
        if reason:
            left_out.append((one, reason))
        elif not isinstance(strength, Mapping):
            seen.append((one, strength))
    if not seen:
        raise RegularizeError(f"nothing is left to penalise: of {_listed(parameters)}, all are left out")
    for pattern in strength if isinstance(strength, Mapping) else ():
        if pattern not in used:
            raise RegularizeError(
                f"the strength of {pattern!r} is never used: patterns before it, or exclude, take all that it matches; "
                "put the narrower pattern first"
            )
    return Selection(seen=tuple(seen), left_out=tuple(left_out))


def learnt(parameter: ModelParameter, *, frozen: bool = True) -> Tensor:
    """Give a parameter's value, if a penalty on it has a meaning.

    Raises:
        RegularizeError: it holds integers or complex numbers, is sparse, is computed by a hook, or, where that
            matters, frozen.
    """
    leave_out = f"leave it out with exclude={parameter.name!r}"
    if parameter.by_hook:
        raise RegularizeError(
            f"{parameter.name} is computed from {' and '.join(parameter.made_of)} before each forward pass, so its "
            f"value is out of date in between: use torch.nn.utils.parametrizations, or {leave_out}"
        )
    tensor = parameter.tensor  # once: it may be computed
    check_tensor(parameter.name, tensor)
    if frozen and _is_frozen(parameter, tensor):
        raise RegularizeError(
            f"{parameter.name} is frozen (requires_grad=False), so a penalty on it does nothing: {leave_out}"
        )
    if frozen and getattr(parameter.layer, "sparse", False) is True:
        raise RegularizeError(
            f"{parameter.name} has sparse gradients, and a penalty is felt by all its rows: make the layer with "
            f"sparse=False, or {leave_out}"
        )
    return tensor


def check_tensor(name: str, tensor: Tensor) -> None:
    """See that a tensor holds dense real numbers.

    Raises:
        RegularizeError: it does not.
    """
    if tensor.layout is not torch.strided:
        raise RegularizeError(f"{name} is a sparse tensor ({tensor.layout}); penalties are for dense weights")
    if tensor.is_complex():
        raise RegularizeError(f"{name} is complex ({tensor.dtype}); penalties are for real weights")
    if not tensor.is_floating_point():
        raise RegularizeError(f"{name} holds {tensor.dtype}; penalties are for weights of floating point")


def _is_frozen(parameter: ModelParameter, tensor: Tensor) -> bool:
    """Say whether a parameter, or all that it is made of, does not learn."""
    if parameter.made_of:
        made = cast(nn.ModuleDict, parameter.layer.parametrizations)[parameter.attribute]
        return not any(one.requires_grad for one in made.parameters())
    return isinstance(tensor, nn.Parameter) and not tensor.requires_grad  # a functional call puts plain tensors there


def _reason(
    one: ModelParameter, *, kinds: tuple[str, ...], only: tuple[Where, ...], exclude: tuple[Where, ...]
) -> str | None:
    if one.kind not in kinds:
        return f"a parameter of kind {one.kind}"
    if only and not any(_matches(one, place) for place in only):
        return "not in only="
    for place in exclude:
        if _matches(one, place):
            return f"excluded by {place!r}" if isinstance(place, str) else f"excluded as part of {place.__name__}"
    return None


def _matches(one: ModelParameter, place: Where) -> bool:
    if isinstance(place, str):
        return any(fnmatchcase(name, place) for name in one.names)
    return any(isinstance(layer, place) for layer in one.path)


def _pattern(one: ModelParameter, strengths: Mapping[str, float]) -> str | None:
    """Give the first pattern that matches, the same for all names of a shared parameter."""
    first = {name: next((p for p in strengths if fnmatchcase(name, p)), None) for name in one.names}
    named = {name: pattern for name, pattern in first.items() if pattern}
    if len({strengths[pattern] for pattern in named.values()}) > 1:
        each = ", ".join(f"{name} has {strengths[pattern]:g}" for name, pattern in named.items())
        raise RegularizeError(f"one shared parameter cannot have two strengths: {each}")
    return next(iter(named.values()), None)


def _check_place(
    place: Where, parameters: Sequence[ModelParameter], of_kind: Sequence[ModelParameter], kinds: tuple[str, ...]
) -> None:
    if any(_matches(one, place) for one in of_kind):
        return
    matched = [one for one in parameters if _matches(one, place)]
    name = repr(place) if isinstance(place, str) else f"the kind of layer {place.__name__}"
    if matched:
        raise RegularizeError(
            f"{name} matches only {_listed(matched, kinds=True)}, and kinds={kinds!r} leaves them out anyway: "
            "name their kind in kinds="
        )
    raise RegularizeError(f"{name} matches no parameter; there are {_listed(parameters)}")


def _listed(parameters: Sequence[ModelParameter], *, kinds: bool = False, most: int = 20) -> str:
    names = [f"{one.name} ({one.kind})" if kinds else one.name for one in parameters]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
