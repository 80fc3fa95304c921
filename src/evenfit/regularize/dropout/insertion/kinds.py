"""Kinds: what a step of a traced model does, as far as it matters for where dropout belongs."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping

from torch import fx, nn

from evenfit.regularize.dropout.droppers import is_dropper

# Each word is a name in small letters, without underscores and without the number of dimensions.
_WORDS = {
    "dense": "linear bilinear addmm baddbmm",
    "convolution": "conv convtranspose",
    "recurrent": "lstm gru rnn rnntanh rnnrelu",
    "cell": "lstmcell grucell rnncell rnntanhcell rnnrelucell",
    "attention": "multiheadattention multiheadattentionforward transformerencoderlayer transformerdecoderlayer "
    "transformerencoder transformerdecoder transformer",
    "embedding": "embedding embeddingbag",
    "batch norm": "batchnorm syncbatchnorm",
    "norm": "layernorm groupnorm instancenorm localresponsenorm rmsnorm normalize",
    "gate": "sigmoid hardsigmoid expit",
    "activation": "relu relu6 leakyrelu prelu rrelu elu celu selu gelu silu mish tanh hardtanh hardswish softplus "
    "softsign logsigmoid tanhshrink softshrink hardshrink threshold glu erf sin",
    # not linear, but no activation by itself: part of a norm, of a variance, of an activation written out
    "curve": "pow square abs exp expm1 log log1p sqrt rsqrt reciprocal clamp clip clampmin clampmax cos maximum "
    "minimum rpow",
    "dropout": "dropout alphadropout featuredropout featurealphadropout",
    # keeps units apart and maps maps; of a number and a tensor, or a tensor alone
    "scalar": "neg to type typeas float double half bfloat contiguous clone detach identity requiresgrad alias",
    "pool": "maxpool avgpool adaptivemaxpool adaptiveavgpool lppool fractionalmaxpool maxunpool interpolate upsample "
    "upsamplenearest upsamplebilinear pad zeropad reflectionpad replicationpad constantpad circularpad channelshuffle",
    # keeps units apart, but where maps were there may be none
    "shape": "flatten unflatten view viewas reshape reshapeas permute transpose swapaxes swapdims movedim moveaxis "
    "squeeze unsqueeze expand expandas repeat tile t mt mean amax amin sum max getitem unbind select slice "
    "narrow roll flip unfold fold pixelshuffle pixelunshuffle indexselect gather padpackedsequence "
    "packpaddedsequence packsequence stack vstack rearrange",
    # keeps units and maps, beside others or without them
    "join": "cat concat concatenate hstack chunk split splitwithsizes",
    "sum": "add sub iadd isub radd rsub addcmul lerp",
    "product": "mul div truediv imul itruediv rmul rtruediv multiply divide",
    "measure": "getattr size dim ndimension numel isfloatingpoint len eq ne lt le gt ge assert floordiv mod "
    "astraced inmode",
    "matrix product": "matmul mm bmm mv einsum tensordot imatmul dot",
}
_KIND_OF_WORD = {word: kind for kind, words in _WORDS.items() for word in words.split()}
_TORCH_KINDS: tuple[tuple[type[nn.Module] | tuple[type[nn.Module], ...], str], ...] = (
    ((nn.Linear, nn.Bilinear), "dense"),
    (nn.modules.conv._ConvNd, "convolution"),
    (nn.RNNBase, "recurrent"),
    (nn.RNNCellBase, "cell"),
    (nn.MultiheadAttention, "attention"),
    (nn.modules.batchnorm._BatchNorm, "batch norm"),
)
WEIGHTS = frozenset({"dense", "convolution", "recurrent", "cell", "attention", "weights"})  # "weights": of other layers
ACTIVATIONS = frozenset({"activation", "gate"})
POINTWISE = frozenset({"activation", "gate", "curve", "scalar", "sum", "product"})
PASSING = frozenset({"scalar", "pool", "shape", "join", "norm"})  # what hands units on as they are


def word_of(name: str) -> str:
    """Give the word of a name.

    Example:
        >>> word_of("AdaptiveAvgPool2d"), word_of("leaky_relu_"), word_of("conv_transpose1d")
        ('adaptiveavgpool', 'leakyrelu', 'convtranspose')
    """
    return re.sub(r"\dd$", "", name.lower().strip("_")).replace("_", "")


def name_of(node: fx.Node) -> str:
    """Give the name of the function or method that a step calls.

    Example:
        >>> graph = fx.symbolic_trace(lambda x: torch.relu(x).neg()).graph
        >>> [name_of(node) for node in graph.nodes][1:3]
        ['relu', 'neg']
    """
    return str(node.target) if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))


def dimensions_of(node: fx.Node, modules: Mapping[str, nn.Module]) -> int:
    """Give the number of axes of a convolution's maps."""
    name = type(modules[str(node.target)]).__name__ if node.op == "call_module" else name_of(node)
    module = modules.get(str(node.target))
    if isinstance(module, nn.modules.conv._ConvNd):
        return len(module.kernel_size)
    return int(re.findall(r"[123](?=d)", name)[-1])


def kinds_of(graph: fx.Graph, modules: Mapping[str, nn.Module]) -> dict[fx.Node, str]:
    """Give the kind of each step of a graph; "other" where it is not known."""
    kinds: dict[fx.Node, str] = {}
    for node in graph.nodes:
        kinds[node] = _kind_of(node, modules, kinds)
    return kinds


def _kind_of(node: fx.Node, modules: Mapping[str, nn.Module], kinds: Mapping[fx.Node, str]) -> str:
    if node.op in {"placeholder", "output"}:
        return node.op
    if node.op == "get_attr":
        return "constant"
    if node.op == "call_module":
        return _kind_of_layer(modules[str(node.target)])
    values = [one for one in node.all_input_nodes if kinds[one] not in {"constant", "measure"}]
    constants = [one for one in node.all_input_nodes if kinds[one] == "constant"]
    if node.all_input_nodes and not values:
        return "constant" if constants else "measure"  # made of constants, or of sizes
    kind = _KIND_OF_WORD.get(word_of(name_of(node)), "other")
    if kind == "matrix product":
        kind = "dense" if constants and len(values) == 1 else "other"
    elif kind in {"sum", "product"} and len(values) == 1:
        kind = "scalar"
    elif kind == "curve" and len(values) > 1:
        kind = "other"  # such as the larger one of two
    elif kind == "curve" and _is_rectifier(node):
        kind = "activation"
    elif node.target is operator.getitem and kinds[values[0]] == "join":
        kind = "join"  # one of the parts of a split
    return kind


def _is_rectifier(node: fx.Node) -> bool:
    """Say whether a step is ReLU under another name: clamp(min=0)."""
    if not word_of(name_of(node)).startswith(("clamp", "clip")):
        return False
    bounds = dict(zip(("min", "max"), node.args[1:], strict=False)) | node.kwargs
    return bounds.get("min") in {0} and bounds.get("max") is None


def _kind_of_layer(module: nn.Module) -> str:
    for types, kind in _TORCH_KINDS:
        if isinstance(module, types):
            return kind
    if is_dropper(module):
        return "dropout"
    for each in type(module).__mro__:
        known = _KIND_OF_WORD.get(word_of(each.__name__)) if each.__module__.startswith("torch.") else None
        if known is not None:
            return known
    return "weights" if any(True for _ in module.parameters()) else "other"
