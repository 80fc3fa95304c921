"""Two circles: does dropout help a network of 500 units that has 30 rows?"""

from __future__ import annotations

from benchmarks.evidence import tutorial
from benchmarks.evidence.intervals import Mean, effect, mean_of
from benchmarks.evidence.networks import ADAM, Array, Effort, accuracies
from benchmarks.evidence.study import Study, Table
from benchmarks.evidence.tutorial import Tables, make_tables
from sklearn.datasets import make_circles

from evenfit.specs.config import Config

EPOCHS, RATE = 4000, 0.4
PUBLISHED = {0.0: 0.757, RATE: 0.814}
REPEATED = "tutorial's network on the published table"
SETTING = """
`make_circles(100, noise=0.1)`: 30 rows to train on, 70 to judge by, so one row is 0.014. One hidden layer of 500 ReLU
units, Adam at 0.001, {epochs:,} epochs of one batch, dropout {rate:g} behind the hidden layer. Published: a Keras
tutorial's single runs on the table of `random_state=1`. Ours: {count} networks on that table, and one on each of
{count} other tables. {difference}
"""


def study(effort: Effort) -> Study:
    """Train with and without dropout: on the published table, and on as many tables drawn afresh."""
    count, epochs = effort.seeds, effort.epochs(EPOCHS)
    same, fresh = drawn([1] * count), drawn(range(2, count + 2))
    found = {
        f"{network} on {where}": test(tables, epochs=epochs, effort=effort)
        for network, test in (("tutorial's network", of_tutorial), ("fleet", of_fleet))
        for where, tables in (("the published table", same), ("fresh tables", fresh))
    }
    gains = {name: mean_of(with_dropout - without) for name, (without, with_dropout) in found.items()}
    published = PUBLISHED[RATE] - PUBLISHED[0.0]
    rows = [
        [f"dropout {rate:g}" if rate else "no dropout", f"{PUBLISHED[rate]:.3f}"]
        + [mean_of(values[number]).text() for values in found.values()]
        for number, rate in enumerate(PUBLISHED)
    ]
    rows.append(["gain, paired", f"{published:+.3f}", *(one.text(sign=True) for one in gains.values())])
    best = max(one[1].max() for name, one in found.items() if "published" in name)
    return Study(
        name="circles",
        title="Two circles: dropout on 30 rows",
        setting=SETTING.format(epochs=epochs, rate=RATE, count=count, difference=tutorial.DIFFERENCE),
        table=Table(columns=["test accuracy", "published", *found], rows=rows),
        findings=[
            *(_finding(name, gain) for name, gain in gains.items()),
            f"The published gain of {published:+.3f}, of one run each, lies {gains[REPEATED].beside(published)} of the "
            f"mean gain of the {REPEATED}. The best of our {2 * count} networks with dropout on that table reached "
            f"{best:.3f}.",
        ],
    )


def drawn(numbers: list[int] | range) -> Tables:
    return make_tables([make_circles(100, noise=0.1, random_state=number) for number in numbers])


def of_tutorial(tables: Tables, *, epochs: int, effort: Effort) -> tuple[Array, ...]:
    """Test accuracies of the tutorial's networks, one a table: without and with dropout."""
    return tuple(tutorial.accuracies(tables, epochs=epochs, rate=rate, l2=0.0, effort=effort) for rate in PUBLISHED)


def of_fleet(tables: Tables, *, epochs: int, effort: Effort) -> tuple[Array, ...]:
    """Test accuracies of a fleet's networks, one a table: without and with dropout."""
    config = Config(**ADAM, width=tutorial.WIDTH, depth=1, batch_rows=32, learning_rate=1e-3, epochs=epochs)
    configs = [config.with_values(dropout=rate) for rate in PUBLISHED]
    count = len(tables.x)
    return tuple(
        accuracies(configs, tables.samples(), seeds=range(1, count + 1), splits=range(count), effort=effort)[1]
    )


def _finding(name: str, gain: Mean) -> str:
    return f"The {name}: with dropout it is {effect(gain)}, {gain.text(sign=True)}."
