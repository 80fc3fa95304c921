"""The proximal step beside plain AdamW, and beside the penalty in the loss: a 3 x 512 network, batches of 128 rows.

    python benchmarks/proximal.py
    python benchmarks/proximal.py --quick --json

Two networks start from the same weights and learn the same rows in the same order, in turns of a few steps in one
thread; the ratio is the median over pairs of turns. The target is a small random network of 16 of the 512
columns, with noise. "step" rows time the optimiser's step alone, gradients given: `Proximal(AdamW)` against AdamW, all
with `foreach`, the default, and once fused. "training" rows time forward, backward and step: `Proximal(AdamW)` against
AdamW with the penalty in the loss.

`ratio` is the peer's seconds over evenfit's: above 1, evenfit is faster; of a "step" row it is at most 1, and what it
lacks is the overhead. `quality` and `peer_quality` are mean squared errors on fresh rows after the last turn, and
`zeros` and `peer_zeros` the shares of weights that are exactly 0.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if str(Path(__file__).parent) in sys.path:  # no file beside this one may pass for a package
    sys.path.remove(str(Path(__file__).parent))

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

import evenfit.regularize as er

if TYPE_CHECKING:
    from collections.abc import Callable

    from evenfit.regularize.penalties.penalty import Penalty

ROWS, COLUMNS, BATCH, WIDTH, DEPTH, RATE = 4_096, 512, 128, 512, 3, 1e-3
PENALTIES: dict[str, Penalty] = {
    "L1": er.L1(0.05),
    "L2": er.L2(0.05),
    "elastic net": er.ElasticNet(0.05, beta=0.5),
    "group lasso": er.GroupLasso(0.2),
    "max-norm": er.MaxNorm(1.0),
}


def make_rows(seed: int) -> tuple[Tensor, Tensor]:
    """Inputs, of which 16 columns matter, and a target with noise of a tenth of its variance."""
    random = torch.Generator().manual_seed(seed)
    teacher = torch.Generator().manual_seed(0)
    x = torch.randn(ROWS, COLUMNS, generator=random)
    hidden = torch.tanh(x[:, :16] @ torch.randn(16, 8, generator=teacher) / 4)
    signal = hidden @ torch.randn(8, 1, generator=teacher)
    return x, signal / signal.std() + 0.3 * torch.randn(ROWS, 1, generator=random)


def make_model() -> nn.Module:
    torch.manual_seed(0)
    widths = [COLUMNS] + [WIDTH] * DEPTH
    layers = [layer for one, next_one in itertools.pairwise(widths) for layer in (nn.Linear(one, next_one), nn.ReLU())]
    return nn.Sequential(*layers, nn.Linear(WIDTH, 1))


class Side:
    """One network and its optimiser, with its own clock."""

    def __init__(self, *, penalty: Penalty | None, in_loss: bool, fused: bool) -> None:
        self.model = make_model()
        self.in_loss = penalty if in_loss else None
        options = {"fused": True} if fused else {"foreach": True}
        self.optimiser = torch.optim.AdamW(self.model.parameters(), lr=RATE, weight_decay=0.0, **options)
        if penalty is not None and not in_loss:
            self.optimiser = er.Proximal(self.optimiser, penalty, model=self.model)
        self.turns: list[float] = []

    def backward(self, x: Tensor, y: Tensor) -> None:
        self.optimiser.zero_grad(set_to_none=True)
        loss = mse_loss(self.model(x), y)
        (loss if self.in_loss is None else loss + self.in_loss(self.model)).backward()

    def take(self, batches: list[tuple[Tensor, Tensor]], *, whole: bool) -> None:
        """Take a turn: a step for each batch; the clock is the whole step's, or the optimiser's alone."""
        spent = 0.0
        for x, y in batches:
            begin = time.perf_counter()
            self.backward(x, y)
            if not whole:
                begin = time.perf_counter()
            self.optimiser.step()
            spent += time.perf_counter() - begin
        self.turns.append(spent / len(batches))

    def timed(self) -> list[float]:
        return self.turns[len(self.turns) // 4 :]  # the first turns warm up

    def seconds(self) -> float:
        return statistics.median(self.timed())

    @torch.inference_mode()
    def quality(self, x: Tensor, y: Tensor) -> float:
        return float(mse_loss(self.model(x), y))


def measure(name: str, penalty: Penalty, *, whole: bool, fused: bool, turns: int, steps: int) -> dict[str, Any]:
    """Let both sides take turns, each first in half of them."""
    x, y = make_rows(1)
    ours = Side(penalty=penalty, in_loss=False, fused=fused)
    peer = Side(penalty=penalty if whole else None, in_loss=whole, fused=fused)
    random = torch.Generator().manual_seed(2)
    for turn in range(turns):
        rows = [torch.randint(ROWS, (BATCH,), generator=random) for _ in range(steps)]
        batches = [(x[one], y[one]) for one in rows]
        for side in (ours, peer) if turn % 2 else (peer, ours):
            side.take(batches, whole=whole)
    fresh = make_rows(3)
    return {
        "name": f"{name}, {'training against the penalty in the loss' if whole else 'step against AdamW alone'}"
        + (", fused" if fused else ""),
        "ratio": ratio(ours, peer),
        "seconds": ours.seconds(),
        "peer_seconds": peer.seconds(),
        "quality": ours.quality(*fresh),
        "peer_quality": peer.quality(*fresh),
        "zeros": er.sparsity(ours.model).share,
        "peer_zeros": er.sparsity(peer.model).share,
    }


def ratio(ours: Side, peer: Side) -> float:
    """Give the median over turns, each beside the other's of the same time, whatever else the machine did then."""
    return statistics.median(theirs / own for own, theirs in zip(ours.timed(), peer.timed(), strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few turns: ratios are noisy, qualities those of a start")
    parser.add_argument("--json", action="store_true", help="one object a line")
    options = parser.parse_args()
    torch.set_num_threads(1)
    turns, steps = (8, 5) if options.quick else (40, 8)
    report: Callable[[dict[str, Any]], None] = show_json if options.json else show
    for name, penalty in PENALTIES.items():
        report(measure(name, penalty, whole=False, fused=False, turns=turns, steps=steps))
        report(measure(name, penalty, whole=False, fused=True, turns=turns, steps=steps))
        if not isinstance(penalty, er.MaxNorm):  # a bound has no value to put into a loss
            report(measure(name, penalty, whole=True, fused=False, turns=turns, steps=steps))


def show_json(found: dict[str, Any]) -> None:
    print(json.dumps(found), flush=True)


def show(found: dict[str, Any]) -> None:
    print(
        f"{found['name']}: {1e6 * found['seconds']:,.0f} us against {1e6 * found['peer_seconds']:,.0f} us, "
        f"ratio {found['ratio']:.2f}; error {found['quality']:.3f} against {found['peer_quality']:.3f}, "
        f"zeros {found['zeros']:.1%} against {found['peer_zeros']:.1%}",
        flush=True,
    )


if __name__ == "__main__":
    main()
