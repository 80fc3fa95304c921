"""Networks of convolutions for the laws of folding: layers in a row, and whether their dropout can be folded."""

from __future__ import annotations

from collections.abc import Callable

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

import evenfit.regularize as er

CHANNELS = 4
Layer = tuple[str, float]  # a kind and a rate

MAKES: dict[str, Callable[[float], nn.Module]] = {
    "conv": lambda _: nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1),
    "grouped conv": lambda _: nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, groups=2),
    "mirrored conv": lambda _: nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, padding_mode="reflect"),
    "dilated conv": lambda _: nn.Conv2d(CHANNELS, CHANNELS, 3, padding=2, dilation=2, bias=False),
    "transposed conv": lambda _: nn.ConvTranspose2d(CHANNELS, CHANNELS, 3, padding=1),
    "spatial": lambda rate: er.SpatialDropout(rate, form="original"),
    "elementwise": lambda rate: er.Dropout(rate, form="original"),
    "torch": nn.Dropout2d,
    "relu": lambda _: nn.ReLU(inplace=True),
    "max pool": lambda _: nn.MaxPool2d(3, 1, 1),
    "average pool": lambda _: nn.AvgPool2d(3, 1, 1),
    "power pool": lambda _: nn.LPPool2d(2, 1),
    "adaptive pool": lambda _: nn.AdaptiveAvgPool2d(8),
    "up and down": lambda _: nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear"), nn.AvgPool2d(2)),
    "zeros around": lambda _: nn.Sequential(nn.ZeroPad2d(1), nn.MaxPool2d(3, 1)),
    "copies around": lambda _: nn.Sequential(nn.ReplicationPad2d(1), nn.AvgPool2d(3, 1)),
    "ones around": lambda _: nn.Sequential(nn.ConstantPad2d(1, 1.0), nn.MaxPool2d(3, 1)),
    "batch norm": lambda _: nn.BatchNorm2d(CHANNELS),
    "instance norm": lambda _: nn.InstanceNorm2d(CHANNELS),
    "local norm": lambda _: nn.LocalResponseNorm(2),
    "sigmoid": lambda _: nn.Sigmoid(),
    "mish": lambda _: nn.Mish(),
    "softmax": lambda _: nn.Softmax2d(),
}
REASONS = {
    "ones around": "pads with a number other than 0",
    "batch norm": "normalisation",
    "instance norm": "normalisation",
    "local norm": "normalisation",
    "sigmoid": "positively homogeneous",
    "mish": "positively homogeneous",
    "softmax": "softmax",
}
DROPS = {"spatial", "elementwise"}
KINDS = (*MAKES, *(kind for kind in MAKES if kind not in REASONS))  # what lets a scale pass comes twice as often


def image_network(layers: list[Layer]) -> nn.Module:
    """Make a network of layers, with a flat end that has dropout of its own."""
    body = [MAKES[kind](rate) for kind, rate in [("conv", 0.0), *layers]]
    end = [nn.AdaptiveMaxPool2d(2), nn.Flatten(), er.Dropout(0.5, form="original"), nn.Linear(4 * CHANNELS, 3)]
    model = nn.Sequential(*body, *end)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean)
            nn.init.normal_(module.bias)
    return model


def image_reason(layers: list[Layer]) -> str:
    """Say why such a network cannot be folded: a word of the reason, "" if it can."""
    scaled = False
    for kind, _ in layers:
        if "conv" in kind:
            scaled = False
        elif kind in DROPS:
            scaled = True
        elif scaled and kind in REASONS:
            return REASONS[kind]
    return ""


def images() -> Tensor:
    """Images that the networks take."""
    return torch.randn(2, CHANNELS, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


IMAGE_NETWORKS = st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from((0.1, 0.5))), max_size=8)
