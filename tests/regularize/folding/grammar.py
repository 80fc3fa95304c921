"""A grammar of networks with dropout of the original form, and what it says about folding them.

A *term* is a value: what a network is made of. ``built`` makes a module of it. ``expected`` says, from the term alone,
whether its dropout can be folded: it keeps a list of rates for each unit, those whose scale the unit still carries, and
knows nothing of graphs, tracing or weights.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

import evenfit.regularize as er

WIDTH = 4
# Products of these are equal only where the same rates were multiplied.
RATES = (0.1, 0.2, 0.3, 0.5)
HOMOGENEOUS = ("relu", "leaky relu", "prelu", "identity", "abs", "double", "turned twice", "clamp at 0")
NOT_HOMOGENEOUS = ("sigmoid", "tanh", "gelu", "silu", "elu", "hardtanh", "softplus", "add 1")
NORMALISING = ("layer norm", "batch norm", "rms norm")
Rates = tuple[float, ...]


class DisallowedError(Exception):
    """Folding would not be exact; the message is a word of the reason."""


@dataclass(frozen=True)
class Term:
    """A part of a network: a kind, a number, and parts inside."""

    kind: str
    rate: float = 0.0
    key: int | None = None  # the same key: the same layer, used again
    width: int = WIDTH
    parts: tuple[Term, ...] = ()


# What a term is made into.


class Function(nn.Module):
    """A function without weights."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def forward(self, x: Tensor) -> Tensor:
        """Compute it."""
        match self.name:
            case "abs":
                return x.abs()
            case "double":
                return x * 2
            case "turned twice":
                return x.t().contiguous().transpose(0, 1)
            case "clamp at 0":
                return x.clamp(min=0)
        return x + 1


class Sum(nn.Module):
    """The sum of parts."""

    def __init__(self, *parts: nn.Module) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, x: Tensor) -> Tensor:
        """Add what all parts make of the input."""
        total = self.parts[0](x)
        for part in self.parts[1:]:
            total = total + part(x)
        return total


class Gate(Sum):
    """The product of parts."""

    def forward(self, x: Tensor) -> Tensor:
        """Multiply what both parts make of the input."""
        return self.parts[0](x) * self.parts[1](x)


class Beside(Sum):
    """Parts side by side."""

    def forward(self, x: Tensor) -> Tensor:
        """Concatenate what all parts make of the input."""
        return torch.cat([part(x) for part in self.parts], dim=1)


class Residual(nn.Module):
    """x + depth(body(x))."""

    def __init__(self, body: nn.Module, depth: nn.Module) -> None:
        super().__init__()
        self.body, self.depth = body, depth

    def forward(self, x: Tensor) -> Tensor:
        """Add what the body makes of the input."""
        return x + self.depth(self.body(x))


@dataclass
class Builder:
    """Makes modules of terms, layers of one key once."""

    shared: dict[tuple[object, ...], nn.Module] = field(default_factory=dict)

    def build(self, term: Term, width: int) -> tuple[nn.Module, int]:
        """Make a module that takes ``width`` numbers, and say how many it gives."""
        if term.parts and term.kind in {"sequence", "residual", "depth"}:
            layers, inside = [], width
            for part in term.parts:
                layer, inside = self.build(part, inside)
                layers.append(layer)
            body = nn.Sequential(*layers)
            if term.kind == "sequence":
                return body, inside
            depth = er.StochasticDepth(term.rate, form="original") if term.kind == "depth" else nn.Identity()
            return Residual(body, depth), inside
        if term.parts:
            made = [self.build(part, width) for part in term.parts]
            kind = {"sum": Sum, "gate": Gate, "beside": Beside}[term.kind]
            return kind(*(module for module, _ in made)), (
                sum(inside for _, inside in made) if term.kind == "beside" else made[0][1]
            )
        out = term.width if term.kind in {"linear", "drop connect"} else width
        name = (term.kind, term.key, term.rate, width, out)
        layer = self.shared.get(name) if term.key is not None else None
        if layer is None:
            layer = self.shared[name] = made_layer(term, width, out)
        return layer, out


