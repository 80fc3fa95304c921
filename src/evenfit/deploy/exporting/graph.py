"""Graph: an ONNX graph under construction, and the operations that add to it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from evenfit.deploy.exporting.operations import FLOAT64, Value

OPSET, ML_OPSET, IR_VERSION = 17, 3, 8  # of 2022: all that the graph needs, and old runtimes read it too
STRING, BOOL = "string", "bool"
_TYPES = {
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
    "int16": TensorProto.INT16,
    "int64": TensorProto.INT64,
    "string": TensorProto.STRING,
    "bool": TensorProto.BOOL,
}


@dataclass(frozen=True, eq=False)
class GraphValue:
    """A value of a graph, by its name; arithmetic on it adds nodes."""

    graph: Graph
    name: str
    dtype: str

    def __add__(self, other: GraphValue | float) -> GraphValue:
        return self.graph.node("Add", self, other)

    def __sub__(self, other: GraphValue | float) -> GraphValue:
        return self.graph.node("Sub", self, other)

    def __mul__(self, other: GraphValue | float) -> GraphValue:
        return self.graph.node("Mul", self, other)

    def __truediv__(self, other: GraphValue | float) -> GraphValue:
        return self.graph.node("Div", self, other)

    def __matmul__(self, other: GraphValue) -> GraphValue:
        return self.graph.node("MatMul", self, other)


class Graph:
    """Inputs, nodes, constants and outputs, in the order in which they were added."""

    def __init__(self, name: str, *, reserved: Sequence[str] = ()) -> None:
        self.name = name
        self._taken = set(reserved)  # names that inputs and outputs have
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []
        self._known: dict[tuple[str, str, tuple[int, ...], bytes], GraphValue] = {}

    def add_input(self, name: str, dtype: str, shape: Sequence[str | int]) -> GraphValue:
        """Add an input; its name is among those reserved."""
        self._inputs.append(helper.make_tensor_value_info(name, _TYPES[dtype], list(shape)))
        return GraphValue(self, name, dtype)

    def add_output(self, value: GraphValue, name: str, shape: Sequence[str | int]) -> None:
        """Give a value out, under a name that is among those reserved."""
        self._nodes.append(helper.make_node("Identity", [value.name], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, _TYPES[value.dtype], list(shape)))

    def constant(self, array: npt.NDArray[Any], *, name: str = "constant") -> GraphValue:
        """Add a constant; the same one is added once."""
        dtype = STRING if array.dtype == object else str(array.dtype)
        content = "\0".join(array.ravel()).encode("utf-8", "surrogatepass") if dtype == STRING else array.tobytes()
        key = (name, dtype, array.shape, content)
        if key not in self._known:
            own = self._free(name)
            self._constants.append(numpy_helper.from_array(array, own))
            self._known[key] = GraphValue(self, own, dtype)
        return self._known[key]

    def node(
        self,
        operator: str,
        *inputs: GraphValue | float,
        dtype: str | None = None,
        attributes: Mapping[str, Any] | None = None,
        domain: str = "",
    ) -> GraphValue:
        """Add a node of one output, of the first input's type unless told; plain numbers become constants of it."""
        first = next(value for value in inputs if isinstance(value, GraphValue))
        values = [
            value
            if isinstance(value, GraphValue)
            else self.constant(np.array(value, "float64" if first.dtype == BOOL else first.dtype))
            for value in inputs
        ]
        made = GraphValue(self, self._free(operator.lower()), dtype or first.dtype)
        names = [value.name for value in values]
        self._nodes.append(
            helper.make_node(operator, names, [made.name], name=made.name, domain=domain, **(attributes or {}))
        )
        return made

    def model(self, *, facts: Mapping[str, str], description: str) -> onnx.ModelProto:
        """Give the whole as a model, checked.

        Args:
            facts: what is written into the file beside the graph, by name.
            description: of the graph, for people.
        """
        graph = helper.make_graph(
            self._nodes, self.name, self._inputs, self._outputs, initializer=self._constants, doc_string=description
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="evenfit")
        helper.set_model_props(model, dict(facts))
        onnx.checker.check_model(model, full_check=True)
        return model

    def _free(self, name: str) -> str:
        """Give a name that nothing has yet."""
        own, number = name, 0
        while own in self._taken:
            number += 1
            own = f"{name}_{number}"
        self._taken.add(own)
        return own


