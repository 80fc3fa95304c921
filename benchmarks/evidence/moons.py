"""Two moons: how strong should L2 be, and what does a strength mean to Adam?"""

from __future__ import annotations

from benchmarks.evidence import tutorial
from benchmarks.evidence.intervals import mean_of
from benchmarks.evidence.networks import ADAM, Effort, accuracies
from benchmarks.evidence.study import Study, Table
from benchmarks.evidence.tutorial import Tables, make_tables
from sklearn.datasets import make_moons

from evenfit.specs.config import Config

EPOCHS, ROW = 4000, 1 / 70  # what one row is worth
PUBLISHED = {0.1: 0.829, 0.01: 0.943, 0.001: 0.943, 1e-4: 0.929, 1e-5: 0.929, 1e-6: 0.914}
STRENGTHS = (10.0, 1.0, *PUBLISHED, 0.0)  # of the fleet: its steps are gentler
SETTING = """
`make_moons(100, noise=0.2)`: 30 rows to train on, 70 to judge by, so one row is 0.014. One hidden layer of 500 ReLU
units, Adam at 0.001, {epochs:,} epochs of one batch. Published: a Keras tutorial's single runs on the table of
`random_state=1`, with L2 as a term of the loss, on the hidden layer alone. Ours: {count} networks a strength, first
of the tutorial's form, then of a fleet, on that table and on as many fresh ones. A fleet's L2 is a proximal step
behind Adam's, w / (1 + 2 eta lambda), on both layers: decoupled, as AdamW's weight decay is, and with eta = 0.001
gentle. In the loss, Adam divides a gradient by its size: where the training rows are fitted and the penalty's is all
that is left, a weak penalty pulls nearly as hard as a strong one. So one lambda means two things. {difference}
"""


def study(effort: Effort) -> Study:
    """Train with every strength, as a term of the loss and as a proximal step."""
    count, epochs = effort.seeds, effort.epochs(EPOCHS)
    same, fresh = drawn([1] * count), drawn(range(2, count + 2))
    in_loss = {
        strength: tutorial.accuracies(same, epochs=epochs, rate=0.0, l2=strength, effort=effort)
        for strength in (*PUBLISHED, 0.0)
    }
    base = Config(**ADAM, width=tutorial.WIDTH, depth=1, batch_rows=32, learning_rate=1e-3, epochs=epochs)
    on_same, on_fresh = (
        accuracies(
            [base.with_values(l2=strength) for strength in STRENGTHS],
            tables.samples(),
            seeds=range(1, count + 1),
            splits=range(count),
            effort=effort,
        )[1]
        for tables in (same, fresh)
    )
    gains = [mean_of(found - on_fresh[-1]) for found in on_fresh]
    held = [strength for strength, accuracy in PUBLISHED.items() if abs(in_loss[strength].mean() - accuracy) < ROW]
    spread = max(in_loss[strength].std(ddof=1) for strength in PUBLISHED)
    best = max(range(len(STRENGTHS)), key=lambda i: on_fresh[i].mean())
    shown = [f"{STRENGTHS[i]:g}" for i, gain in enumerate(gains) if gain.low > 0]
    return Study(
        name="moons",
        title="Two moons: the strength of L2",
        setting=SETTING.format(epochs=epochs, count=count, difference=tutorial.DIFFERENCE),
        table=Table(
            columns=[
                "L2, test accuracy",
                "published",
                "in the loss, published table",
                "fleet's step, published table",
                "fleet's step, fresh tables",
                "gain over none, paired",
            ],
            rows=[
                [
                    f"{strength:g}" if strength else "none",
                    f"{PUBLISHED[strength]:.3f}" if strength in PUBLISHED else "",
                    mean_of(in_loss[strength]).text() if strength in in_loss else "",
                    mean_of(on_same[i]).text(),
                    mean_of(on_fresh[i]).text(),
                    gains[i].text(sign=True) if strength else "",
                ]
                for i, strength in enumerate(STRENGTHS)
            ],
        ),
        findings=[
            f"In the loss, as published, {len(held)} of {len(PUBLISHED)} strengths give on average the published "
            f"accuracy to within a row. The standard deviation over networks is at most {spread:.3f}.",
            f"As a fleet's step, the highest mean over fresh tables is at {STRENGTHS[best]:g}. "
            + (
                f"Shown to be better than none: {', '.join(shown)}."
                if shown
                else "None is shown to be better than none."
            ),
        ],
    )


def drawn(numbers: list[int] | range) -> Tables:
    return make_tables([make_moons(100, noise=0.2, random_state=number) for number in numbers])
