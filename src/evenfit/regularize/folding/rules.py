"""Rules: through which layers, functions and methods a scale may pass, and why not through others.

To add one, name its rule here; ``tests/regularize/folding/test_rules.py`` then holds it to f(s x) = s f(x).
"""

from __future__ import annotations

import operator
from collections.abc import Callable

import torch
from torch import fx, nn
from torch.nn import functional as F  # noqa: N812 - everybody's name for it
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm
from torch.nn.utils import rnn

from evenfit.regularize.folding.passing import (
    Rule,
    asks,
    attends,
    chooses,
    concatenates,
    converts,
    divides,
    elementwise,
    evaluates,
    fills,
    joins,
    mixes,
    moves,
    multiplies,
    packs,
    pads,
    pairs,
    stacks,
    unpacks,
    zero_bounds,
    zero_threshold,
)

NOT_HOMOGENEOUS = "is not positively homogeneous: f(s x) is not s f(x)"
NORMALISES = "is a normalisation: it takes the scale of its input away"
STATISTICS = "is a batch normalisation: the stored mean that it subtracts does not carry the scale"
SOFTMAX = "is a softmax, and not linear: scaled scores give other shares"
ATTENTION = "is attention: a softmax of its input, which is not linear"
UNKNOWN = "is not known to pass a scale on exactly"

LAYERS: dict[type[nn.Module], Rule] = {
    **dict.fromkeys((nn.Identity, nn.LeakyReLU, nn.PReLU, nn.ReLU, nn.RReLU), elementwise),
    **dict.fromkeys((nn.ChannelShuffle, nn.Flatten, nn.PixelShuffle, nn.PixelUnshuffle, nn.Unflatten), moves),
    **dict.fromkeys((nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d), mixes),
    **dict.fromkeys((nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d), mixes),
    **dict.fromkeys((nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d), mixes),
    **dict.fromkeys((nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d), mixes),
    **dict.fromkeys((nn.LPPool1d, nn.LPPool2d, nn.LPPool3d), mixes),
    **dict.fromkeys((nn.Upsample, nn.UpsamplingBilinear2d, nn.UpsamplingNearest2d), mixes),
    **dict.fromkeys((nn.Fold, nn.Unfold), moves),
    **dict.fromkeys((nn.ConstantPad1d, nn.ConstantPad2d, nn.ConstantPad3d), pads),
    **dict.fromkeys((nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d), pads),
    **dict.fromkeys((nn.ReflectionPad1d, nn.ReflectionPad2d, nn.ReflectionPad3d), pads),
    **dict.fromkeys((nn.ReplicationPad1d, nn.ReplicationPad2d, nn.ReplicationPad3d), pads),
    **dict.fromkeys((nn.CircularPad1d, nn.CircularPad2d, nn.CircularPad3d), pads),
    nn.Threshold: zero_threshold,
}

FUNCTIONS: dict[str, Rule] = {
    **dict.fromkeys(("abs", "clone", "contiguous", "detach", "leaky_relu", "neg", "pos", "positive"), elementwise),
    **dict.fromkeys(("prelu", "real", "relu", "values"), elementwise),
    **dict.fromkeys(("broadcast_to", "channel_shuffle", "chunk", "expand", "expand_as", "flatten", "flip"), moves),
    **dict.fromkeys(("fold", "reshape_as", "view_as"), moves),
    **dict.fromkeys(("gather", "getitem", "index_select", "mT", "movedim", "moveaxis", "narrow", "permute"), moves),
    **dict.fromkeys(("pixel_shuffle", "pixel_unshuffle", "ravel", "repeat", "repeat_interleave"), moves),
    **dict.fromkeys(("reshape", "roll", "select", "split", "squeeze", "swapaxes", "swapdims", "T", "t"), moves),
    **dict.fromkeys(("take_along_dim", "tensor_split", "tile", "transpose", "tril", "triu", "unbind"), moves),
    **dict.fromkeys(("unflatten", "unfold", "unsqueeze", "view"), moves),
    **dict.fromkeys(("amax", "amin", "mean", "sum", "interpolate"), mixes),
    **dict.fromkeys(("avg_pool1d", "avg_pool2d", "avg_pool3d"), mixes),
    **dict.fromkeys(("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"), mixes),
    **dict.fromkeys(("max_pool1d", "max_pool2d", "max_pool3d"), mixes),
    **dict.fromkeys(("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d"), mixes),
    **dict.fromkeys(("lp_pool1d", "lp_pool2d", "lp_pool3d"), mixes),
    **dict.fromkeys(("max_pool1d_with_indices", "max_pool2d_with_indices", "max_pool3d_with_indices"), mixes),
    **dict.fromkeys(("max", "min"), pairs),
    **dict.fromkeys(("add", "maximum", "minimum", "sub"), joins),
    **dict.fromkeys(("hstack", "stack", "vstack"), stacks),
    "cat": concatenates,
    **dict.fromkeys(("bmm", "einsum", "matmul", "mm", "mul", "mv"), multiplies),
    "div": divides,
    **dict.fromkeys(("clamp", "clamp_min", "clamp_max"), zero_bounds),
    "threshold": zero_threshold,
    "masked_fill": fills,
    "where": chooses,
    "pad": pads,
    **dict.fromkeys(("bfloat16", "cpu", "cuda", "double", "float", "half", "to"), converts),
    "rrelu": evaluates,
    "scaled_dot_product_attention": attends,
    "pack_padded_sequence": packs,
    "pad_packed_sequence": unpacks,
    **dict.fromkeys(("device", "dim", "dtype", "ndim", "numel", "shape", "size"), asks),
}

