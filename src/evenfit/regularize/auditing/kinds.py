"""Kinds: what a step of a network does, told from the name of its function, method, operator or layer.

One table serves all of them: ``F.max_pool2d``, ``nn.MaxPool2d`` and ``aten.max_pool2d`` are one word, "maxpool".
"""

from __future__ import annotations

import re

from torch import nn

# Each word is a name in small letters, without underscores and without the number of dimensions.
_WORDS = {
    "attention": "multiheadattentionforward multiheadattention scaleddotproductattention transformerencoderlayer "
    "transformerdecoderlayer transformerencoder transformerdecoder transformer",
    "convolution": "conv convtranspose convolution thnnconv convtbc cudnnconvolution mkldnnconvolution",
    "dropout": "dropout alphadropout featuredropout featurealphadropout nativedropout",
    "embedding": "embedding embeddingbag",
    "linear": "linear bilinear matmul rmatmul mm bmm mv addmm baddbmm addmv einsum tensordot",
    "recurrent": "rnn lstm gru rnntanh rnnrelu rnncell lstmcell grucell rnntanhcell rnnrelucell",
    "batch_norm": "batchnorm syncbatchnorm nativebatchnorm nativebatchnormlegit nativebatchnormlegitnotraining "
    "cudnnbatchnorm batchnormwithupdate batchnormnoupdate",
    "instance_norm": "instancenorm",
    "group_norm": "groupnorm nativegroupnorm",
    "layer_norm": "layernorm rmsnorm nativelayernorm fusedrmsnorm",
    # leaves the sign and the zero of an input, and grows in step with it
    "rectifier": "relu leakyrelu prelu rrelu abs",
    "selu": "selu",
    "sigmoid": "sigmoid",
    "softmax": "softmax",
    "log_softmax": "logsoftmax",
    "activation": "threshold relu6 "
    " hardtanh elu celu gelu silu mish tanh softplus softsign hardswish hardsigmoid logsigmoid "
    "tanhshrink softshrink hardshrink softmin glu clamp clampmin clampmax exp log sqrt square pow sin cos erf",
    "pool": "maxpool avgpool adaptivemaxpool adaptiveavgpool lppool fractionalmaxpool maxpoolwithindices mean amax sum",
    "shape": "view viewas reshape reshapeas flatten unflatten unsafeview permute transpose t mt h mh swapaxes swapdims "
    "movedim moveaxis squeeze unsqueeze expand expandas contiguous getitem select slice narrow chunk split "
    "unbind to tocopy type typeas float double half bfloat clone detach data identity alias liftfresh "
    "liftfreshcopy indexselect flip roll channelshuffle real cpu cuda repeat tile setitem",
    "resize": "interpolate upsample upsamplenearest upsamplebilinear pad constantpadnd pixelshuffle pixelunshuffle "
    "zeropad reflectionpad replicationpad constantpad circularpad unfold fold",
    "join": "cat concat concatenate stack hstack vstack dstack",
    "sum": "add radd iadd sub rsub isub subtract",
    "product": "mul rmul imul multiply div truediv rtruediv itruediv divide neg",
    "loss": "crossentropy crossentropyloss nllloss binarycrossentropywithlogits binarycrossentropy kldiv mseloss "
    "loss smoothloss huberloss gaussiannllloss",
}
_RANDOM = {
    *("rand", "randlike", "randn", "randnlike", "randint", "randintlike", "randperm", "bernoulli", "normal", "uniform"),
    *("exponential", "cauchy", "geometric", "lognormal", "multinomial", "poisson", "gumbelsoftmax"),
}
KIND_OF_WORD = {word: kind for kind, words in _WORDS.items() for word in words.split()}

NORMS = frozenset({"batch_norm", "instance_norm", "group_norm", "layer_norm"})
WEIGHTED = frozenset({"attention", "convolution", "embedding", "linear", "recurrent", "opaque"})
ACTIVATIONS = frozenset({"rectifier", "selu", "sigmoid", "softmax", "log_softmax", "activation"})
SAME_UNITS = frozenset({"shape", "scale"})  # what passes its input's units on, moved or scaled


def word_of(name: str) -> str:
    """Give the word of a name.

    Example:
        >>> word_of("AdaptiveAvgPool2d"), word_of("leaky_relu_"), word_of("dropout.default")
        ('adaptiveavgpool', 'leakyrelu', 'dropout')
    """
    return re.sub(r"\dd(?=$|_|[a-z])", "", name.partition(".")[0].lower()).replace("_", "")


def kind_of(name: str) -> str:
    """Give the kind of a function, method or operator; "other" where it is not known.

    Example:
        >>> kind_of("max_pool2d"), kind_of("BatchNorm1d"), kind_of("fft_rfft")
        ('pool', 'batch_norm', 'other')
    """
    return KIND_OF_WORD.get(word_of(name), "other")


def is_random(name: str) -> bool:
    """Whether a function draws random numbers, other than dropout.

    Example:
        >>> is_random("torch.rand_like"), is_random("bernoulli_"), is_random("relu")
        (True, True, False)
    """
    return word_of(name.rpartition(".")[2]) in _RANDOM


def kind_of_layer(module: nn.Module) -> str:
    """Give the kind of a layer, from the first of its classes that has one."""
    for each in type(module).__mro__:
        if each.__module__.startswith(("torch.", "evenfit.")) and (known := _class_kind(each)) != "other":
            return known
    return "other"


def _class_kind(kind: type) -> str:
    if not kind.__module__.startswith("evenfit.regularize.dropout"):
        return kind_of(kind.__name__)
    return "recurrent" if kind.__name__ == "RecurrentDropout" else "dropout"