class GraphOperations:
    """By adding nodes to a graph; doubles use the operators alone that onnxruntime has for them."""

    def __init__(self, graph: Graph, tensors: Mapping[str, npt.NDArray[Any]]) -> None:
        self._graph, self._tensors = graph, tensors

    def tensor(self, name: str) -> Value:
        """Give a tensor of the recipe by its name."""
        return self._graph.constant(self._tensors[name], name=name)

    def cast(self, value: Value, dtype: str) -> Value:
        """Convert."""
        if value.dtype == dtype:
            return value
        return self._graph.node("Cast", value, dtype=dtype, attributes={"to": _TYPES[dtype]})

    def is_missing(self, value: Value) -> Value:
        """Whether each number is NaN."""
        return self._graph.node("IsNaN", value, dtype=BOOL)

    def equal(self, first: Value, second: Value) -> Value:
        """Whether numbers are the same."""
        return self._graph.node("Equal", first, second, dtype=BOOL)

    def at_most(self, first: Value, second: Value) -> Value:
        """Whether the first are no greater."""
        return self._graph.node("LessOrEqual", first, second, dtype=BOOL)

    def where(self, condition: Value, yes: Value, no: Value) -> Value:
        """Choose number by number."""
        dtype = yes.dtype if isinstance(yes, GraphValue) else no.dtype
        chosen = [
            value if isinstance(value, GraphValue) else self._graph.constant(np.array(value, dtype))
            for value in (yes, no)
        ]
        return self._graph.node("Where", condition, *chosen, dtype=dtype)

    def minimum(self, first: Value, second: Value) -> Value:
        """The lesser of each pair."""
        return self._graph.node("Min", first, second)

    def maximum(self, first: Value, second: Value) -> Value:
        """The greater of each pair."""
        return self._graph.node("Max", first, second)

    def absolute(self, value: Value) -> Value:
        """Numbers without their sign."""
        return self._graph.node("Abs", value)

    def floor(self, value: Value) -> Value:
        """The whole number below."""
        return self._graph.node("Floor", value)

    def sqrt(self, value: Value) -> Value:
        """Square roots."""
        return self._graph.node("Sqrt", value)

    def exp(self, value: Value) -> Value:
        """Exponentials."""
        return self._graph.node("Exp", value)

    def log(self, value: Value) -> Value:
        """Natural logarithms."""
        return self._graph.node("Log", value)

    def sin(self, value: Value) -> Value:
        """Sines."""
        return self._graph.node("Sin", value)

    def cos(self, value: Value) -> Value:
        """Cosines; of doubles by the sine, which more versions of onnxruntime have."""
        return self._graph.node("Cos", value) if value.dtype != FLOAT64 else self.sin(value + math.pi / 2)

    def tanh(self, value: Value) -> Value:
        """Hyperbolic tangents."""
        return self._graph.node("Tanh", value)

    def softmax(self, value: Value) -> Value:
        """Shares of the last axis."""
        return self._graph.node("Softmax", value, attributes={"axis": -1})

    def sum(self, value: Value, *, axis: int) -> Value:
        """The sum along an axis."""
        axes = self._graph.constant(np.array([axis], np.int64))
        return self._graph.node("ReduceSum", value, axes, attributes={"keepdims": 0})

    def take(self, table: Value, index: Value, *, axis: int) -> Value:
        """Rows of a table."""
        return self._graph.node("Gather", table, index, attributes={"axis": axis})

    def columns(self, value: Value, places: Sequence[int]) -> Value:
        """Some of the last axis."""
        index = self._graph.constant(np.array(places, np.int64))
        return self._graph.node("Gather", value, index, attributes={"axis": -1})

    def unsqueeze(self, value: Value, axis: int) -> Value:
        """Put in an axis of 1."""
        return self._graph.node("Unsqueeze", value, self._graph.constant(np.array([axis], np.int64)))

    def transpose(self, value: Value, axes: Sequence[int]) -> Value:
        """Change the order of axes."""
        return self._graph.node("Transpose", value, attributes={"perm": list(axes)})

    def reshape(self, value: Value, shape: Sequence[int]) -> Value:
        """The same numbers in another shape."""
        return self._graph.node("Reshape", value, self._graph.constant(np.array(shape, np.int64)))

    def concat(self, values: Sequence[Value], *, axis: int) -> Value:
        """Put values side by side."""
        if len(values) == 1:
            return values[0]
        return self._graph.node("Concat", *values, attributes={"axis": axis})
