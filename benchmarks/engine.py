"""The engine beside plain torch: 32 configs x 5 folds, dropout 0.2, L2, 20 epochs, 4,000 x 32 rows, depth 2.

    python benchmarks/engine.py                     # widths 32 and 64, batches of 128 and 32 rows
    python benchmarks/engine.py --quick --json

Two worker processes with one thread each do both sides' work in turns: while one side runs, it runs in both
processes, and the clock is the wall's. evenfit trains all 160 networks, in fleets; the peer, the best plain loop we
can write (`nn.Sequential`, fused AdamW, rows gathered once an epoch, no loader, gradients set to None), trains
`--peer-configs` of the 32 configs on all 5 folds, and its throughput is taken a network-epoch. Both validate every 5
epochs and start from the same weights. What a process does once (imports, loading compiled kernels, making the data)
is on neither clock.

`ratio` is evenfit's throughput over the peer's; `seconds` what all 160 networks take evenfit, `peer_seconds` what they
would take the peer; `quality` and `peer_quality` the mean validation log loss after the last epoch over the networks
that both trained, and `noise` the standard error of the mean difference, paired by network (the orders of rows and the
masks differ).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if str(Path(__file__).parent) in sys.path:  # no file beside this one may pass for a package
    sys.path.remove(str(Path(__file__).parent))

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from evenfit.data.encodings import InputShape
from evenfit.fleet.chance import member_seed
from evenfit.fleet.fleet import Fleet
from evenfit.fleet.layout import layout, starting_weights
from evenfit.fleet.member import Member
from evenfit.fleet.samples import Samples
from evenfit.specs.config import Config

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

ROWS, COLUMNS, CLASSES, FOLDS, CONFIGS, EPOCHS, EVERY = 4_000, 32, 4, 5, 32, 20, 5
WORKERS = 2
CASES = ((32, 128, 7.0), (64, 128, 4.0), (32, 32, 18.0), (64, 32, 9.0))  # width, batch, ratio that is asked for


def make_samples() -> Samples:
    """Standard normal inputs, classes drawn from a small random network's probabilities; the same for all folds."""

    random = np.random.default_rng(0)
    values = random.standard_normal((ROWS, COLUMNS)).astype(np.float32)
    hidden = np.tanh(values @ random.standard_normal((COLUMNS, 16)) / 3)
    chance = hidden @ random.standard_normal((16, CLASSES)) * 1.5 + random.gumbel(size=(ROWS, CLASSES))
    folds = np.array_split(random.permutation(ROWS), FOLDS)
    ones = np.ones((FOLDS, ROWS), dtype=np.float32)
    return Samples(
        shape=InputShape(numeric=COLUMNS, features=COLUMNS, cardinalities=()),
        outputs=CLASSES,
        classification=True,
        values=np.stack([values] * FOLDS),
        codes=np.zeros((FOLDS, ROWS, 0), dtype=np.int32),
        target=np.stack([chance.argmax(axis=1).astype(np.float32)] * FOLDS),
        row_weights=ones,
        balanced_weights=ones,
        prior=np.zeros((FOLDS, CLASSES)),
        training=[np.sort(np.concatenate([folds[j] for j in range(FOLDS) if j != i])) for i in range(FOLDS)],
        validation=[np.sort(fold) for fold in folds],
    )


def make_members(width: int, batch: int, epochs: int) -> list[Member]:
    """All folds of config after config: learning rates and strengths at random, the same for every case."""

    random = np.random.default_rng(1)
    members = []
    for number in range(CONFIGS):
        config = Config(
            width=width,
            depth=2,
            activation="relu",
            batch_rows=batch,
            numeric_embedding="none",
            input_scale_rate=0.0,
            epochs=epochs,
            schedule="constant",
            learning_rate=float(10 ** random.uniform(-3.5, -2.0)),
            second_momentum=0.999,
            l2=float(10 ** random.uniform(-3.0, -1.0)),
            dropout=0.2,
        )
        # a search pairs its configs by seed; here each has its own, so that the losses' noise averages out
        members += [Member(config=config, split=split, seed=member_seed(0, number, split)) for split in range(FOLDS)]
    return members


