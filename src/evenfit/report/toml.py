"""A config as TOML with comments that say what each value means, and back."""

from __future__ import annotations

import json
import tomllib

from evenfit.errors import ConfigError
from evenfit.report.visible import visible
from evenfit.specs.config import CHOICES, Config

MEANINGS = {  # heading: value of a config, what it means
    "Shape of the network": {
        "width": "units of each hidden layer",
        "depth": "hidden layers; 0 is a linear model",
        "activation": "of hidden units",
        "batch_rows": "rows of one training step",
        "numeric_embedding": "how each numeric column is spread over several inputs",
        "embedding_size": "numbers that stand for one category of a column with many",
    },
    "Encodings, fitted on the training rows of each split": {
        "inputs": "how numeric columns are scaled",
        "target": "how the target is scaled in a regression",
        "balanced_classes": "whether every class weighs the same in training",
    },
    "Training": {
        "epochs": "passes over the training rows that the schedule is made for",
        "optimiser": "",
        "learning_rate": "at its highest",
        "momentum": "decay of the mean of past gradients",
        "second_momentum": "decay of the mean of past squared gradients (adamw only)",
        "nesterov": "whether momentum looks one step ahead (sgd only)",
        "schedule": "how the learning rate changes over the epochs",
        "input_scale_rate": "learning rate of the input scaling layer, as a multiple",
    },
    "Regularisation; 0 is none": {
        "l1": "strength of the sum of absolute weights",
        "l2": "strength of the sum of squared weights",
        "elastic_net": "strength of the mix of both",
        "beta": "share of L1 in the elastic net",
        "group_lasso": "strength of the sum of norms of all weights that leave one column or hidden unit",
        "max_norm": "most that the norm of a unit's incoming weights may be",
        "unit_norm": "whether the incoming weights of hidden units have norm 1",
        "spectral_bound": "most that a matrix of weights may stretch a vector",
        "penalty_schedule": "how l1, l2, elastic_net and group_lasso change over the epochs",
        "dropout": "probability that a hidden unit is dropped in training",
        "dropout_kind": "what happens to a unit that is dropped",
        "dropout_schedule": "how the probabilities to drop change over the epochs",
        "input_dropout": "probability that an input is dropped in training",
        "drop_connect": "probability that a weight behind a hidden unit is dropped in training",
        "input_noise": "standard deviation of noise on the scaled numeric inputs",
        "weight_noise": "standard deviation of noise on the weights of a step",
        "mixup": "alpha of the Beta distribution by which two rows are mixed",
        "label_smoothing": "share of the target that is spread over all classes",
        "r_drop": "weight of how far two passes disagree",
        "activity_l1": "strength of the sum of absolute hidden units, mean over rows",
        "sam_radius": "how far a step looks uphill",
        "gradient_clip": "most that the norm of a step's gradient may be",
        "weight_averaging": "decay of the moving average of weights, per epoch",
        "swa_share": "last share of the epochs whose weights are averaged equally",
    },
}


def toml(config: Config, *, title: str = "A config of evenfit.") -> str:
    """Write every value of a config, each with a comment; ``read`` gives the config back.

    Example:
        >>> read(toml(Config(dropout=0.2))).dropout
        0.2
    """
    values = config.to_json()
    lines = [f"# {visible(line)}" for line in title.splitlines()]
    for heading, meanings in MEANINGS.items():
        lines += ["", f"# {heading}"]
        assigned = {name: f"{name} = {_value(values[name])}" for name in meanings}
        column = max(map(len, assigned.values()))
        for name, meaning in meanings.items():
            comment = "; ".join(filter(None, (meaning, _choices(name))))
            lines.append(f"{assigned[name]:<{column}}  # {comment}")
    return "\n".join(lines) + "\n"


def read(text: str) -> Config:
    """Read a config back from what ``toml`` wrote; names that are left out keep their default.

    Raises:
        ConfigError: the text is not TOML, or a name or a value is not a config's.
    """
    try:
        return Config.from_json(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"a config must be TOML, got text with an error: {error}") from error


def _value(value: object) -> str:
    """A text, a number or a truth as TOML writes it: JSON's form, but for exponents without a point."""
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value)


def _choices(name: str) -> str:
    """The values that a name may take, where they are few."""
    return ", ".join(CHOICES[name]) if name in CHOICES else ""
