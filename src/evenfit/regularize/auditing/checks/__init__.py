"""Checks: every kind of mistake that the audit looks for.

To add one, write a function that yields its sights and name it in ``CHECKS``; tests hold docs/audit.md to the table.
"""

from __future__ import annotations

from evenfit.regularize.auditing.checks import (
    inference,
    outputs,
    placement,
    ranks,
    rates,
    selu,
    variance_shift,
    weights,
)
from evenfit.regularize.auditing.checks.check import Check

_SRIVASTAVA = 'Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR, 2014'

CHECKS: dict[str, Check] = {
    "dropout-at-inference": Check(
        title="dropout is active at inference",
        look=inference.at_inference,
        source=f"{_SRIVASTAVA}, section 1: no unit is dropped at test time",
    ),
    "dropout-without-training": Check(
        title="functional dropout without `training`",
        look=inference.without_training,
        source="pytorch/pytorch#26338: F.dropout drops in eval() unless training=self.training is given",
    ),
    "dropout-on-output": Check(
        title="dropout on the output layer", look=placement.on_output, source=f"{_SRIVASTAVA}, section 4"
    ),
    "keep-probability": Check(
        title="a rate given as the share to keep",
        look=rates.keep_probability,
        source="torch.nn.Dropout, documentation: p is the probability of an element to be zeroed",
    ),
    "doubled-activation": Check(
        title="an activation that the loss does itself",
        look=outputs.doubled_activation,
        source="torch.nn.CrossEntropyLoss and BCEWithLogitsLoss, documentation: the input is expected to be logits",
    ),
    "spatial-dropout-rank": Check(
        title="spatial dropout on an input of another rank",
        look=ranks.wrong_rank,
        needs=("sample",),
        source="pytorch/pytorch#69801 and #77081: Dropout2d reads three axes as [rows, channels, length]",
    ),
    "dropout-before-batch-norm": Check(
        title="dropout before batch normalisation",
        look=variance_shift.before_batch_norm,
        source='Li, Chen, Hu & Yang, "Understanding the disharmony between dropout and batch normalization by variance '
        'shift", 2018',
    ),
    "elementwise-between-convolutions": Check(
        title="elementwise dropout between convolutions",
        look=placement.between_convolutions,
        source='Tompson et al., "Efficient object localization using convolutional networks", CVPR 2015, section 3.2',
    ),
    "high-rate": Check(title="a high rate", look=rates.too_high, source=f"{_SRIVASTAVA}, appendix A"),
    "dropout-twice": Check(title="dropout after dropout", look=placement.twice, source=f"{_SRIVASTAVA}, section 4"),
    "selu-and-dropout": Check(
        title="SELU and alpha dropout belong together",
        look=selu.unpaired,
        source='Klambauer et al., "Self-normalizing neural networks", 2017',
    ),
    "decay-of-biases": Check(
        title="weight decay on biases and normalisation parameters",
        look=weights.decayed_biases,
        needs=("decay",),
        source='pytorch/pytorch#1402; He et al., "Bag of tricks for image classification", 2019, section 3.1',
    ),
    "coupled-decay": Check(
        title="weight decay inside an adaptive gradient",
        look=weights.coupled_decay,
        needs=("decay",),
        source='Loshchilov & Hutter, "Decoupled weight decay regularization", ICLR 2019',
    ),
    "decay-before-norm": Check(
        title="weight decay on scale-invariant weights",
        look=weights.decayed_before_norm,
        needs=("decay",),
        source='Zhang, Wang, Xu & Grosse, "Three mechanisms of weight decay regularization", ICLR 2019',
    ),
    "bias-before-batch-norm": Check(
        title="a bias before batch normalisation",
        look=weights.useless_bias,
        source='Ioffe & Szegedy, "Batch normalization: accelerating deep network training", 2015, section 3.2',
    ),
    "reused-dropout": Check(
        title="one dropout layer in several places",
        look=inference.reused,
        source=f"{_SRIVASTAVA}, appendix A: rates differ by layer",
    ),
    "no-effect": Check(
        title="dropout without effect",
        look=rates.no_effect,
        source="torch.nn.LSTM, documentation: dropout is on the outputs of each layer but the last",
    ),
    "original-form": Check(
        title="the original form, not folded",
        look=inference.original_form,
        source=f"{_SRIVASTAVA}, section 1: weights are scaled for test time",
    ),
}