def made_layer(term: Term, width: int, out: int) -> nn.Module:
    """Make one layer."""
    layers = {
        "linear": lambda: nn.Linear(width, out),
        "drop connect": lambda: er.DropConnect(nn.Linear(width, out), rate=term.rate, form="original"),
        "dropout": lambda: er.Dropout(term.rate, form="original"),
        "input dropout": lambda: er.InputDropout(term.rate, form="original"),
        "inverted": lambda: er.Dropout(term.rate),
        "torch": lambda: nn.Dropout(term.rate),
        "gaussian": lambda: er.GaussianDropout(term.rate),
        "alpha": lambda: er.AlphaDropout(term.rate),
        "relu": nn.ReLU,
        "leaky relu": nn.LeakyReLU,
        "prelu": nn.PReLU,
        "identity": nn.Identity,
        "sigmoid": nn.Sigmoid,
        "tanh": nn.Tanh,
        "gelu": nn.GELU,
        "silu": nn.SiLU,
        "elu": nn.ELU,
        "hardtanh": nn.Hardtanh,
        "softplus": nn.Softplus,
        "softmax": lambda: nn.Softmax(1),
        "layer norm": lambda: nn.LayerNorm(width),
        "rms norm": lambda: nn.RMSNorm(width),
        "batch norm": lambda: nn.BatchNorm1d(width),
    }
    return layers.get(term.kind, lambda: Function(term.kind))()


def built(term: Term) -> nn.Module:
    """Make a network of a term, which takes rows of ``WIDTH`` numbers."""
    return Builder().build(term, WIDTH)[0]


# What is expected of it.


@dataclass
class Expectation:
    """Follows each unit's rates through a term; ``sizes``: whether a sample tells the sizes of parts."""

    sizes: bool
    uses: dict[tuple[object, ...], tuple[list[Rates], Rates]] = field(default_factory=dict)
    fresh: int = 0

    def after(self, term: Term, units: list[Rates], behind: Rates = ()) -> list[Rates]:
        """Give each unit's rates behind a term, whose last weights take those that come ``behind``."""
        match term.kind:
            case "sequence":
                last = taker(term.parts)
                for number, part in enumerate(term.parts):
                    units = self.after(part, units, behind if number == last else ())
                return units
            case "residual" | "depth":
                body = Term("sequence", parts=term.parts)
                folded_back = term.kind == "depth" and takes(body)
                branch = self.after(body, units, (term.rate,) if folded_back else ())
                if term.kind == "depth" and not folded_back:
                    branch = [joined(unit, (term.rate,)) for unit in branch]
                return self.total([units, branch])
            case "sum":
                return self.total([self.after(part, units, behind) for part in term.parts])
            case "gate":
                first, second = term.parts
                one = self.after(first, units, behind if takes(first) else ())
                other = self.after(second, units, () if takes(first) else behind)
                return [joined(*pair) for pair in zip(one, other, strict=True)]
            case "beside":
                units = [unit for part in term.parts for unit in self.after(part, units, behind)]
                if len(set(units)) > 1 and not self.sizes:
                    raise DisallowedError("beside")
                return units
        return self.layer(term, units, behind)

    def layer(self, term: Term, units: list[Rates], behind: Rates) -> list[Rates]:
        """Give each unit's rates behind a layer."""
        if term.kind in {"linear", "drop connect"}:
            self.fresh += 1
            name = (term.kind, term.key, term.rate, len(units), term.width)
            if term.key is None:
                name = ("fresh", self.fresh)
            if self.uses.setdefault(name, (units, behind)) != (units, behind):
                raise DisallowedError("shared")
            return [()] * term.width
        if term.kind in {"dropout", "input dropout"}:
            return [joined(unit, (term.rate,)) for unit in units]
        if any(units):
            if term.kind in NOT_HOMOGENEOUS[:-1]:
                raise DisallowedError("positively homogeneous")
            if term.kind == "add 1":
                raise DisallowedError("adds a term")
            if term.kind in NORMALISING:
                raise DisallowedError("normalisation")
            if term.kind == "softmax":
                raise DisallowedError("softmax")
        return units

    def total(self, terms: list[list[Rates]]) -> list[Rates]:
        """Give each unit's rates of a sum, whose terms must carry the same."""
        if any(term != terms[0] for term in terms):
            raise DisallowedError("adds a term")
        return terms[0]


def expected(term: Term, *, sizes: bool) -> str:
    """Say why a network cannot be folded: a word of the reason, "" if it can."""
    try:
        units = Expectation(sizes).after(term, [()] * WIDTH)
    except DisallowedError as reason:
        return str(reason)
    return "output" if any(units) else ""


