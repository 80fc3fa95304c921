"""Small samples and hypothesis strategies for the laws of fleets."""

import numpy as np
from hypothesis import strategies as st

from evenfit.data.encodings import InputShape
from evenfit.fleet.samples import Samples
from evenfit.specs.config import ACTIVATIONS, DROPOUT_KINDS, SCHEDULES, STRENGTH_SCHEDULES, Config


def make_samples(*, rows=23, numeric=2, hot=2, cardinalities=(11,), outputs=3, splits=3, seed=0) -> Samples:
    """Random rows whose splits differ in size, with weights and level codes of which some are unknown."""
    random = np.random.default_rng(seed)
    features = numeric + hot
    classification = outputs > 1
    target = random.integers(0, outputs, rows) if classification else random.standard_normal(rows)
    order = random.permutation(rows)
    folds = np.array_split(order, splits)
    training = [np.sort(np.concatenate([folds[j] for j in range(splits) if j != i])) for i in range(splits)]
    training[0] = training[0][:-2]
    codes = [random.integers(-1, levels, (splits, rows)) for levels in cardinalities]
    return Samples(
        shape=InputShape(numeric=numeric, features=features, cardinalities=tuple(cardinalities)),
        outputs=outputs,
        classification=classification,
        values=random.standard_normal((splits, rows, features)),
        codes=np.stack(codes, axis=2).astype(np.int32) if codes else np.zeros((splits, rows, 0), dtype=np.int32),
        target=np.stack([target] * splits).astype(float),
        row_weights=random.uniform(0.5, 1.5, (splits, rows)),
        balanced_weights=random.uniform(0.5, 1.5, (splits, rows)),
        prior=random.standard_normal((splits, outputs)),
        training=training,
        validation=[np.sort(fold) for fold in folds],
    )


SHAPES = st.fixed_dictionaries(
    {
        "width": st.integers(1, 9),
        "depth": st.integers(0, 3),
        "activation": st.sampled_from(ACTIVATIONS),
        "batch_rows": st.integers(2, 30),
        "numeric_embedding": st.sampled_from(["none", "pbld"]),
        "embedding_size": st.integers(1, 3),
        "optimiser": st.sampled_from(["adamw", "sgd"]),
    }
)


EXAMPLES = {  # each regulariser, and what changes how it works
    "dropout": {"dropout": 0.3},
    "gaussian dropout": {"dropout": 0.3, "dropout_kind": "gaussian"},
    "alpha dropout": {"dropout": 0.3, "dropout_kind": "alpha"},
    "early dropout": {"dropout": 0.5, "input_dropout": 0.3, "drop_connect": 0.2, "dropout_schedule": "early"},
    "late dropout": {"dropout": 0.5, "input_dropout": 0.3, "drop_connect": 0.2, "dropout_schedule": "late"},
    "input dropout": {"input_dropout": 0.3},
    "drop connect": {"drop_connect": 0.3},
    "l1": {"l1": 0.3},
    "l2": {"l2": 0.3},
    "elastic net": {"elastic_net": 0.3, "beta": 0.3},
    "group lasso": {"group_lasso": 0.3},
    "sparse group lasso": {"group_lasso": 0.3, "l1": 0.2, "l2": 2.0},
    "falling penalty": {"group_lasso": 0.3, "l1": 0.2, "l2": 2.0, "penalty_schedule": "linear"},
    "max norm": {"max_norm": 0.5},
    "unit norm": {"unit_norm": True},
    "spectral bound": {"spectral_bound": 0.5},
    "input noise": {"input_noise": 0.3},
    "weight noise": {"weight_noise": 0.1},
    "mixup": {"mixup": 0.4},
    "mixup before dropped inputs": {"mixup": 0.4, "input_dropout": 0.3, "input_noise": 0.1},
    "label smoothing": {"label_smoothing": 0.1},
    "agreement": {"r_drop": 2.0, "dropout": 0.3, "input_dropout": 0.2, "drop_connect": 0.1, "weight_noise": 0.1},
    "agreement of mixtures": {"r_drop": 2.0, "dropout": 0.3, "mixup": 0.4, "activity_l1": 0.1},
    "activity": {"activity_l1": 0.1},
    "sharpness": {"sam_radius": 0.2},
    "sharpness with all chance": {"sam_radius": 0.2, "dropout": 0.3, "r_drop": 1.0, "mixup": 0.4, "weight_noise": 0.1},
    "clipping": {"gradient_clip": 0.05},
    "moving average": {"weight_averaging": 0.6},
    "plain average": {"swa_share": 0.7},
    "both averages": {"swa_share": 0.7, "weight_averaging": 0.6},
}


def _maybe(values):
    return st.just(0.0) | values


def _rarely(values):
    return st.integers(0, 3).flatmap(lambda drawn: values if drawn == 3 else st.just(0.0))


SCALARS = st.fixed_dictionaries(
    {
        "epochs": st.integers(1, 4),
        "learning_rate": st.floats(1e-3, 3e-2),
        "momentum": st.floats(0.0, 0.95),
        "second_momentum": st.floats(0.5, 0.999),
        "schedule": st.sampled_from(SCHEDULES),
        "input_scale_rate": _maybe(st.floats(0.5, 6.0)),
        "l1": _maybe(st.floats(1e-3, 0.5)),
        "l2": _maybe(st.floats(1e-3, 0.5)),
        "elastic_net": _maybe(st.floats(1e-3, 0.5)),
        "beta": st.floats(0.0, 1.0),
        "group_lasso": _rarely(st.floats(1e-3, 1.0)),
        "max_norm": _rarely(st.floats(0.2, 3.0)),
        "unit_norm": st.sampled_from([False, False, False, True]),
        "spectral_bound": _rarely(st.floats(0.2, 3.0)),
        "penalty_schedule": st.sampled_from(STRENGTH_SCHEDULES),
        "dropout": _maybe(st.floats(0.1, 0.9)),
        "dropout_kind": st.sampled_from(DROPOUT_KINDS),
        "dropout_schedule": st.sampled_from(STRENGTH_SCHEDULES),
        "input_dropout": _maybe(st.floats(0.1, 0.9)),
        "drop_connect": _rarely(st.floats(0.1, 0.9)),
        "label_smoothing": _maybe(st.floats(0.01, 0.5)),
        "input_noise": _maybe(st.floats(0.01, 0.5)),
        "weight_noise": _rarely(st.floats(0.01, 0.5)),
        "mixup": _rarely(st.floats(0.05, 2.0)),
        "r_drop": _rarely(st.floats(0.1, 5.0)),
        "activity_l1": _rarely(st.floats(1e-3, 0.5)),
        "sam_radius": _rarely(st.floats(0.01, 0.5)),
        "gradient_clip": _rarely(st.floats(0.01, 2.0)),
        "weight_averaging": _maybe(st.floats(0.1, 0.9)),
        "swa_share": _rarely(st.floats(0.01, 1.0)),
        "balanced_classes": st.booleans(),
    }
)


@st.composite
def configs(draw, count=1):
    """Configs that may share a fleet: one shape, all other values free."""
    shape = draw(SHAPES)
    made = []
    for _ in range(count):
        values = draw(SCALARS)
        nesterov = shape["optimiser"] == "sgd" and values["momentum"] > 0 and draw(st.booleans())
        made.append(Config(**shape, **values, nesterov=nesterov))
    return made
