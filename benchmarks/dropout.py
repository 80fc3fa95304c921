"""Dropout beside torch's own, forward and backward, in training mode, one thread each.

    python benchmarks/dropout.py
    python benchmarks/dropout.py --json --threads 2 --kinds elementwise,seeded --sizes 128x256

The layers `er.Dropout` and `nn.Dropout` (and their kin) are called on the same input and given the same gradient, in
turns in one process. `seconds` is the median of one call forward and backward, autograd's and Python's share included;
`ratio` the median of torch's time over ours, pair by pair: above 1, ours is faster. `fastest` is the same ratio of the
shortest times. `quality` and `peer_quality` are how far the share of units that were kept, over all calls, lies from
1 - rate, in standard errors of a fair mask: below 3 all is well. What is done once (imports, loading compiled code) is
on neither clock.

Kinds: elementwise (masks from torch's generator), seeded (masks a function of the layer's seed and count of calls),
members (a rate for each row of the input; torch has a call for each), half (bfloat16), spatial (whole maps; the sizes
are then rows x channels of 14 x 14), gaussian (against randn and a product, in torch's operations), twin (without
numba: what other devices and Pythons without it get).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

if str(Path(__file__).parent) in sys.path:  # no file beside this one may pass for a package
    sys.path.remove(str(Path(__file__).parent))

import torch
from torch import Tensor, nn
from torch.nn import functional

import evenfit.regularize as er
from evenfit.regularize.dropout import products

RATE = 0.3
SIZES = ("32x64", "128x64", "128x256", "512x512", "1024x1024")
Layer = Callable[[Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class Contest:
    """Our layer and torch's, and an input for both."""

    ours: Layer
    peer: Layer
    shape: tuple[int, ...]
    kind: torch.dtype = torch.float32
    units: int = 1  # how many numbers are dropped together


def gaussian_by_torch(input: Tensor) -> Tensor:
    return input * (1 + (RATE / (1 - RATE)) ** 0.5 * torch.randn_like(input))


def members_by_torch(input: Tensor) -> Tensor:
    return torch.stack([functional.dropout(row, RATE) for row in input])


def contest(kind: str, size: tuple[int, ...]) -> Contest:
    ours, peer = er.Dropout(RATE), nn.Dropout(RATE)
    if kind == "seeded":
        return Contest(ours=er.Dropout(RATE, seed=1), peer=peer, shape=size)
    if kind == "half":
        return Contest(ours=ours, peer=peer, shape=size, kind=torch.bfloat16)
    if kind == "spatial":
        return Contest(ours=er.SpatialDropout(RATE), peer=nn.Dropout2d(RATE), shape=(*size, 14, 14), units=196)
    if kind == "gaussian":
        return Contest(ours=er.GaussianDropout(RATE), peer=gaussian_by_torch, shape=size)
    if kind == "members":
        rates = [RATE] * size[0]
        return Contest(
            ours=lambda input: er.elementwise_dropout(input, rate=rates, training=True),
            peer=members_by_torch,
            shape=size,
        )
    return Contest(ours=ours, peer=peer, shape=size)


def once(layer: Layer, input: Tensor, gradient: Tensor) -> float:
    """Give the seconds of one call, forward and backward."""
    begin = time.perf_counter()
    layer(input).backward(gradient)
    seconds = time.perf_counter() - begin
    input.grad = None
    return seconds


def fairness(layer: Layer, one: Contest, calls: int = 20) -> float:
    """Give how many standard errors the share of kept units lies from the rate's."""
    ones = torch.ones(one.shape, dtype=one.kind)
    with torch.no_grad():
        kept = sum(float((layer(ones) != 0).float().mean()) for _ in range(calls)) / calls
    count = calls * ones.numel() / one.units
    return abs(kept - (1 - RATE)) / (RATE * (1 - RATE) / count) ** 0.5


def measure(kind: str, size: tuple[int, ...], seconds: float) -> dict[str, object]:
    one = contest(kind, size)
    input = torch.randn(one.shape).to(one.kind).requires_grad_()
    gradient = torch.randn(one.shape).to(one.kind)
    for layer in (one.ours, one.peer):
        once(layer, input, gradient)  # what is done once
    ours, peer = [], []
    end = time.perf_counter() + seconds
    while len(ours) < 5 or (time.perf_counter() < end and len(ours) < 5000):
        ours.append(once(one.ours, input, gradient))
        peer.append(once(one.peer, input, gradient))
    noise = kind == "gaussian"  # nothing is dropped: there is no share to look at
    return {
        "name": f"{kind} {'x'.join(map(str, one.shape))}",
        "ratio": statistics.median(two / own for own, two in zip(ours, peer, strict=True)),
        "fastest": min(peer) / min(ours),
        "seconds": statistics.median(ours),
        "peer_seconds": statistics.median(peer),
        "quality": None if noise else fairness(one.ours, one),
        "peer_quality": None if noise else fairness(one.peer, one),
        "pairs": len(ours),
        "threads": torch.get_num_threads(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", default="elementwise,seeded,members,half,spatial,gaussian,twin")
    parser.add_argument("--sizes", default=",".join(SIZES))
    parser.add_argument("--seconds", type=float, default=1.0, help="for each kind and size")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="one object a line")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    for kind in options.kinds.split(","):
        for text in options.sizes.split(","):
            size = tuple(int(number) for number in text.split("x"))
            if kind == "spatial" and size[0] * size[1] > 128 * 64:
                continue  # 14 x 14 maps of more would leave the memory that anyone gives a batch
            with patch.object(products, "passes", (lambda _: None) if kind == "twin" else products.passes):
                found = measure(kind, size, options.seconds)
            if options.json:
                print(json.dumps(found), flush=True)
            else:
                print(
                    f"{found['name']}: {1e6 * float(str(found['seconds'])):.0f} us, "
                    f"{float(str(found['ratio'])):.1f} times as fast as torch's",
                    flush=True,
                )


if __name__ == "__main__":
    main()
