"""Small models, each with one mistake, and each beside its right twin."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import nn

import evenfit.regularize as er

F = nn.functional


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A mistake, where it is, and what its evidence says."""

    check: str
    wrong: Callable[[], nn.Module]
    right: Callable[[], nn.Module]
    layer: str
    severity: str
    evidence: str  # a pattern
    shape: tuple[int, ...] = (16, 8)
    measured: bool = False  # cannot be seen without a sample
    keywords: Callable[[nn.Module], dict] = field(default=lambda model: {})
    right_keywords: Callable[[nn.Module], dict] | None = None
    name: str = ""

    @property
    def label(self):
        return f"{self.check}{f'-{self.name}' if self.name else ''}"


class Forward(nn.Module):
    """A module with a forward of one's own."""

    def __init__(self, forward, **modules):
        super().__init__()
        self.code = forward
        for name, module in modules.items():
            setattr(self, name, module)

    def forward(self, x):
        return self.code(self, x)


def dense(*layers, inputs=8, outputs=3):
    """Two linear layers with others between."""
    return nn.Sequential(nn.Linear(inputs, 8), nn.ReLU(), *layers, nn.Linear(8, outputs))


def maps(dropout):
    return nn.Sequential(
        *(nn.Conv2d(3, 8, 3), nn.ReLU(), dropout, nn.Conv2d(8, 4, 3), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)),
    )


class KeepProbability(nn.Module):
    def __init__(self, keep_prob=0.8):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Dropout(keep_prob))
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.body(x))


class DropProbability(KeepProbability):
    def __init__(self, keep_prob=0.8):
        super().__init__()
        self.body[2] = nn.Dropout(1 - keep_prob)


class Listed(nn.Module):
    """Keeps its dropout where eval() does not find it."""

    def __init__(self, keep=list):
        super().__init__()
        self.first, self.last = nn.Linear(8, 8), nn.Linear(8, 3)
        self.drops = keep([nn.Dropout(0.4)])

    def forward(self, x):
        return self.last(self.drops[0](self.first(x)))


class Always(nn.Dropout):
    def forward(self, input):
        return F.dropout(input, self.p, training=True)


def left_in_training():
    model = dense(nn.Dropout(0.5)).eval()
    model[2].train()
    return model


def shared():
    drop = nn.Dropout(0.3)
    return nn.Sequential(nn.Linear(8, 8), nn.ReLU(), drop, nn.Linear(8, 8), nn.ReLU(), drop, nn.Linear(8, 3))


def own():
    return nn.Sequential(*(each if i != 5 else nn.Dropout(0.3) for i, each in enumerate(shared())))


def normalised(*, bias=False):
    return nn.Sequential(nn.Linear(8, 8, bias=bias), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))


def decayed(kind, **options):
    return lambda model: {"optimiser": kind(model.parameters(), lr=0.1, **options)}


