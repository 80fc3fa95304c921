"""Insert: ``with_dropout`` and the plan that it follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from torch import fx, nn

from evenfit.errors import RegularizeError
from evenfit.regularize.chance import key, signed
from evenfit.regularize.dropout.insertion.places import places_in
from evenfit.regularize.dropout.insertion.plan import DropoutPlan, Place
from evenfit.regularize.dropout.insertion.rewiring import ask_for_modes, insert, layer_names, rewired
from evenfit.regularize.dropout.insertion.sequences import does_the_same, put_into_sequences, sequence_names
from evenfit.regularize.dropout.insertion.tracing import traced, twin_of
from evenfit.regularize.dropout.modules import (
    AlphaDropout,
    Dropout,
    DropoutLayer,
    InputDropout,
    SpatialDropout,
    VariationalDropout,
)
from evenfit.regularize.dropout.rates import check_form, check_rate
from evenfit.regularize.dropout.streams import check_seed


def with_dropout(
    model: nn.Module,
    rate: float,
    *,
    input_rate: float = 0.0,
    form: str = "inverted",
    seed: int | None = None,
    spare_norms: bool = False,
    given: Sequence[str] = (),
) -> nn.Module:
    """Give a model like this one, with dropout in it.

    Where: after each activation of a hidden layer: elementwise after dense layers (alpha dropout after SELU), whole
    maps after convolutions; and the same units at all time steps after recurrent layers. Where batch normalisation
    takes what an activation gives, after that. Nowhere that a value reaches the output without another layer with
    weights, where there is dropout already, and after gates. Attention and recurrent cells are left as they are.
    ``dropout_plan(model)`` says for a model where it goes, and where not and why.

    The result shares its parameters and buffers with the model given, under the same names, so an optimiser that has
    them keeps them; modules are copied, and what is given is not changed. If all places are inside of
    ``nn.Sequential``, layers are put in there and every class stays. Else the model's class becomes one derived from
    its own, whose forward are the steps that ``torch.fx`` traced: arguments of forward that have a default of None, a
    truth value or a word then keep it (but for those named in ``given``), and what forward does beside tensors is
    not done.

    Args:
        model: any module that ``torch.fx`` can trace.
        rate: the probability that a unit is dropped, in [0, 1).
        input_rate: the same for the inputs of the model; 0 puts no layer there.
        form: "inverted" or "original", of all layers that have one.
        seed: with one, each layer's masks are a function of it and of how often the layer was called in training.
        spare_norms: leave out each place that a batch normalisation follows, however far: dropout changes the
            variance that it learns (Li et al., "Understanding the disharmony between dropout and batch normalization
            by variance shift", 2018).
        given: arguments of forward that will be given, though they have a default.

    Raises:
        RegularizeError: a rate outside [0, 1), no place for dropout, a model that cannot be traced or copied (the
            message names the module), that does other things in training than in evaluation, that wraps another, or
            that has parameters without a shape.

    Example:
        >>> model = with_dropout(nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1)), rate=0.3, form="original")
        >>> model
        Sequential(
          (0): Linear(in_features=3, out_features=8, bias=True)
          (1): ReLU()
          (1_dropout): Dropout(rate=0.3, form=original)
          (2): Linear(in_features=8, out_features=1, bias=True)
        )
    """
    rates = {"inputs": _number(input_rate, "input_rate"), "hidden": _number(rate, "rate")}
    check_form(form)
    number = None if seed is None else check_seed(seed)
    made, _ = _inserted(model, rates, form, number, inputs=rates["inputs"] > 0, spare_norms=spare_norms, given=given)
    return made


def dropout_plan(
    model: nn.Module, *, inputs: bool = False, spare_norms: bool = False, given: Sequence[str] = ()
) -> DropoutPlan:
    """Say where ``with_dropout`` puts dropout in a model, and where not and why.

    Raises:
        RegularizeError: as ``with_dropout``.

    Example:
        >>> print(dropout_plan(nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1), nn.Sigmoid())))
        1_dropout: elementwise dropout after '1' (ReLU)
        none after '3' (Sigmoid): it reaches the output without another layer
    """
    rates = {"inputs": 0.0, "hidden": 0.0}
    _, plan = _inserted(model, rates, "inverted", None, inputs=inputs, spare_norms=spare_norms, given=given)
    return plan


def _inserted(
    model: nn.Module,
    rates: Mapping[str, float],
    form: str,
    seed: int | None,
    *,
    inputs: bool,
    spare_norms: bool,
    given: Sequence[str],
) -> tuple[nn.Module, DropoutPlan]:
    """Give a model like this one with dropout in it, and the plan that was followed."""
    trace = traced(model, given=given)
    places, left_out = places_in(trace, inputs=inputs, spare_norms=spare_norms)
    if not places:
        reasons = "; ".join(f"after {one.after}: {one.reason}" for one in left_out)
        raise RegularizeError(
            f"{type(model).__name__} has no place for dropout, which goes after activations of hidden layers"
            + (f" ({reasons})" if reasons else "")
        )
    twin = twin_of(model)
    names = sequence_names(trace, places)
    if names is not None:
        layers = _layers(places, names, rates, form, seed, training=model.training)
        put_into_sequences(twin, layers)
        wanted = fx.Graph()
        copies: dict[fx.Node, fx.Node] = {}
        wanted.output(wanted.graph_copy(trace.graph, copies))
        insert(wanted, {copies[node]: name for node, name in names.items()})
        found = traced(twin, given=given).graph
        if does_the_same(found, wanted, set(layers)):
            return twin, DropoutPlan(places=_named(places, names), left_out=left_out)
        twin = twin_of(model)  # its sequences are not called as such
    names = layer_names(trace, list(places))
    layers = _layers(places, names, rates, form, seed, training=model.training)
    for name, layer in layers.items():
        twin.get_submodule(name.rpartition(".")[0]).add_module(name.rpartition(".")[2], layer)
    ask_for_modes(trace)
    insert(trace.graph, names)
    return rewired(twin, trace), DropoutPlan(places=_named(places, names), left_out=left_out)


def _layers(
    places: Mapping[fx.Node, Place],
    names: Mapping[fx.Node, str],
    rates: Mapping[str, float],
    form: str,
    seed: int | None,
    *,
    training: bool,
) -> dict[str, nn.Module]:
    """Make the layers of places, by their names; one for places that share a name."""
    layers: dict[str, nn.Module] = {}
    for number, (node, place) in enumerate(places.items()):
        own = None if seed is None else signed(key(seed, number))
        rate = rates["inputs" if node.op == "placeholder" else "hidden"]
        if names[node] not in layers:
            layers[names[node]] = _layer(place, rate, form, own).train(training)
    return layers


def _layer(place: Place, rate: float, form: str, seed: int | None) -> DropoutLayer:
    if place.kind == "maps":
        return SpatialDropout(rate, dimensions=place.dimensions, form=form, seed=seed)
    if place.kind == "times":
        return VariationalDropout(rate, batch_first=place.batch_first, form=form, seed=seed)
    if place.kind == "alpha":
        return AlphaDropout(rate, seed=seed)
    return (InputDropout if place.kind == "inputs" else Dropout)(rate, form=form, seed=seed)


def _named(places: Mapping[fx.Node, Place], names: Mapping[fx.Node, str]) -> tuple[Place, ...]:
    """Give places with names: one for those that share a layer."""
    return tuple({names[node]: replace(place, name=names[node]) for node, place in places.items()}.values())


def _number(rate: float, name: str) -> float:
    found = check_rate(rate, name=name)
    if isinstance(found, tuple):
        raise RegularizeError(f"{name} of a model must be one number; got {rate!r}")
    return found