ALSO = {  # other names of the same
    "absolute": "abs",
    "clip": "clamp",
    "concat": "cat",
    "concatenate": "cat",
    "divide": "div",
    "iadd": "add",
    "imul": "mul",
    "isub": "sub",
    "itruediv": "div",
    "multiply": "mul",
    "negative": "neg",
    "_threshold": "threshold",
    "subtract": "sub",
    "true_divide": "div",
    "truediv": "div",
}

WHY_NOT_LAYERS: dict[tuple[type[nn.Module], ...], str] = {
    (_BatchNorm,): STATISTICS,
    (_InstanceNorm, nn.CrossMapLRN2d, nn.GroupNorm, nn.LayerNorm, nn.LocalResponseNorm, nn.RMSNorm): NORMALISES,
    (nn.LogSoftmax, nn.Softmax, nn.Softmax2d, nn.Softmin, nn.AdaptiveLogSoftmaxWithLoss): SOFTMAX,
    (nn.MultiheadAttention, nn.Transformer, nn.TransformerDecoder, nn.TransformerEncoder): ATTENTION,
    (nn.TransformerDecoderLayer, nn.TransformerEncoderLayer): ATTENTION,
    (nn.CELU, nn.ELU, nn.GELU, nn.GLU, nn.Hardshrink, nn.Hardsigmoid, nn.Hardswish, nn.Hardtanh): NOT_HOMOGENEOUS,
    (nn.LogSigmoid, nn.Mish, nn.ReLU6, nn.SELU, nn.SiLU, nn.Sigmoid, nn.Softplus): NOT_HOMOGENEOUS,
    (nn.Softshrink, nn.Softsign, nn.Tanh, nn.Tanhshrink): NOT_HOMOGENEOUS,
}

WHY_NOT_FUNCTIONS: dict[str, str] = {
    "batch_norm": STATISTICS,
    **dict.fromkeys(("group_norm", "instance_norm", "layer_norm", "local_response_norm"), NORMALISES),
    **dict.fromkeys(("normalize", "rms_norm"), NORMALISES),
    **dict.fromkeys(("gumbel_softmax", "log_softmax", "logsumexp", "softmax", "softmin"), SOFTMAX),
    "multi_head_attention_forward": ATTENTION,
    **dict.fromkeys(("celu", "cos", "elu", "erf", "exp", "gelu", "glu", "hardshrink", "hardsigmoid"), NOT_HOMOGENEOUS),
    **dict.fromkeys(("hardswish", "hardtanh", "log", "log1p", "log_sigmoid", "logsigmoid", "mish"), NOT_HOMOGENEOUS),
    **dict.fromkeys(("pow", "relu6", "selu", "sigmoid", "silu", "sin", "softplus", "softshrink"), NOT_HOMOGENEOUS),
    **dict.fromkeys(("softsign", "sqrt", "square", "tanh", "tanhshrink"), NOT_HOMOGENEOUS),
}


def _known() -> dict[Callable[..., object], str]:
    """Find torch's own functions of those names; a function of the user's that has such a name is none of them."""
    found: dict[Callable[..., object], str] = {}
    names_of = {torch: [*RULED, *ALSO], F: [*RULED, *ALSO], operator: OPERATORS, rnn: PACKING}
    for home, names in names_of.items():
        for name in names:
            for spelling in (name, f"{name}_"):
                function = getattr(home, spelling, None)
                if callable(function) and not isinstance(function, type):
                    found[function] = ALSO.get(name, name)
    return found


# Those whose rules are not in the table above: they take a scale into their weights, or drop.
OTHERS = (
    *("addmm", "baddbmm", "bilinear", "linear"),
    *("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
    *("alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout", "feature_dropout"),
)
PACKING = ("pack_padded_sequence", "pad_packed_sequence")
OPERATORS = (
    *("abs", "add", "getitem", "iadd", "imul", "isub", "itruediv"),
    *("matmul", "mul", "neg", "pos", "pow", "sub", "truediv"),
)
RULED = (*FUNCTIONS, *WHY_NOT_FUNCTIONS, *OTHERS)
_KNOWN = _known()


def name_of(node: fx.Node) -> str:
    """Give the name of a step's function or method: one name, in whatever way it is spelt; "" for an unknown one."""
    if node.op == "call_method":
        name = str(node.target).removesuffix("_")
        return ALSO.get(name, name)
    if node.target is getattr:
        return str(node.args[1])
    return _KNOWN.get(node.target, "") if callable(node.target) else ""


def in_place(node: fx.Node, module: nn.Module | None) -> bool:
    """Whether a step changes its input."""
    if module is not None:
        return bool(getattr(module, "inplace", False))
    if node.op == "call_method":
        return str(node.target).endswith("_")
    spelling = getattr(node.target, "__name__", "")
    changing = node.target in {operator.iadd, operator.imul, operator.isub, operator.itruediv}
    return changing or spelling.endswith("_") or node.kwargs.get("inplace") is True


def layer_rule(module: nn.Module) -> Rule | None:
    """Give the rule of a layer: of its own type, or of one that it inherits its forward from."""
    for kind in type(module).__mro__:
        if kind in LAYERS:
            return LAYERS[kind]
        if "forward" in vars(kind):
            return None
    return None


def why_not(module: nn.Module | None, name: str) -> str:
    """Give the reason why a scale does not pass."""
    if module is None:
        return WHY_NOT_FUNCTIONS.get(name, UNKNOWN)
    return next((reason for kinds, reason in WHY_NOT_LAYERS.items() if isinstance(module, kinds)), UNKNOWN)