def train_fleet(members: list[Member], samples: Samples) -> list[float]:
    """Train members together; give each one's last validation loss."""

    fleet = Fleet(members, samples)
    rows = [samples.validation[member.split] for member in members]
    targets = [samples.target[member.split][one].astype(np.int64) for member, one in zip(members, rows, strict=True)]
    epochs, losses = members[0].config.epochs, []
    for epoch in range(1, epochs + 1):
        fleet.train_epoch()
        if epoch % EVERY == 0 or epoch == epochs:
            outputs = fleet.outputs(rows, fleet.learnt())
            losses = [log_loss(logits, target) for logits, target in zip(outputs, targets, strict=True)]
    return losses


def log_loss(logits: np.ndarray, target: np.ndarray) -> float:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return float((np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(target)), target]).mean())


def train_plainly(members: list[Member], samples: Samples) -> list[float]:
    """Train the same networks one after the other, as a good plain torch loop does."""
    return [_train_one(member, samples) for member in members]


def _train_one(member: Member, samples: Samples) -> float:

    config = member.config
    torch.manual_seed(member.seed % 2**31)
    inputs = torch.from_numpy(samples.values[member.split])
    target = torch.from_numpy(samples.target[member.split]).long()
    training = torch.from_numpy(samples.training[member.split])
    validation = torch.from_numpy(samples.validation[member.split])
    x, y, x_validation, y_validation = inputs[training], target[training], inputs[validation], target[validation]
    model = _starting_model(config, member, samples)
    decay = 2 * config.l2 / (1 + 2 * config.learning_rate * config.l2)  # the same shrink a step as the proximal form
    optimiser = torch.optim.AdamW(
        model.parameters(),
        lr=config.learning_rate,
        betas=(config.momentum, config.second_momentum),
        weight_decay=decay,
        fused=True,
    )
    batch, loss = config.batch_rows, 0.0
    whole = len(x) // batch * batch
    for epoch in range(1, config.epochs + 1):
        model.train()
        order = torch.randperm(len(x))[:whole]
        for inputs_now, targets_now in zip(x[order].split(batch), y[order].split(batch), strict=True):
            optimiser.zero_grad(set_to_none=True)
            cross_entropy(model(inputs_now), targets_now).backward()
            optimiser.step()
        if epoch % EVERY == 0 or epoch == config.epochs:
            model.eval()
            with torch.inference_mode():
                loss = float(cross_entropy(model(x_validation), y_validation))
    return loss


def _starting_model(config: Config, member: Member, samples: Samples) -> Any:
    """Build the network in plain torch, with the weights that the fleet's member starts from."""

    plan = layout(config, samples.shape, samples.outputs)
    row = torch.from_numpy(starting_weights(plan, member.seed, samples.prior[member.split])).float()
    layers: list[nn.Module] = []
    width = COLUMNS
    for weight in plan.weights():
        layers.append(nn.Linear(width, weight.shape[1]))
        bias = plan.block(weight.name.replace("weight", "bias"))
        with torch.no_grad():
            layers[-1].weight.copy_(row[weight.start : weight.stop].reshape(weight.shape).T)
            layers[-1].bias.copy_(row[bias.start : bias.stop])
        layers += [nn.ReLU(), nn.Dropout(config.dropout)]
        width = weight.shape[1]
    return nn.Sequential(*layers[:-2])


def work(orders: Connection) -> None:
    """Serve one process's turns: (side, members) in, losses out; None ends it."""

    torch.set_num_threads(1)
    samples = make_samples()
    sides = {"evenfit": train_fleet, "torch": train_plainly}
    orders.send("ready")
    while order := orders.recv():
        side, members = order
        orders.send(sides[side](members, samples))
    orders.close()


@dataclass
class Side:
    """What one side has done so far."""

    seconds: float = 0.0
    losses: dict[int, float] = field(default_factory=dict)  # by the network's number

    def take(self, workers: list[Connection], name: str, members: list[Member], shares: list[list[int]]) -> None:
        """Let all workers do a turn at once, and add it to the clock."""
        begin = time.perf_counter()
        for worker, share in zip(workers, shares, strict=True):
            worker.send((name, [members[i] for i in share]))
        answers = [worker.recv() for worker in workers]
        self.seconds += time.perf_counter() - begin
        for share, losses in zip(shares, answers, strict=True):
            self.losses |= dict(zip(share, losses, strict=True))


