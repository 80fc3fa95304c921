"""Sweep files with the keys and habits of those that W&B's examples and documentation show."""

import pytest

from evenfit.errors import SweepError
from evenfit.sweeps.reading import parse
from evenfit.sweeps.sweep import make_sweep

HONOURED = {
    "booleans": """
program: train.py
method: grid
parameters:
  optimizer: {values: ["sgd", "adam"]}
  flag: {values: [false, true]}
""",
    "hyperband from the top, with small numbers": """
program: train.py
method: bayes
metric: {goal: minimize, name: val_loss}
parameters:
  decay: {values: [1e-5, 1e-6, 1e-7]}
  epochs: {value: 27}
early_terminate: {type: hyperband, s: 2, eta: 3, max_iter: 27}
""",
    "a local controller, described": """
description: a sweep with a local controller
program: train.py
project: examples
entity: someone
name: first
method: bayes
controller:
  type: local
metric: {name: loss, goal: minimize}
parameters:
  epochs: {value: 27}
  direction: {values: [-1, 0.1, 1]}
""",
    "hydra": """
program: main.py
metric: {name: val_loss, goal: minimize}
method: bayes
parameters:
  optimizer.config.learning_rate: {min: !!float 1e-5, max: 0.1}
  optimizer: {values: [sgd, adam]}
command: ["${env}", "${interpreter}", "${program}", "${args_no_hyphens}", +num_gpus=1]
""",
    "nested": """
program: train.py
method: random
metric: {name: Validation/Accuracy, goal: maximize}
parameters:
  optimizer:
    parameters:
      learning_rate: {distribution: log_uniform_values, min: 1e-5, max: 1e-1}
      nadam:
        parameters:
          beta: {values: [0.9, 0.95]}
""",
    "the first years": """
program: train.py
method: bayes
metric: {name: accuracy, goal: maximize}
parameters:
  epochs: {distribution: constant, value: 20}
  dropout: {distribution: uniform, min: 0, max: 1}
  one_cycle: {distribution: categorical, values: [True, False]}
  learning_rate: {distribution: log_uniform, min: -11, max: -2}
""",
    "a version and a kind, a cap and a target": """
apiVersion: v1
kind: sweep
program: train.py
method: random
run_cap: 5
metric: {name: loss, target: 0.1, impute: latest, impute_while_running: best}
parameters:
  x: {distribution: q_log_uniform_values, min: 1, max: 256, q: 8}
  y: {distribution: categorical_w_probabilities, values: [a, b], probabilities: [0.25, 0.75]}
  z: {distribution: q_beta, a: 2, b: 5, q: 0.1}
""",
    "slashes in names, and a program of its own": """
program: cli
method: bayes
metric: {goal: minimize, name: train/loss}
parameters:
  optimizer_config/optimizer/init_args/lr: {distribution: uniform, max: 0.0002, min: 5e-05}
command: ["${env}", "cli", "fit", "--json-file", "${args_json_file}"]
""",
    "a template with keys left empty": """
program: train.py
project:
entity:
description:
method: random
parameters: {x: {min: 0.0, max: 1.0}}
""",
    "a scheduler": """
program: train.py
method: custom
scheduler: {engine: optuna}
metric: {name: loss}
parameters: {x: {min: 0.0, max: 1.0}}
""",
}
REFUSED = {
    "scheduler has an unknown key 'num_workers'": """
method: bayes
scheduler: {engine: wandb, num_workers: 2}
metric: {name: loss}
parameters: {x: {min: 0.0, max: 1.0}}
""",
    "job cannot be honoured": """
method: random
job: someone/project/job:latest
metric: {name: loss}
parameters: {x: {min: 0.0, max: 1.0}}
""",
    "unknown key 'tune'": "program: train.py\ntune: {num_samples: 10}\n",
    "early_terminate.type must be hyperband": """
program: train.py
method: random
metric: {name: loss}
early_terminate: {type: envelope}
parameters: {x: {min: 0.0, max: 1.0}}
""",
    "parameters.x: min must be a finite number": """
program: train.py
method: random
parameters: {x: {min: "1e-5", max: 1.0}}
""",
}


@pytest.mark.parametrize("text", HONOURED.values(), ids=HONOURED)
def test_every_key_of_what_is_usual_is_honoured(text):
    assert make_sweep(parse(text)).parameters


@pytest.mark.parametrize(("message", "text"), REFUSED.items(), ids=REFUSED)
def test_what_cannot_be_honoured_is_refused_by_name(message, text):
    with pytest.raises(SweepError, match=message):
        make_sweep(parse(text))