def joined(one: Rates, other: Rates) -> Rates:
    """Give the rates of a product."""
    return tuple(sorted((*one, *other)))


def takes(term: Term) -> bool:
    """Whether what a term gives can be scaled by scaling weights inside it, and nothing else sees that."""
    match term.kind:
        case "linear" | "drop connect" | "layer norm" | "batch norm" | "rms norm":
            return True
        case "sequence":
            return taker(term.parts) is not None
        case "sum" | "beside":
            return all(map(takes, term.parts))
        case "gate":
            return any(map(takes, term.parts))
    return False  # what a residual sum adds is used twice


def taker(parts: tuple[Term, ...]) -> int | None:
    """Give the last of terms in a row that takes a scale from behind, if all behind it pass one on."""
    for number in reversed(range(len(parts))):
        if takes(parts[number]):
            return number
        if not passes(parts[number]):
            return None
    return None


def passes(term: Term) -> bool:
    """Whether a term without weights passes a scale on."""
    passing = {*HOMOGENEOUS, "dropout", "input dropout", "inverted", "torch", "gaussian", "alpha"}
    return all(map(passes, term.parts)) if term.kind == "sequence" else term.kind in passing


def originals(term: Term) -> int:
    """Count the layers of the original form."""
    return (term.kind in {"dropout", "input dropout", "drop connect", "depth"}) + sum(map(originals, term.parts))


# What hypothesis draws.


def layers(*, key: st.SearchStrategy[int | None]) -> st.SearchStrategy[Term]:
    """Single layers that keep the width."""
    rates = st.sampled_from(RATES)
    return st.one_of(
        st.builds(Term, st.just("linear"), key=key),
        st.builds(Term, st.sampled_from(HOMOGENEOUS)),
        st.builds(Term, st.just("dropout"), rates, key=key),
        st.builds(Term, st.just("linear")),
        st.builds(Term, st.sampled_from(("dropout", "input dropout", "drop connect")), rates),
        st.builds(Term, st.sampled_from(("inverted", "torch", "gaussian", "alpha")), rates),
        st.builds(Term, st.sampled_from((*NOT_HOMOGENEOUS, *NORMALISING, "softmax"))),
    )


def rows(parts: st.SearchStrategy[Term], most: int = 4) -> st.SearchStrategy[tuple[Term, ...]]:
    """Terms in a row."""
    return st.lists(parts, min_size=1, max_size=most).map(tuple)


def narrowed(parts: tuple[Term, ...]) -> Term:
    """Put parts side by side, and a linear layer behind that gives the width back."""
    return Term("sequence", parts=(Term("beside", parts=parts), Term("linear")))


def block(before: Term, dropout: Term, between: Term) -> Term:
    """Make the common case: units, their dropout, and the weights that they feed."""
    return Term("sequence", parts=(Term("linear"), before, dropout, between, Term("linear")))


def blocks() -> st.SearchStrategy[Term]:
    """Dropout in its usual place."""
    passing = st.builds(Term, st.sampled_from(HOMOGENEOUS))
    dropout = st.builds(Term, st.sampled_from(("dropout", "torch")), st.sampled_from(RATES))
    return st.builds(block, st.one_of(passing, st.builds(Term, st.just("tanh"))), dropout, passing)


def composites(inside: st.SearchStrategy[Term]) -> st.SearchStrategy[Term]:
    """Terms made of terms, of the same width."""
    pair = st.tuples(inside, inside)
    return st.one_of(
        st.builds(Term, st.just("sequence"), parts=rows(inside)),
        st.builds(Term, st.just("residual"), parts=rows(inside)),
        st.builds(Term, st.just("depth"), st.sampled_from(RATES), parts=rows(inside)),
        st.builds(Term, st.sampled_from(("sum", "gate")), parts=pair),
        pair.map(narrowed),
    )


KEYS = st.sampled_from((None, 1, 2))
PARTS = st.recursive(st.one_of(layers(key=KEYS), blocks(), blocks()), composites, max_leaves=6)
NETWORKS = st.builds(Term, st.just("sequence"), parts=rows(st.one_of(PARTS, layers(key=st.none()), blocks()), 5))
ENDED = NETWORKS.map(lambda term: Term("sequence", parts=(*term.parts, Term("linear", width=3))))