def measure(
    workers: list[Connection], width: int, batch: int, *, configs: int, peer_configs: int, fleet: int, epochs: int
) -> dict[str, Any]:
    """Run one case, the sides in turns, and lay their throughput and losses side by side."""
    members = make_members(width, batch, epochs)
    own = [[i for i in range(configs * FOLDS) if (i // FOLDS) % WORKERS == w] for w in range(WORKERS)]
    turns = -(-len(own[0]) // fleet)
    peers = [[i for i in share if i // FOLDS < peer_configs] for share in own]
    for name in ("evenfit", "torch"):  # compiled, loaded and in the cache before any clock runs
        Side().take(workers, name, make_members(width, batch, 1), [[0, 1]] * WORKERS)
    ours, theirs = Side(), Side()
    for turn in range(turns):
        ours.take(workers, "evenfit", members, [share[turn::turns] for share in own])
        theirs.take(workers, "torch", members, [share[turn::turns] for share in peers])
    both = sorted(theirs.losses)
    differences = np.array([ours.losses[i] - theirs.losses[i] for i in both])
    seconds, peer_seconds = (
        side.seconds / (len(side.losses) * epochs) * CONFIGS * FOLDS * EPOCHS for side in (ours, theirs)
    )
    return {
        "name": f"engine-width{width}-batch{batch}",
        "ratio": round(peer_seconds / seconds, 2),
        "seconds": round(seconds, 2),
        "peer_seconds": round(peer_seconds, 2),
        "quality": round(float(np.mean([ours.losses[i] for i in both])), 4),
        "peer_quality": round(float(np.mean([theirs.losses[i] for i in both])), 4),
        "noise": round(float(differences.std(ddof=1) / np.sqrt(len(both))), 4),
        "networks": len(ours.losses),
        "peer_networks": len(both),
    }


def main() -> None:
    """Measure the cases and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one object a line")
    parser.add_argument("--quick", action="store_true", help="8 configs, of which the peer trains 2, for 5 epochs")
    parser.add_argument("--peer-configs", type=int, default=8, help="configs that the peer trains (all: 32)")
    parser.add_argument("--fleet", type=int, default=40, help="members of one fleet")
    parser.add_argument("--cases", default="", help="only these, as 32x128,64x32 (width x batch)")
    options = parser.parse_args()
    configs, peer_configs, epochs = (8, 2, 5) if options.quick else (CONFIGS, options.peer_configs, EPOCHS)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[name] = "1"
    spawn = multiprocessing.get_context("spawn")
    workers: list[Connection] = []
    for _ in range(WORKERS):
        near, far = spawn.Pipe()
        spawn.Process(target=work, args=(far,), daemon=True).start()
        workers.append(near)
    for worker in workers:
        worker.recv()
    if not options.json:
        print(f"{configs} configs x {FOLDS} folds, {epochs} epochs; the peer trains {peer_configs} of them, scaled up")
    for width, batch, asked in CASES:
        if options.cases and f"{width}x{batch}" not in options.cases.split(","):
            continue
        sizes = {"configs": configs, "peer_configs": peer_configs, "fleet": options.fleet, "epochs": epochs}
        measured = measure(workers, width, batch, **sizes) | {"asked": asked}
        if options.json:
            print(json.dumps(measured), flush=True)
        else:
            print(
                f"width {width:3} batch {batch:3}: {measured['ratio']:5.1f} times the peer (asked: {asked:g}); "
                f"{measured['seconds']:.1f} s against {measured['peer_seconds']:.1f} s; validation log loss "
                f"{measured['quality']:.4f} against {measured['peer_quality']:.4f} (noise {measured['noise']:.4f})",
                flush=True,
            )
    for worker in workers:
        worker.send(None)


if __name__ == "__main__":
    main()