def split(model):
    groups = [
        {"params": [p for p in model.parameters() if p.ndim > 1]},
        {"params": [p for p in model.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return {"optimiser": torch.optim.AdamW(groups, weight_decay=0.1)}


def loss(value):
    return lambda model: {"loss": value}


MISTAKES = [
    Mistake(
        check="elementwise-between-convolutions",
        wrong=lambda: maps(nn.Dropout(0.25)),
        right=lambda: maps(nn.Dropout2d(0.25)),
        layer="2",
        severity="warning",
        evidence=r"Dropout of rate 0\.25 drops single units.* between 0 and 3",
        shape=(4, 3, 9, 9),
    ),
    Mistake(
        check="high-rate",
        wrong=lambda: dense(nn.Dropout(0.6)),
        right=lambda: dense(nn.Dropout(0.5)),
        layer="2",
        severity="warning",
        evidence=r"rate 0\.6 keeps 40% of the hidden units",
    ),
    Mistake(
        check="high-rate",
        name="input",
        wrong=lambda: nn.Sequential(nn.Dropout(0.4), *dense()),
        right=lambda: nn.Sequential(nn.Dropout(0.3), *dense()),
        layer="0",
        severity="warning",
        evidence=r"rate 0\.4 keeps 60% of the input units",
    ),
    Mistake(
        check="high-rate",
        name="all",
        wrong=lambda: dense(nn.Dropout(1.0)),
        right=lambda: dense(nn.Dropout(0.5)),
        layer="2",
        severity="error",
        evidence="drops everything",
    ),
    Mistake(
        check="high-rate",
        name="attention",
        wrong=lambda: Forward(lambda s, x: s.out(s.mix(x, x, x)[0]), mix=_attention(0.7), out=nn.Linear(8, 3)),
        right=lambda: Forward(lambda s, x: s.out(s.mix(x, x, x)[0]), mix=_attention(0.1), out=nn.Linear(8, 3)),
        layer="mix",
        severity="warning",
        evidence=r"rate 0\.7",
        shape=(4, 5, 8),
    ),
    Mistake(
        check="dropout-on-output",
        wrong=lambda: nn.Sequential(*dense(), nn.Dropout(0.5)),
        right=lambda: dense(nn.Dropout(0.5)),
        layer="3",
        severity="error",
        evidence=r"follows 2 \(Linear\), and nothing with weights follows it: it zeroes 50%",
    ),
    Mistake(
        check="dropout-on-output",
        name="before-softmax",
        wrong=lambda: nn.Sequential(*dense(), nn.Dropout(0.5), nn.LogSoftmax(dim=1)),
        right=lambda: nn.Sequential(*dense(nn.Dropout(0.5)), nn.LogSoftmax(dim=1)),
        layer="3",
        severity="error",
        evidence="nothing with weights follows",
    ),
    Mistake(
        check="dropout-before-batch-norm",
        wrong=lambda: nn.Sequential(nn.Linear(8, 8), nn.Dropout(0.5), nn.BatchNorm1d(8), nn.Linear(8, 3)),
        right=lambda: nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3)),
        layer="1",
        severity="warning",
        evidence=r"the variance at the input of 2 is \d\.\d\d times as large in training .* 1/k = 2\.",
        shape=(64, 8),
        measured=True,
    ),
    Mistake(
        check="dropout-at-inference",
        name="list",
        wrong=Listed,
        right=lambda: Listed(nn.ModuleList),
        layer="drops[0]",
        severity="error",
        evidence=r"not registered, so that eval\(\) does not reach it",
    ),
    Mistake(
        check="dropout-at-inference",
        name="made-anew",
        wrong=lambda: Forward(lambda s, x: s.b(nn.Dropout(0.4)(s.a(x))), a=nn.Linear(8, 8), b=nn.Linear(8, 3)),
        right=lambda: Forward(
            lambda s, x: s.b(s.drop(s.a(x))), a=nn.Linear(8, 8), b=nn.Linear(8, 3), drop=nn.Dropout(0.4)
        ),
        layer="Dropout",
        severity="error",
        evidence="made anew in the forward",
    ),
    Mistake(
        check="dropout-at-inference",
        name="left-in-training",
        wrong=left_in_training,
        right=lambda: dense(nn.Dropout(0.5)).eval(),
        layer="2",
        severity="error",
        evidence="is in training mode while the model is in evaluation",
    ),
    Mistake(
        check="dropout-at-inference",
        name="own-forward",
        wrong=lambda: dense(Always(0.4)),
        right=lambda: dense(nn.Dropout(0.4)),
        layer="2",
        severity="error",
        evidence="drops though it is in evaluation mode",
        measured=True,  # without, its forward is code like any other: what the next check reports
    ),
    Mistake(
        check="dropout-at-inference",
        name="by-hand",
        wrong=lambda: Forward(
            lambda s, x: s.b((h := s.a(x)) * (torch.rand_like(h) > 0.5)), a=nn.Linear(8, 8), b=nn.Linear(8, 3)
        ),
        right=lambda: Forward(
            lambda s, x: s.b((h := s.a(x)) * (torch.rand_like(h) > 0.5) if s.training else s.a(x)),
            a=nn.Linear(8, 8),
            b=nn.Linear(8, 3),
        ),
        layer="forward",
        severity="warning",
        evidence="rand_like at .*mistakes.py:[0-9]+ gives other numbers in each call",
    ),
    Mistake(
        check="dropout-without-training",
        wrong=lambda: Forward(lambda s, x: s.b(F.dropout(s.a(x), 0.3)), a=nn.Linear(8, 8), b=nn.Linear(8, 3)),
        right=lambda: Forward(
            lambda s, x: s.b(F.dropout(s.a(x), 0.3, s.training)), a=nn.Linear(8, 8), b=nn.Linear(8, 3)
        ),
        layer="forward",
        severity="error",
        evidence=r"F\.dropout at .*mistakes\.py:\d+ of rate 0\.3 drops in evaluation, too.*F\.dropout\(s\.a\(x\)",
    ),
    Mistake(
        check="dropout-without-training",
        name="attention",
        wrong=lambda: Forward(lambda s, x: s.b(_attend(s.a(x), 0.2)), a=nn.Linear(8, 8), b=nn.Linear(8, 3)),
        right=lambda: Forward(
            lambda s, x: s.b(_attend(s.a(x), 0.2 if s.training else 0.0)), a=nn.Linear(8, 8), b=nn.Linear(8, 3)
        ),
        layer="forward",
        severity="error",
        evidence=r"scaled_dot_product_attention at .*mistakes\.py:\d+ of rate 0\.2 drops in evaluation",
        shape=(4, 5, 8),
    ),
    Mistake(
        check="spatial-dropout-rank",
        wrong=lambda: dense(nn.Dropout2d(0.3)),
        right=lambda: dense(nn.Dropout(0.3)),
        layer="2",
        severity="error",
        evidence=r"Dropout2d takes 4 axes and is given 3, \[4, 5, 8\]: .* each of its 5 places",
        shape=(4, 5, 8),
        measured=True,
    ),
    Mistake(
        check="spatial-dropout-rank",
        name="rows",
        wrong=lambda: dense(nn.Dropout1d(0.3)),
        right=lambda: dense(nn.Dropout(0.3)),
        layer="2",
        severity="error",
        evidence=r"Dropout1d takes 3 axes and is given 2, \[16, 8\]: .* whole rows of the 16",
        measured=True,
    ),
    Mistake(
        check="spatial-dropout-rank",
        name="maps",
        wrong=lambda: nn.Sequential(nn.Conv1d(3, 8, 3), nn.ReLU(), nn.Dropout2d(0.3), nn.Conv1d(8, 2, 1)),
        right=lambda: nn.Sequential(nn.Conv1d(3, 8, 3), nn.ReLU(), nn.Dropout1d(0.3), nn.Conv1d(8, 2, 1)),
        layer="2",
        severity="warning",
        evidence=r"\[rows, channels, length\] today and as \[channels, height, width\]",
        shape=(4, 3, 9),
        measured=True,
    ),
    Mistake(
        check="bias-before-batch-norm",
        wrong=lambda: normalised(bias=True),
        right=normalised,
        layer="0",
        severity="note",
        evidence="8 biases of Linear shift what 1 centres",
    ),
    Mistake(
        check="decay-of-biases",
        wrong=lambda: normalised(bias=True),
        right=lambda: normalised(bias=True),
        layer="0.bias",
        severity="warning",
        evidence=r"group 0 of AdamW shrinks 2 bias tensors and 2 normalisation parameters \(27 numbers\) by 0\.1",
        keywords=decayed(torch.optim.AdamW, weight_decay=0.1),
        right_keywords=split,
    ),
    Mistake(
        check="decay-of-biases",
        name="penalty",
        wrong=dense,
        right=dense,
        layer="0.bias",
        severity="warning",
        evidence=r"the penalty shrinks 2 bias tensors \(11 numbers\) by 0\.02",
        keywords=lambda model: {"penalty": er.L2(strength=0.01, kinds=("weight", "bias"))},
        right_keywords=lambda model: {"penalty": er.L2(strength=0.01)},
    ),
    Mistake(
        check="decay-before-norm",
        wrong=normalised,
        right=dense,
        layer="0",
        severity="note",
        evidence=r"weight decay 0\.1 shrinks 1 weight \(64 numbers\)",
        keywords=split,
    ),
    Mistake(
        check="decay-before-norm",
        name="proximal",
        wrong=normalised,
        right=normalised,
        layer="0",
        severity="note",
        evidence=r"weight decay 0\.02 shrinks 1 weight",
        keywords=lambda model: {
            "optimiser": er.Proximal(torch.optim.SGD(model.parameters(), lr=0.1), er.L2(strength=0.01), model=model)
        },
        right_keywords=lambda model: {
            "optimiser": er.Proximal(
                torch.optim.SGD(model.parameters(), lr=0.1), er.L2(strength=0.01, exclude="0.*"), model=model
            )
        },
    ),
    Mistake(
        check="coupled-decay",
        wrong=dense,
        right=dense,
        layer="0.weight",
        severity="warning",
        evidence="the 0.1 of group 0 of Adam is added to the gradient, and Adam divides that by its size",
        keywords=decayed(torch.optim.Adam, weight_decay=0.1),
        right_keywords=decayed(torch.optim.AdamW, weight_decay=0.1),
    ),
    Mistake(
        check="reused-dropout",
        wrong=shared,
        right=own,
        layer="2",
        severity="note",
        evidence="drops in 2 places, behind 0 and 3",
    ),
    Mistake(
        check="keep-probability",
        wrong=KeepProbability,
        right=DropProbability,
        layer="body.2",
        severity="error",
        evidence=r"nn\.Dropout\(keep_prob\) is given 'keep_prob', a share to keep.*: 80% of the units are dropped",
    ),
    Mistake(
        check="keep-probability",
        name="value",
        wrong=lambda: dense(nn.Dropout(0.9)),
        right=lambda: dense(nn.Dropout(0.1)),
        layer="2",
        severity="note",
        evidence="0.9 is a usual share to keep",
    ),
    Mistake(
        check="doubled-activation",
        wrong=lambda: nn.Sequential(*dense(), nn.Softmax(dim=1)),
        right=dense,
        layer="3",
        severity="error",
        evidence="cross-entropy is given the outputs of softmax",
        keywords=loss(nn.CrossEntropyLoss()),
    ),
    Mistake(
        check="doubled-activation",
        name="sigmoid",
        wrong=lambda: nn.Sequential(*dense(), nn.Sigmoid()),
        right=dense,
        layer="3",
        severity="error",
        evidence="takes their sigmoid: no prediction is below 0.5",
        keywords=loss(F.binary_cross_entropy_with_logits),
    ),
    Mistake(
        check="doubled-activation",
        name="twice-the-same",
        wrong=lambda: nn.Sequential(*dense(), nn.LogSoftmax(dim=1)),
        right=dense,
        layer="3",
        severity="note",
        evidence="the same numbers, worked out twice",
        keywords=loss("cross_entropy"),
    ),
    Mistake(
        check="doubled-activation",
        name="probabilities-for-logarithms",
        wrong=lambda: nn.Sequential(*dense(), nn.Softmax(dim=1)),
        right=lambda: nn.Sequential(*dense(), nn.LogSoftmax(dim=1)),
        layer="3",
        severity="error",
        evidence="takes them for logarithms of probabilities",
        keywords=loss(nn.NLLLoss),
    ),
    Mistake(
        check="doubled-activation",
        name="logits-for-logarithms",
        wrong=dense,
        right=lambda: nn.Sequential(*dense(), nn.LogSoftmax(dim=1)),
        layer="forward",
        severity="error",
        evidence="the exponentials of a row sum to",
        keywords=loss(nn.NLLLoss()),
        measured=True,
    ),
    Mistake(
        check="doubled-activation",
        name="by-hand",
        wrong=lambda: Forward(lambda s, x: (e := s.a(x).exp()) / e.sum(1, keepdim=True), a=nn.Linear(8, 3)),
        right=lambda: Forward(lambda s, x: s.a(x), a=nn.Linear(8, 3)),
        layer="forward",
        severity="error",
        evidence="its rows sum to 1",
        keywords=loss(nn.CrossEntropyLoss),
        measured=True,
    ),
    Mistake(
        check="doubled-activation",
        name="no-loss",
        wrong=lambda: nn.Sequential(*dense(), nn.Softmax(dim=1)),
        right=dense,
        layer="3",
        severity="note",
        evidence="nn.CrossEntropyLoss takes the outputs before it",
    ),
    Mistake(
        check="no-effect",
        wrong=lambda: dense(nn.Dropout(0.0)),
        right=lambda: dense(nn.Dropout(0.1)),
        layer="2",
        severity="note",
        evidence="its rate is 0",
    ),
    Mistake(
        check="no-effect",
        name="one-recurrent-layer",
        wrong=lambda: Forward(lambda s, x: s.out(s.run(x)[0]), run=_recurrent(1), out=nn.Linear(8, 3)),
        right=lambda: Forward(lambda s, x: s.out(s.run(x)[0]), run=_recurrent(2), out=nn.Linear(8, 3)),
        layer="run",
        severity="warning",
        evidence=r"LSTM\(dropout=0\.3\) drops between its layers, and it has one",
        shape=(4, 5, 8),
    ),
    Mistake(
        check="no-effect",
        name="never-called",
        wrong=lambda: Forward(lambda s, x: s.a(x), a=nn.Linear(8, 3), drop=nn.Dropout(0.2)),
        right=lambda: Forward(lambda s, x: s.a(s.drop(x)), a=nn.Linear(8, 3), drop=nn.Dropout(0.2)),
        layer="drop",
        severity="note",
        evidence="the forward never calls it",
        measured=True,
    ),
    Mistake(
        check="dropout-twice",
        wrong=lambda: dense(nn.Dropout(0.5), nn.Dropout(0.2)),
        right=lambda: dense(nn.Dropout(0.5)),
        layer="2",
        severity="warning",
        evidence=r"3 \(rate 0\.2\) drops from what 2 \(rate 0\.5\) has left.*: 0\.6 together",
    ),
    Mistake(
        check="selu-and-dropout",
        wrong=lambda: nn.Sequential(nn.Linear(8, 8), nn.SELU(), nn.Dropout(0.2), nn.Linear(8, 3)),
        right=lambda: nn.Sequential(nn.Linear(8, 8), nn.SELU(), nn.AlphaDropout(0.2), nn.Linear(8, 3)),
        layer="2",
        severity="warning",
        evidence=r"follows SELU.* a variance of 1\.25",
    ),
    Mistake(
        check="selu-and-dropout",
        name="alpha",
        wrong=lambda: dense(nn.AlphaDropout(0.2)),
        right=lambda: dense(nn.Dropout(0.2)),
        layer="2",
        severity="warning",
        evidence="AlphaDropout follows ReLU",
    ),
    Mistake(
        check="original-form",
        wrong=lambda: dense(er.Dropout(0.3, form="original")),
        right=lambda: dense(er.Dropout(0.3)),
        layer="2",
        severity="note",
        evidence=r"evaluation multiplies by 0\.7",
    ),
]


def _attention(rate):
    return nn.MultiheadAttention(8, 2, dropout=rate, batch_first=True)


def _attend(x, rate):
    return F.scaled_dot_product_attention(x, x, x, dropout_p=rate)


def _recurrent(layers):
    model = nn.LSTM(8, 8, num_layers=layers, batch_first=True)
    model.dropout = 0.3  # torch warns when it is made with one layer
    return model
